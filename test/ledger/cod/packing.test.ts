/** How a file gets from its copy into the ledger's idea of a series. */
import { describe, expect, test } from "bun:test"
import { releaseClaim } from "../../../lib/ledger/claims.ts"
import { claimSeries, releaseSeries } from "../../../lib/ledger/cod/claims.ts"
import type { Header, HeaderResult } from "../../../lib/ledger/cod/headers.ts"
import { recordHeader, unreadHeaders } from "../../../lib/ledger/cod/headers.ts"
import {
  filesToPack,
  type InstanceResult,
  packedFiles,
  recordPacked,
} from "../../../lib/ledger/cod/instances.ts"
import { packingWork } from "../../../lib/ledger/cod/outlook.ts"
import { retryUnpacked } from "../../../lib/ledger/cod/retry.ts"
import {
  confirmSeries,
  queueSeries,
  recordSeriesFailure,
  seriesByNo,
  seriesToPack,
  studiesToPack,
  unconfirmedSeries,
} from "../../../lib/ledger/cod/series.ts"
import { ClaimLost } from "../../../lib/ledger/errors.ts"
import { objectAt, objectsOf } from "../../../lib/ledger/objects.ts"
import { queueObjects } from "../../../lib/ledger/retries.ts"
import { recordStudy } from "../../../lib/ledger/studies.ts"
import { wrongTotals } from "../../../lib/ledger/totals.ts"
import { failureList } from "../../../lib/ledger/views.ts"
import { beginAll, COPIED, settle } from "../../support/copying.ts"
import {
  chestStudy,
  HOUR,
  image,
  metadata,
  mustClaim,
  newRun,
  rows,
  type TestLedger,
  testLedger,
} from "../../support/ledger.ts"

const header = (n: number, seriesUid = "1.2.8"): Header => ({
  studyUid: "1.2",
  seriesUid,
  instanceUid: `1.2.8.${n}`,
  transferSyntax: "1.2.840.10008.1.2.1",
  frames: 1,
})

/** A study of metadata and these images, copied with what their headers say. */
function copied(bench: TestLedger, studyId: string, headers: readonly (HeaderResult | undefined)[]) {
  const objects = [metadata(), ...headers.map((_, n) => image(`i${n}`))]
  recordStudy(bench.ledger, chestStudy(studyId, { objects }), bench.cohortId)
  const claim = mustClaim(bench.ledger, bench.runId, studyId)
  for (const attempt of beginAll(bench.ledger, claim)) {
    const { position } = attempt.object
    settle(bench.ledger, claim, attempt, { ...COPIED, header: headers[position - 1] })
  }
  releaseClaim(bench.ledger, claim, { seconds: 0 })
}

/** Packs what waits of a series; each file becomes what is said for its position, else new. */
function pack(
  bench: TestLedger,
  seriesNo: number,
  ends: Readonly<Record<number, "conflict" | "error">> = {},
) {
  const { ledger, runId } = bench
  const claim = claimSeries(ledger, runId, seriesNo)!
  const files = studiesToPack(ledger)
    .flatMap((studyId) => filesToPack(ledger, seriesNo, studyId))
    .map(({ studyId, position, crc32c }) => {
      const result: InstanceResult = ends[position] ?? "new"
      const why = { errorClass: "Why", errorMessage: "why" }
      const verdict = result === "error" ? "retry" : "give-up"
      const failure = result === "new" ? undefined : ({ verdict, ...why } as const)
      return { studyId, position, crc32c, result, failure, startByte: 1536 }
    })
  ledger.write((tally) =>
    recordPacked(ledger, tally, claim, { tarGeneration: "7", metadataGeneration: "8", files }),
  )
  releaseSeries(ledger, claim)
}

const stateOf = (bench: TestLedger, seriesNo = 1) => seriesByNo(bench.ledger, seriesNo)?.state

