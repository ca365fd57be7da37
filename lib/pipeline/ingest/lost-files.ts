import type { SeriesMetadata } from "../../cod/index.ts"
import { forgetLost } from "../../ledger/cod/copies.ts"
import { type FileOfSeries, packedFiles } from "../../ledger/cod/instances.ts"
import { type LedgerSeries, queueSeries } from "../../ledger/cod/series.ts"
import type { Ledger } from "../../ledger/open.ts"
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
  const lost = lostFiles(deps, packedFiles(ledger, seriesNo), metadata)
  if (metadata !== undefined && lost.length === 0) return false
  queueWith(ledger, tally, seriesNo, lost)
  return true
}

/** Queues a series again, of which these files are gone. Belongs into a transaction. */
export function queueWith(ledger: Ledger, tally: Tally, seriesNo: number, lost: readonly FileOfSeries[]) {
  // Without a raw copy there is nothing to pack it from: it is copied again before.
  for (const file of lost) if (file.copyDeletedAt !== null) forgetLost(ledger, tally, seriesNo, file)
  queueSeries(ledger, tally, seriesNo)
}

/** Those of the files that do not stand in a series, byte for byte. */
export function lostFiles(
  deps: Pick<LostDeps, "uidHashFunc">,
  files: readonly FileOfSeries[],
  metadata: SeriesMetadata | undefined,
): readonly FileOfSeries[] {
  return files.filter(({ instanceUid, crc32c, size }) => {
    const entry = metadata?.instances.get(keyOf(deps, instanceUid))
    return entry?.kind !== "instance" || entry.crc32c !== crc32c || entry.size !== size
  })
}
