import { describe, expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { knownLedger } from "../support/known-ledger.ts"
import { PROJECT_ROOT } from "../support/process.ts"

const cli = Bun.which("sqlite3")

/** What SQLite will do, a line a step, in the SQLite that Bun has and in the CLI's. */
function plans(sql: string): string[][] {
  using bench = knownLedger()
  const here = bench.ledger.db.query<{ detail: string }, []>(`explain query plan ${sql}`).all()
  const plan = here.map(({ detail }) => detail)
  if (cli === null) return [plan]
  const { stdout } = Bun.spawnSync([cli, "-readonly", bench.path, `explain query plan ${sql}`])
  const [title, ...steps] = stdout.toString().trimEnd().split("\n")
  expect(title).toBe("QUERY PLAN")
  return [plan, steps.map((step) => step.replace(/^[ |`-]+/, ""))]
}

/** Steps that read a large table from its beginning to its end. */
const fullScans = (plan: readonly string[]) =>
  plan.filter(
    (step) =>
      /^SCAN (objects|copy_attempts|studies|standings|cod_series|cod_instances|cod_locks|[oasil])\b/.test(
        step,
      ) && !step.includes("INDEX"),
  )

const timeline = readFileSync(join(PROJECT_ROOT, "state/queries/study_timeline.sql"), "utf8")

describe("On a large ledger no whole table is read for", () => {
  test.each([
    ["progress", "select * from progress"],
    ["failures", "select * from failures order by study_id, path limit 20"],
    ["failures by class", "select verdict, error_class, count(*) from failures group by 1, 2"],
    ["throughput", "select * from throughput limit 24"],
    ["recent runs", "select * from recent_runs"],
    ["the timeline of a study", "select * from study_timeline where study_id = 'a' order by at"],
    ["wrong bytes", "select * from objects where wrong_generation is not null"],
    ["warnings", "select * from objects where warning is not null"],
    [
      "what was given up",
      "select study_id from objects where state in ('failed', 'missing') and verdict = 'give-up'",
    ],
    [
      "the next study",
      "select study_id from studies where due = 1 and tried_run is null order by newest_signed_at desc",
    ],
    ["the studies of a failed run", "select study_id from studies where due = 1 and tried_run > 5"],
    [
      "an organization",
      "select * from studies where organization_id = 'org' and study_id > 'a' order by study_id",
    ],
    ["hanging locks", "select * from hanging_locks"],
    ["claims", "select * from claims c join runs r using (run_id) order by c.acquired_at, c.study_id"],
  ])("%s", (_, sql) => {
    for (const plan of plans(sql)) expect(fullScans(plan)).toEqual([])
  })

  test("the file that tells one study's timeline", () => {
    for (const plan of plans(timeline.replaceAll("= :study", "= 'a'"))) expect(fullScans(plan)).toEqual([])
  })

  test("the next study, which is found in the order of the index", () => {
    const sql = `select study_id from studies where due = 1 and tried_run is null
      order by tried_run, newest_signed_at desc, study_id limit 1`
    for (const plan of plans(sql)) {
      expect(plan).toEqual([
        expect.stringMatching(/^SEARCH studies USING .*INDEX studies_due \(tried_run=\?\)$/),
      ])
    }
  })
})