describe("A file that was copied", () => {
  test("belongs into the series that its header names, and waits to be packed", () => {
    using bench = testLedger()
    copied(bench, "a", [header(1), header(2), header(3, "1.2.9")])
    expect(studiesToPack(bench.ledger)).toEqual(["a"])
    const found = seriesToPack(bench.ledger, "a")
    expect(found.map(({ seriesUid, state }) => [seriesUid, state])).toEqual([
      ["1.2.8", "waiting"],
      ["1.2.9", "waiting"],
    ])
    expect(filesToPack(bench.ledger, found[0]!.seriesNo, "a")).toEqual([
      expect.objectContaining({ studyId: "a", position: 1, instanceUid: "1.2.8.1", crc32c: "AAAAAA==" }),
      expect.objectContaining({ studyId: "a", position: 2, instanceUid: "1.2.8.2" }),
    ])
    expect(objectAt(bench.ledger, "a", 0)).toMatchObject({ seriesNo: null, sopInstanceUid: null })
    expect(packingWork(bench.ledger)).toEqual({
      studies: 1,
      series: 2,
      instances: 3,
      bytes: 3_000,
      headers_to_read: 0,
      given_up: 0,
    })
  })

  test("is not known to belong anywhere until its header was read", () => {
    using bench = testLedger()
    copied(bench, "a", [undefined, header(2)])
    const unread = unreadHeaders(bench.ledger, "a")
    expect(unread.map(({ position }) => position)).toEqual([1])
    bench.ledger.write((tally) => recordHeader(bench.ledger, tally, unread[0]!, header(1)))
    expect(unreadHeaders(bench.ledger, "a")).toEqual([])
    expect(filesToPack(bench.ledger, 1, "a")).toHaveLength(2)
  })

  test("whose header cannot be read is a failure that is told, until somebody asks again", () => {
    using bench = testLedger()
    copied(bench, "a", [{ error: "no DICM at offset 128" }])
    expect(studiesToPack(bench.ledger)).toEqual([])
    expect(failureList(bench.ledger, 9)).toEqual([
      expect.objectContaining({ verdict: "give-up", study_id: "a", error_message: "no DICM at offset 128" }),
    ])
    expect(retryUnpacked(bench.ledger, ["other"])).toBe(0)
    expect(retryUnpacked(bench.ledger, ["a"])).toBe(1)
    expect(unreadHeaders(bench.ledger, "a")).toHaveLength(1)
    expect(failureList(bench.ledger, 9)).toEqual([])
  })

  test("shares its series with files of another study", () => {
    using bench = testLedger()
    copied(bench, "a", [header(1)])
    copied(bench, "b", [header(2)])
    for (const id of ["a", "b"]) {
      expect(filesToPack(bench.ledger, 1, id).map(({ studyId }) => studyId)).toEqual([id])
    }
    pack(bench, 1)
    expect(studiesToPack(bench.ledger)).toEqual([])
  })
})

describe("A packed file", () => {
  test("is not packed again", () => {
    using bench = testLedger()
    copied(bench, "a", [header(1), header(2)])
    pack(bench, 1)
    expect(stateOf(bench)).toBe("packed")
    expect(studiesToPack(bench.ledger)).toEqual([])
    expect(packedFiles(bench.ledger, 1)).toHaveLength(2)
    expect(wrongTotals(bench.ledger)).toEqual([])
  })

  test("is not packed again when it was copied again and its bytes are the same", () => {
    using bench = testLedger()
    copied(bench, "a", [header(1)])
    pack(bench, 1)
    queueObjects(bench.ledger, "a", ({ kind }) => kind === "dicom")
    expect(stateOf(bench)).toBe("packed")
    const claim = mustClaim(bench.ledger, bench.runId, "a")
    settle(bench.ledger, claim, beginAll(bench.ledger, claim)[0]!, { ...COPIED, outcome: "unchanged" })
    expect(studiesToPack(bench.ledger)).toEqual([])
    expect(objectAt(bench.ledger, "a", 1)).toMatchObject({ seriesNo: 1, sopInstanceUid: "1.2.8.1" })
    expect(stateOf(bench)).toBe("packed")
  })

  test("waits again when other bytes came in its place", () => {
    using bench = testLedger()
    copied(bench, "a", [header(1)])
    pack(bench, 1)
    queueObjects(bench.ledger, "a", ({ kind }) => kind === "dicom")
    const claim = mustClaim(bench.ledger, bench.runId, "a")
    const amended = { ...COPIED, crc32c: "BBBBBB==", header: header(1) }
    settle(bench.ledger, claim, beginAll(bench.ledger, claim)[0]!, amended)
    expect(studiesToPack(bench.ledger)).toEqual(["a"])
    expect(stateOf(bench)).toBe("waiting")
    pack(bench, 1, { 1: "conflict" })
    expect(stateOf(bench)).toBe("packed")
    expect(wrongTotals(bench.ledger)).toEqual([])
    expect(failureList(bench.ledger, 9)).toEqual([
      expect.objectContaining({ study_id: "a", error_class: "Why", verdict: "give-up" }),
    ])
    expect(retryUnpacked(bench.ledger)).toBe(1)
    expect(stateOf(bench)).toBe("waiting")
  })

  test("waits again when its series was overwritten by somebody else", () => {
    using bench = testLedger()
    copied(bench, "a", [header(1)])
    pack(bench, 1)
    bench.ledger.write((tally) => queueSeries(bench.ledger, tally, 1))
    expect(filesToPack(bench.ledger, 1, "a")).toHaveLength(1)
    expect(stateOf(bench)).toBe("waiting")
    expect(wrongTotals(bench.ledger)).toEqual([])
  })

  test("that failed for a passing reason waits for the next run, and the others are packed", () => {
    using bench = testLedger()
    copied(bench, "a", [header(1), header(2)])
    pack(bench, 1, { 2: "error" })
    expect(filesToPack(bench.ledger, 1, "a").map(({ position }) => position)).toEqual([2])
    expect(stateOf(bench)).toBe("waiting")
    pack(bench, 1)
    expect(stateOf(bench)).toBe("packed")
    expect(wrongTotals(bench.ledger)).toEqual([])
  })

  test("of which other bytes came while it was packed is still to be packed", () => {
    using bench = testLedger()
    copied(bench, "a", [header(1)])
    const claim = claimSeries(bench.ledger, bench.runId, 1)!
    const [before] = filesToPack(bench.ledger, 1, "a")
    queueObjects(bench.ledger, "a", ({ kind }) => kind === "dicom")
    const copying = mustClaim(bench.ledger, bench.runId, "a")
    const amended = { ...COPIED, crc32c: "BBBBBB==", header: header(1) }
    settle(bench.ledger, copying, beginAll(bench.ledger, copying)[0]!, amended)
    const files = [{ ...before!, result: "new" as const, startByte: 1536 }]
    bench.ledger.write((tally) =>
      recordPacked(bench.ledger, tally, claim, { tarGeneration: "7", metadataGeneration: "8", files }),
    )
    expect(filesToPack(bench.ledger, 1, "a")).toEqual([expect.objectContaining({ crc32c: "BBBBBB==" })])
    expect(stateOf(bench)).toBe("waiting")
  })
})

