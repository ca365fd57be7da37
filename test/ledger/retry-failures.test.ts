import { describe, expect, test } from "bun:test"
import { actionById, latestActions, type RetryTarget } from "../../lib/ledger/actions.ts"
import { studiesToPack } from "../../lib/ledger/cod/series.ts"
import { seriesWithoutThumbnail } from "../../lib/ledger/cod/thumbnails.ts"
import { objectAt } from "../../lib/ledger/objects.ts"
import { failureClasses } from "../../lib/ledger/page/failures.ts"
import { retryFailures } from "../../lib/ledger/retry-failures.ts"
import { dueStudies } from "../../lib/ledger/study-lists.ts"
import { wrongTotals } from "../../lib/ledger/totals.ts"
import { rows, T0, type TestLedger } from "../support/ledger.ts"
import { troubledLedger } from "../support/troubled-ledger.ts"

const ASKING = { who: "rosa", address: "127.0.0.1" }

const retry = ({ ledger }: TestLedger, target: RetryTarget) => retryFailures(ledger, target, ASKING)

/** Everything but who asked. */
const contents = (bench: TestLedger) =>
  ["objects", "studies", "cod_series", "cod_instances", "cod_locks", "totals"].map((table) =>
    rows(bench.ledger, `select * from ${table}`),
  )

describe("A class of failures that is asked for again", () => {
  test("is queued where it was given up, objects and studies, and nothing else", () => {
    using bench = troubledLedger()
    const target = { verdict: "give-up", errorClass: "DestinationConflict" } as const
    expect(retry(bench, target)).toEqual({ outcome: "queued", actionId: 1, queued: 2 })
    expect(objectAt(bench.ledger, "d", 3)).toMatchObject({ state: "pending", verdict: null })
    expect(objectAt(bench.ledger, "d", 1)).toMatchObject({ state: "failed", verdict: "retry" })
    expect(rows(bench.ledger, "select study_id from studies where verdict = 'give-up'")).toEqual([])
    expect(failureClasses(bench.ledger)).toHaveLength(7)
    expect(wrongTotals(bench.ledger)).toEqual([])
  })

  test("stays as it is where the next run tries it anyway", () => {
    using bench = troubledLedger()
    const before = contents(bench)
    for (const target of [
      { verdict: "retry", errorClass: "Unavailable" },
      { verdict: "missing", errorClass: "NotFound" },
    ] as const)
      expect(retry(bench, target)).toEqual({ outcome: "nothing" })
    expect(contents(bench)).toEqual(before)
    expect(dueStudies(bench.ledger)).toContain("d")
  })

  test("is packed again: headers, images, thumbnails", () => {
    using bench = troubledLedger()
    expect(retry(bench, { verdict: "give-up", errorClass: "InvalidDicom" })).toMatchObject({ queued: 1 })
    expect(retry(bench, { verdict: "give-up", errorClass: "InstanceConflict" })).toMatchObject({ queued: 1 })
    expect(retry(bench, { verdict: "give-up", errorClass: "ThumbnailError" })).toMatchObject({ queued: 1 })
    expect(studiesToPack(bench.ledger)).toContain("a")
    expect([...seriesWithoutThumbnail(bench.ledger, "due", ["g"])]).toHaveLength(1)
    expect(wrongTotals(bench.ledger)).toEqual([])
  })

  test("is not touched where a lock hangs", () => {
    using bench = troubledLedger()
    const before = contents(bench)
    expect(retry(bench, { verdict: "give-up", errorClass: "TarDisagreesError" })).toEqual({
      outcome: "nothing",
    })
    expect(retry(bench, { studyId: "b" })).toEqual({ outcome: "nothing" })
    expect(contents(bench)).toEqual(before)
  })

  test("is not touched in a series that is locked, whatever failed of it", () => {
    using bench = troubledLedger()
    bench.ledger.db.run(
      `insert into cod_locks (token, series_no, series_uri, names, run_id, intended_at)
       select 'of ' || series_no, series_no, 'gs://c/' || series_no, '[".cod.lock"]', 1, '${T0}' from cod_series`,
    )
    const before = contents(bench)
    for (const errorClass of ["InstanceConflict", "ThumbnailError", "TarDisagreesError"])
      expect(retry(bench, { verdict: "give-up", errorClass })).toEqual({ outcome: "nothing" })
    const lock = { verdict: "retry", errorClass: "LockAcquisitionError" } as const
    expect(retry(bench, lock)).toEqual({ outcome: "nothing" })
    for (const studyId of ["a", "b", "g", "i"])
      expect(retry(bench, { studyId })).toEqual({ outcome: "nothing" })
    expect(contents(bench)).toEqual(before)
  })

  test("is queued once", () => {
    using bench = troubledLedger()
    for (const { verdict, errorClass } of failureClasses(bench.ledger)) {
      retry(bench, { verdict, errorClass })
      const before = contents(bench)
      expect(retry(bench, { verdict, errorClass }).outcome).toMatch(/^(?:nothing|unknown)$/)
      expect(contents(bench)).toEqual(before)
    }
  })

  test("is refused where nothing failed by it", () => {
    using bench = troubledLedger()
    const before = contents(bench)
    expect(retry(bench, { verdict: "give-up", errorClass: "Unavailable" })).toEqual({ outcome: "unknown" })
    expect(retry(bench, { verdict: "retry", errorClass: "' or 1 = 1 --" })).toEqual({ outcome: "unknown" })
    expect(contents(bench)).toEqual(before)
    expect(latestActions(bench.ledger, 10)).toEqual([])
  })
})

