import type { SeriesMetadata } from "../../cod/index.ts"
import { forgetLost } from "../../ledger/cod/copies.ts"
import { type FileOfSeries, packedFiles } from "../../ledger/cod/instances.ts"
import { type LedgerSeries, queueSeries } from "../../ledger/cod/series.ts"
import type { Tally } from "../../ledger/tally.ts"
import type { IngestDeps } from "./deps.ts"
import { keyOf } from "./series-place.ts"

type LostDeps = Pick<IngestDeps, "ledger" | "uidHashFunc">

/**
 * Queues a series again of which something is gone that we packed. Belongs into a transaction.
 * @param metadata that stand there; undefined when the series is gone
 * @returns whether anything was
 */
export function queueLost(
  deps: LostDeps,
  tally: Tally,
  { seriesNo }: Pick<LedgerSeries, "seriesNo">,
  metadata: SeriesMetadata | undefined,
): boolean {
  const { ledger } = deps
  const lost = lostFiles(deps, seriesNo, metadata)
  if (metadata !== undefined && lost.length === 0) return false
  // Without a raw copy there is nothing to pack it from: it is copied again before.
  for (const file of lost) if (file.copyDeletedAt !== null) forgetLost(ledger, tally, seriesNo, file)
  queueSeries(ledger, tally, seriesNo)
  return true
}

/** Files that do not stand in a series, byte for byte, although the ledger knows them as packed. */
function lostFiles(
  deps: LostDeps,
  seriesNo: number,
  metadata: SeriesMetadata | undefined,
): readonly FileOfSeries[] {
  return packedFiles(deps.ledger, seriesNo).filter(({ instanceUid, crc32c, size }) => {
    const entry = metadata?.instances.get(keyOf(deps, instanceUid))
    return entry?.kind !== "instance" || entry.crc32c !== crc32c || entry.size !== size
  })
}