describe("A series", () => {
  test("is held by one run at a time", () => {
    using bench = testLedger()
    copied(bench, "a", [header(1)])
    const first = claimSeries(bench.ledger, bench.runId, 1)!
    const other = newRun(bench.ledger)
    expect(claimSeries(bench.ledger, other, 1)).toBeUndefined()
    bench.clock.advance(HOUR)
    const second = claimSeries(bench.ledger, other, 1)
    expect(second).toBeDefined()
    const late = () =>
      bench.ledger.write((tally) =>
        recordPacked(bench.ledger, tally, first, {
          tarGeneration: "7",
          metadataGeneration: "8",
          files: [],
        }),
      )
    expect(late).toThrow(ClaimLost)
    releaseSeries(bench.ledger, first)
    expect(claimSeries(bench.ledger, bench.runId, 1)).toBeUndefined()
  })

  test("that was given up is left out until somebody asks, unless a lock of it hangs", () => {
    using bench = testLedger()
    copied(bench, "a", [header(1)])
    const claim = claimSeries(bench.ledger, bench.runId, 1)!
    const why = { errorClass: "TooLarge", errorMessage: "too large" }
    bench.ledger.write((tally) =>
      recordSeriesFailure(bench.ledger, tally, claim, { verdict: "give-up", ...why }),
    )
    expect(stateOf(bench)).toBe("failed")
    expect(studiesToPack(bench.ledger)).toEqual([])
    expect(failureList(bench.ledger, 9)).toEqual([expect.objectContaining({ error_class: "TooLarge" })])
    bench.ledger.db.run(
      `insert into cod_locks (token, series_no, series_uri, names, run_id, intended_at) values ('t', 1, 'u', '[]', 1, 'x')`,
    )
    retryUnpacked(bench.ledger)
    expect(stateOf(bench)).toBe("failed")
    bench.ledger.db.run("delete from cod_locks")
    retryUnpacked(bench.ledger)
    expect(stateOf(bench)).toBe("waiting")
    expect(studiesToPack(bench.ledger)).toEqual(["a"])
    expect(wrongTotals(bench.ledger)).toEqual([])
  })

  test("is looked at once more by a later run, until that has found it as it was", () => {
    using bench = testLedger()
    copied(bench, "a", [header(1)])
    pack(bench, 1)
    expect([...unconfirmedSeries(bench.ledger, bench.runId)]).toEqual([])
    bench.clock.advance(HOUR)
    const later = newRun(bench.ledger)
    const [found] = [...unconfirmedSeries(bench.ledger, later)]
    expect(found?.metadataGeneration).toBe("8")
    confirmSeries(bench.ledger, found!, { metadataGeneration: "9", tarGeneration: "7" })
    expect([...unconfirmedSeries(bench.ledger, later)]).toEqual([])
    expect(seriesByNo(bench.ledger, 1)).toMatchObject({ metadataGeneration: "9" })
  })
})

test("Nothing of a study that is retired or queued waits to be packed", () => {
  using bench = testLedger()
  copied(bench, "a", [header(1), header(2)])
  queueObjects(bench.ledger, "a", ({ position }) => position === 1)
  const retired = chestStudy("a", { sourceHash: "v2", objects: [metadata(), image("i0")] })
  recordStudy(bench.ledger, retired, bench.cohortId)
  expect(objectsOf(bench.ledger, "a").map(({ state }) => state)).toEqual(["copied", "pending", "retired"])
  expect(rows(bench.ledger, "select 1 from objects where to_pack = 1")).toEqual([])
  expect(studiesToPack(bench.ledger)).toEqual([])
  expect(wrongTotals(bench.ledger)).toEqual([])
})
