import { Database } from "bun:sqlite"
import { recordCohort } from "../../lib/ledger/cohorts.ts"
import { openLedger } from "../../lib/ledger/open.ts"
import { endRun, startRun } from "../../lib/ledger/runs.ts"
import { thisProcess } from "../../lib/support/owner.ts"
import studiesOf from "./ledger-fill.sql" with { type: "text" }

/** What the rules of a benchmark leave, as many as a large hospital has. */
const FUNNEL = [
  { rule: "exists", studies: 9_000_000 },
  { rule: "chest", studies: 3_000_000 },
  { rule: "signed_report", studies: 2_500_000 },
  { rule: "chosen_doctor", studies: 1_000_000 },
]

/** Makes a ledger of so many studies. @param more SQL that is run behind, in the same connection */
export function fillLedger(path: string, studies: number, more: string) {
  {
    using ledger = openLedger(path)
    const run = { script: "bench", arguments: [], version: "0.0.0", owner: thisProcess() }
    const runId = startRun(ledger, run)
    const parameters = { rank_from: 2, rank_to: 6 }
    recordCohort(ledger, { runId, rulesText: "benchmark", parameters, ranking: [], funnel: FUNNEL })
    endRun(ledger, runId, "done", {})
  }
  using db = new Database(path)
  // The file is thrown away when anything goes wrong.
  db.run("pragma journal_mode = off")
  db.run("pragma synchronous = off")
  db.run("create temp table wanted (studies integer)")
  db.query("insert into temp.wanted values (?)").run(studies)
  db.run(studiesOf)
  db.run(more)
}
