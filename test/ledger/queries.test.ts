import { describe, expect, test } from "bun:test"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { knownLedger } from "../support/known-ledger.ts"
import { rows, type TestLedger, testLedger } from "../support/ledger.ts"
import { packingLedger } from "../support/packing-ledger.ts"
import { PROJECT_ROOT } from "../support/process.ts"

// What an operator sees with the sqlite3 CLI, while a copy has the ledger open. It is Debian's 3.40 or later.

const FOLDER = join(PROJECT_ROOT, "state/queries")
const FILES = readdirSync(FOLDER).sort()
const VIEWS = ["failures", "progress", "recent_runs", "study_timeline", "throughput"]

/** What is asked of series. */
const PACKING = new Set(["locks.sql", "packing.sql"])

const cli = Bun.which("sqlite3")
if (cli === null) console.warn("sqlite3 is not installed: what its users see is not tested")

const textOf = (file: string) => readFileSync(join(FOLDER, file), "utf8")

/** @param input SQL and dot commands */
function sqlite3(bench: TestLedger, input: string): Record<string, unknown>[] {
  const { stdout, stderr, exitCode } = Bun.spawnSync([cli!, "-bail", "-readonly", "-json", bench.path], {
    stdin: Buffer.from(input),
  })
  expect([exitCode, stderr.toString()]).toEqual([0, ""])
  const printed = stdout.toString()
  return printed === "" ? [] : JSON.parse(printed)
}

describe("The files of state/queries", () => {
  test("answer what people ask all the time", () => {
    const wanted = [
      "bytes_per_day.sql",
      "failures.sql",
      "packing.sql",
      "progress.sql",
      "slowest_studies.sql",
      "study_timeline.sql",
    ]
    expect(FILES).toEqual(expect.arrayContaining(wanted))
  })

  test.each(FILES)("%s begins with the question that it answers", (file) => {
    expect(textOf(file)).toMatch(/^-- .*\?/)
  })

  test.each(FILES)("%s runs on an empty ledger", (file) => {
    using bench = testLedger()
    expect(() => rows(bench.ledger, textOf(file))).not.toThrow()
  })

  test.skipIf(cli === null).each(FILES)("%s says by the CLI what it says here", (file) => {
    using bench = PACKING.has(file) ? packingLedger() : knownLedger()
    expect(sqlite3(bench, textOf(file))).toEqual(rows(bench.ledger, textOf(file)))
  })
})

describe("Through the CLI", () => {
  test.skipIf(cli === null).each(VIEWS)("the view %s says what it says here", (view) => {
    using bench = knownLedger()
    const found = sqlite3(bench, `select * from ${view};`)
    expect(found).toEqual(rows(bench.ledger, `select * from ${view}`))
    expect(found.length).toBeGreaterThan(0)
  })

  test.skipIf(cli === null)("the ledger can be read in the middle of a write", () => {
    using bench = knownLedger()
    const before = sqlite3(bench, "select * from progress;")
    bench.ledger.write((tally) => {
      tally.add("complete", 1)
      bench.ledger.db.run("update studies set seconds = 99")
      expect(sqlite3(bench, "select * from progress;")).toEqual(before)
    })
  })

  test.skipIf(cli === null)("the ledger is checked like any other database", () => {
    using bench = knownLedger()
    expect(sqlite3(bench, "pragma integrity_check;")).toEqual([{ integrity_check: "ok" }])
    expect(sqlite3(bench, "pragma foreign_key_check;")).toEqual([])
  })

  test.skipIf(cli === null)(
    "the timeline is that of the study whose id was set, as the file says how",
    () => {
      using bench = knownLedger()
      const set = /-cmd "(\.param set :study) '[^']+'"/.exec(textOf("study_timeline.sql"))?.[1]
      const timeline = sqlite3(bench, `${set} 'c'\n${textOf("study_timeline.sql")}`)
      expect(timeline.map(({ what }) => what)).toEqual(["discovered", "eligible", "withdrawn"])
    },
  )
})

test("The slowest studies come slowest first, with their size", () => {
  using bench = knownLedger()
  bench.ledger.db.run("update studies set seconds = 12.34 where study_id = 'f'")
  const [first, second] = rows(bench.ledger, textOf("slowest_studies.sql"))
  expect(first).toEqual({
    study_id: "f",
    seconds: 12.3,
    objects: 4,
    size: "2.5 MB",
    tries: 4,
    completed_at: null,
  })
  expect(second).toMatchObject({ seconds: 1 })
})

test("The packing is told by the state of its series, those that were given up and images in trouble among them", () => {
  using bench = packingLedger()
  const now = bench.clock.now().toISOString()
  const none = { given_up: 0, images_in_conflict: 0, images_in_error: 0, last_packed: null }
  expect(rows(bench.ledger, textOf("packing.sql"))).toEqual([
    { ...none, state: "packed", series: 1, images_in_conflict: 1, last_packed: now },
    { ...none, state: "waiting", series: 1 },
    { ...none, state: "failed", series: 1, given_up: 1 },
  ])
})

test("A day's bytes are those of its hours", () => {
  using bench = knownLedger()
  expect(rows(bench.ledger, textOf("bytes_per_day.sql"))).toEqual([
    { day: "2026-03-01", copied: 6, adopted: 0, failed: 3, sent: "2.5 MB" },
  ])
})
