import { claimSeries, releaseSeries } from "../../lib/ledger/cod/claims.ts"
import { filesToPack, type PackedFile, recordPacked } from "../../lib/ledger/cod/instances.ts"
import { recordSeriesFailure, seriesToPack } from "../../lib/ledger/cod/series.ts"
import type { ThumbnailRecord } from "../../lib/ledger/cod/thumbnails.ts"
import { recordStudyFailure } from "../../lib/ledger/retries.ts"
import { recordStudy } from "../../lib/ledger/studies.ts"
import { COPIED, copyHeld, FAILED, GIVEN_UP, MISSING } from "./copying.ts"
import { chestStudy, mustClaim, type TestLedger } from "./ledger.ts"
import { copied, header, packingLedger } from "./packing-ledger.ts"

const PASSING = { verdict: "retry", errorClass: "Unavailable", errorMessage: "HTTP 503" } as const

/**
 * A ledger with a failure of every kind: those of a packing ledger (an image of `a` in conflict, the series of `b` hangs,
 * a file of `c` without a header), objects of `d` that are tried again, looked for and given up, the receipts of `e` (given
 * up) and `f` (tried again), the thumbnail of `g`, an image of `h` and the series of `i` that are tried again.
 */
export function troubledLedger(): TestLedger {
  const bench = packingLedger()
  const { ledger, runId, cohortId } = bench
  for (const id of ["d", "e", "f"]) recordStudy(ledger, chestStudy(id), cohortId)
  const endings = [COPIED, FAILED, MISSING, GIVEN_UP]
  copyHeld(ledger, mustClaim(ledger, runId, "d"), (position) => endings[position]!)
  const conflict = {
    errorClass: "DestinationConflict",
    errorMessage: "a receipt that is not ours stands there",
  }
  recordStudyFailure(ledger, "e", { verdict: "give-up", ...conflict })
  recordStudyFailure(ledger, "f", PASSING)
  packOnly(
    bench,
    "g",
    { result: "new" },
    { state: "failed", errorClass: "ThumbnailError", errorMessage: "no frame can be decoded" },
  )
  packOnly(bench, "h", { result: "error", failure: PASSING })
  failSeries(bench, "i")
  return bench
}

/** Packs a study of one image. */
function packOnly(
  bench: TestLedger,
  studyId: string,
  outcome: Pick<PackedFile, "result" | "failure">,
  thumbnail?: ThumbnailRecord,
) {
  const { ledger } = bench
  const claim = claimOnly(bench, studyId)
  const files = filesToPack(ledger, claim.seriesNo, studyId).map(({ position, crc32c }) => {
    return { studyId, position, crc32c, startByte: 1536, ...outcome }
  })
  ledger.write((tally) =>
    recordPacked(ledger, tally, claim, { tarGeneration: "1", metadataGeneration: "2", files, thumbnail }),
  )
  releaseSeries(ledger, claim)
}

function failSeries(bench: TestLedger, studyId: string) {
  const claim = claimOnly(bench, studyId)
  const failure = { errorClass: "LockAcquisitionError", errorMessage: ".cod.lock is held by another program" }
  bench.ledger.write((tally) =>
    recordSeriesFailure(bench.ledger, tally, claim, { verdict: "retry", ...failure }),
  )
  releaseSeries(bench.ledger, claim)
}

function claimOnly(bench: TestLedger, studyId: string) {
  const { ledger, runId } = bench
  copied(bench, studyId, [header(`1.9.${studyId.charCodeAt(0)}`, 1)])
  return claimSeries(ledger, runId, seriesToPack(ledger, studyId)[0]!.seriesNo)!
}
