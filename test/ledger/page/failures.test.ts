import { describe, expect, test } from "bun:test"
import {
  type FailureKey,
  type FailureLine,
  failureClasses,
  failuresOfClass,
  hasFailures,
} from "../../../lib/ledger/page/failures.ts"
import { recordStudy } from "../../../lib/ledger/studies.ts"
import { complete, GIVEN_UP } from "../../support/copying.ts"
import { chestStudy, image, rows, testLedger } from "../../support/ledger.ts"
import { troubledLedger } from "../../support/troubled-ledger.ts"

describe("Failures by class", () => {
  test("are those of the view failures, of every kind", () => {
    using bench = troubledLedger()
    const seen = failureClasses(bench.ledger).flatMap(
      (each) => failuresOfClass(bench.ledger, each, { limit: 100 }).lines,
    )
    const told = ({ verdict, errorClass, studyId, path, tries, errorMessage }: FailureLine) =>
      JSON.stringify([verdict, errorClass, studyId, path, tries, errorMessage])
    const view = rows<Record<string, unknown>>(
      bench.ledger,
      "select verdict, error_class, study_id, path, tries, error_message from failures",
    )
    expect(seen.map(told).sort()).toEqual(view.map((row) => JSON.stringify(Object.values(row))).sort())
    expect(new Set(seen.map(({ kind }) => kind)).size).toBe(6)
  })

  test("are counted as they are listed, those that are given up first", () => {
    using bench = troubledLedger()
    const classes = failureClasses(bench.ledger)
    for (const each of classes) {
      expect(each.count).toBe(failuresOfClass(bench.ledger, each, { limit: 100 }).lines.length)
      expect(hasFailures(bench.ledger, each)).toBe(true)
    }
    expect(classes.map(({ verdict, errorClass, count }) => `${count} ${verdict} ${errorClass}`)).toEqual([
      "2 give-up DestinationConflict",
      "1 give-up InstanceConflict",
      "1 give-up InvalidDicom",
      "1 give-up TarDisagreesError",
      "1 give-up ThumbnailError",
      "3 retry Unavailable",
      "1 retry LockAcquisitionError",
      "1 missing NotFound",
    ])
  })

  test("are read page by page, each once, over all kinds", () => {
    using bench = troubledLedger()
    for (const each of failureClasses(bench.ledger)) {
      const pages: FailureLine[] = []
      let after: FailureKey | undefined
      do {
        const page = failuresOfClass(bench.ledger, each, { after, limit: 1 })
        expect(page.lines).toHaveLength(1)
        pages.push(...page.lines)
        after = page.next
      } while (after !== undefined)
      expect(pages).toEqual([...failuresOfClass(bench.ledger, each, { limit: 100 }).lines])
    }
  })

  test("of one study are read in the order of its files", () => {
    using bench = testLedger()
    const objects = Array.from({ length: 5 }, (_, n) => image(`i${n}`))
    recordStudy(bench.ledger, chestStudy("a", { objects }), bench.cohortId)
    complete(bench, "a", { failing: [0, 1, 2, 3, 4], as: GIVEN_UP })
    const of = { verdict: "give-up", errorClass: "DestinationConflict" } as const
    const first = failuresOfClass(bench.ledger, of, { limit: 3 })
    const second = failuresOfClass(bench.ledger, of, { after: first.next, limit: 3 })
    const paths = [...first.lines, ...second.lines].map(({ path }) => path)
    expect(paths).toEqual(objects.map(({ path }) => `org/a/${path}`))
    expect(second.next).toBeUndefined()
  })

  test("are none where nothing failed", () => {
    using bench = testLedger()
    expect(failureClasses(bench.ledger)).toEqual([])
    expect(hasFailures(bench.ledger, { verdict: "give-up", errorClass: "InvalidDicom" })).toBe(false)
  })

  test("of a series tell whether its lock hangs", () => {
    using bench = troubledLedger()
    const lockOf = (verdict: "give-up" | "retry", errorClass: string) =>
      failuresOfClass(bench.ledger, { verdict, errorClass }, { limit: 1 }).lines[0]?.lock
    expect(lockOf("give-up", "TarDisagreesError")).toBe("hangs")
    expect(lockOf("retry", "LockAcquisitionError")).toBeNull()
  })
})
