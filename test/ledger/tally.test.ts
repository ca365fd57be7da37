import { describe, expect, test } from "bun:test"
import { queueObjects } from "../../lib/ledger/retries.ts"
import { moveStanding, recordStudy } from "../../lib/ledger/studies.ts"
import { complete, FAILED } from "../support/copying.ts"
import { chestStudy, DAY, newRun, rows, type TestLedger, testLedger } from "../support/ledger.ts"

const MINUTE = 60_000

interface Line {
  readonly at: string
  readonly copied: number
  readonly failed: number
  readonly bytes: number
  readonly completed: number
}

const minutes = (bench: TestLedger) =>
  rows<Line>(bench.ledger, "select minute as at, copied, failed, bytes, completed from minutes order by 1")
const hours = (bench: TestLedger) =>
  rows<Line>(bench.ledger, "select hour as at, copied, failed, bytes, completed from hourly order by 1")

function discovered(...ids: readonly string[]): TestLedger {
  const bench = testLedger()
  for (const id of ids) recordStudy(bench.ledger, chestStudy(id), bench.cohortId)
  return bench
}

describe("What moved", () => {
  test("is told of its minute and of its hour", () => {
    using bench = discovered("a", "b", "c")
    complete(bench, "a")
    bench.clock.advance(MINUTE)
    complete(bench, "b", { failing: [1] })
    bench.clock.advance(60 * MINUTE)
    complete(bench, "c")
    const [first, second, third] = [
      { copied: 4, failed: 0, bytes: 4_000, completed: 1 },
      { copied: 3, failed: 1, bytes: 3_000, completed: 0 },
      { copied: 4, failed: 0, bytes: 4_000, completed: 1 },
    ]
    expect(minutes(bench)).toEqual([
      { at: "2026-03-01T02:00", ...first },
      { at: "2026-03-01T02:01", ...second },
      { at: "2026-03-01T03:01", ...third },
    ])
    expect(hours(bench)).toEqual([
      { at: "2026-03-01T02", copied: 7, failed: 1, bytes: 7_000, completed: 1 },
      { at: "2026-03-01T03", ...third },
    ])
  })

  test("is told of the last day by the minute, and by the hour for ever", () => {
    using bench = discovered("a", "b")
    complete(bench, "a")
    bench.clock.advance(DAY)
    complete(bench, "b")
    newRun(bench.ledger)
    expect(minutes(bench)).toHaveLength(2)
    bench.clock.advance(MINUTE)
    newRun(bench.ledger)
    expect(minutes(bench)).toMatchObject([{ at: "2026-03-02T02:00" }])
    expect(hours(bench)).toHaveLength(2)
  })

  test("is nothing of a transaction that was rolled back", () => {
    using bench = discovered("a")
    const whole = () =>
      bench.ledger.write(() => {
        complete(bench, "a")
        throw new RangeError("and rolled back")
      })
    expect(whole).toThrow("and rolled back")
    expect([...minutes(bench), ...hours(bench)]).toEqual([])
  })
})

describe("A study is counted as it becomes complete", () => {
  test("once, whatever is asked of it then", () => {
    using bench = discovered("a")
    const { ledger, cohortId } = bench
    complete(bench, "a")
    ledger.write((tally) =>
      moveStanding(ledger, tally, "a", { standing: "out_of_cohort", reason: "a rule", cohortId }),
    )
    complete(bench, "a")
    expect(hours(bench)).toMatchObject([{ completed: 1 }])
  })

  test("not as long as something of it failed", () => {
    using bench = discovered("a")
    complete(bench, "a", { failing: [3], as: FAILED })
    expect(hours(bench)).toMatchObject([{ completed: 0 }])
    bench.clock.advance(60 * MINUTE)
    complete(bench, "a")
    expect(hours(bench)).toMatchObject([{ completed: 0 }, { copied: 1, completed: 1 }])
  })

  test("again, when it was to be copied again", () => {
    using bench = discovered("a")
    complete(bench, "a")
    bench.clock.advance(60 * MINUTE)
    queueObjects(bench.ledger, "a", ({ kind }) => kind === "report")
    complete(bench, "a")
    expect(hours(bench)).toMatchObject([{ completed: 1 }, { copied: 1, completed: 1 }])
  })
})