describe("A study that is asked for again", () => {
  test("has all that was given up of it queued, and no other study has", () => {
    using bench = troubledLedger()
    const others = () =>
      rows(
        bench.ledger,
        "select * from objects where study_id <> 'd' union all select * from objects where 0",
      )
    const before = others()
    expect(retry(bench, { studyId: "d" })).toMatchObject({ outcome: "queued", queued: 1 })
    expect(objectAt(bench.ledger, "d", 3)?.state).toBe("pending")
    expect(others()).toEqual(before)
    expect(retry(bench, { studyId: "d" })).toEqual({ outcome: "nothing" })
  })

  test("may be of any kind of failure", () => {
    using bench = troubledLedger()
    const queued = ["a", "c", "e", "g"].map((studyId) => retry(bench, { studyId }))
    expect(queued.map((result) => "queued" in result && result.queued)).toEqual([1, 1, 1, 1])
    // The next run tries these anyway.
    for (const studyId of ["f", "h", "i"]) expect(retry(bench, { studyId })).toEqual({ outcome: "nothing" })
  })

  test("is refused where the ledger does not know it", () => {
    using bench = troubledLedger()
    expect(retry(bench, { studyId: "nobody" })).toEqual({ outcome: "unknown" })
  })
})

describe("Who asked", () => {
  test("stands in the ledger, with when, from where, for what, and how much it was", () => {
    using bench = troubledLedger()
    retry(bench, { studyId: "d" })
    bench.clock.advance(1000)
    // Of another study.
    retry(bench, { verdict: "give-up", errorClass: "DestinationConflict" })
    const [last, first] = latestActions(bench.ledger, 10)
    expect(first).toEqual({ actionId: 1, at: T0, ...ASKING, target: { studyId: "d" }, queued: 1 })
    expect(last).toMatchObject({
      target: { verdict: "give-up", errorClass: "DestinationConflict" },
      queued: 1,
    })
    expect(latestActions(bench.ledger, 1)).toEqual([last!])
    expect(actionById(bench.ledger, 1)).toEqual(first!)
    expect(actionById(bench.ledger, 99)).toBeUndefined()
  })

  test("is not told where the ledger could not be written, and neither is anything queued", () => {
    using bench = troubledLedger()
    const before = contents(bench)
    bench.ledger.db.run("create trigger refuse before insert on actions begin select raise(abort, 'no'); end")
    expect(() => retry(bench, { studyId: "d" })).toThrow("no")
    expect(contents(bench)).toEqual(before)
  })
})
