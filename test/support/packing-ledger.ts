import { releaseClaim } from "../../lib/ledger/claims.ts"
import { claimSeries, releaseSeries } from "../../lib/ledger/cod/claims.ts"
import type { HeaderResult } from "../../lib/ledger/cod/headers.ts"
import { filesToPack, type InstanceResult, recordPacked } from "../../lib/ledger/cod/instances.ts"
import { recordLockHanging, recordLockIntent, recordLockTaken } from "../../lib/ledger/cod/locks.ts"
import { recordSeriesFailure, seriesToPack } from "../../lib/ledger/cod/series.ts"
import { recordStudy } from "../../lib/ledger/studies.ts"
import { beginAll, COPIED, settle } from "./copying.ts"
import { chestStudy, image, metadata, mustClaim, type TestLedger, testLedger } from "./ledger.ts"

export const HANGING_URI = "gs://copies/cod/dicomweb/studies/1.3/series/1.3.8"

/**
 * A ledger with one of everything that packing comes to: of `a` one image is packed and another in conflict with it; the
 * only series of `b` hangs; `c` has an image that waits, one whose header nobody has read, and one that no series can hold.
 */
export function packingLedger(): TestLedger {
  const bench = testLedger()
  copied(bench, "a", [header("1.2", 1), header("1.2", 2)])
  pack(bench, "a", ["new", "conflict"])
  copied(bench, "b", [header("1.3", 1)])
  hang(bench, "b")
  copied(bench, "c", [header("1.4", 1), undefined, { error: "it has no SOP Instance UID" }])
  return bench
}

export const header = (studyUid: string, n: number): HeaderResult => ({
  studyUid,
  seriesUid: `${studyUid}.8`,
  instanceUid: `${studyUid}.8.${n}`,
  transferSyntax: "1.2.840.10008.1.2.1",
  frames: 1,
})

/** A study of metadata and these images, copied with what their headers say. */
export function copied(bench: TestLedger, studyId: string, headers: readonly (HeaderResult | undefined)[]) {
  const { ledger, runId, cohortId } = bench
  const objects = [metadata(), ...headers.map((_, n) => image(`i${n}`))]
  recordStudy(ledger, chestStudy(studyId, { objects }), cohortId)
  const claim = mustClaim(ledger, runId, studyId)
  for (const attempt of beginAll(ledger, claim)) {
    settle(ledger, claim, attempt, { ...COPIED, header: headers[attempt.object.position - 1] })
  }
  releaseClaim(ledger, claim, { seconds: 0 })
}

function claimed(bench: TestLedger, studyId: string) {
  const { seriesNo } = seriesToPack(bench.ledger, studyId)[0]!
  return claimSeries(bench.ledger, bench.runId, seriesNo)!
}

/** Packs what of it waits, in the order of the files. */
export function pack(bench: TestLedger, studyId: string, results: readonly InstanceResult[]) {
  const { ledger } = bench
  const claim = claimed(bench, studyId)
  const files = filesToPack(ledger, claim.seriesNo, studyId).map(({ position, crc32c }, n) => {
    const result = results[n]!
    const why = { errorClass: "InstanceConflict", errorMessage: "other bytes of this UID are there" }
    const failure = result === "new" ? undefined : ({ verdict: "give-up", ...why } as const)
    return { studyId, position, crc32c, result, failure, startByte: 1536 }
  })
  ledger.write((tally) =>
    recordPacked(ledger, tally, claim, { tarGeneration: "1", metadataGeneration: "2", files }),
  )
  releaseSeries(ledger, claim)
}

function hang(bench: TestLedger, studyId: string) {
  const { ledger } = bench
  const claim = claimed(bench, studyId)
  const why = { errorClass: "TarDisagreesError", errorMessage: "tar and metadata disagree" }
  ledger.write((tally) => {
    recordLockIntent(ledger, claim, { token: "t", seriesUri: HANGING_URI, names: [".cod.lock"] })
    recordLockTaken(ledger, "t", { ".cod.lock": "17" })
    recordLockHanging(ledger, "t", `${why.errorClass}: ${why.errorMessage}`)
    recordSeriesFailure(ledger, tally, claim, { verdict: "give-up", ...why })
  })
  releaseSeries(ledger, claim)
}
