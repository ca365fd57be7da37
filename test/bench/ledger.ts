import { statSync } from "node:fs"
import { join } from "node:path"
import { claimNext, releaseClaim } from "../../lib/ledger/claims.ts"
import { type Ledger, openLedger } from "../../lib/ledger/open.ts"
import { closeDeadRuns, endRun, startRun } from "../../lib/ledger/runs.ts"
import { writeManifest } from "../../lib/operate/manifest.ts"
import { beginStudy } from "../../lib/pipeline/copy/study-work.ts"
import { type Owner, thisProcess } from "../../lib/support/owner.ts"
import { bytes, count, table } from "../../lib/support/text.ts"
import { fillLedger } from "./ledger-fill.ts"
import { medianOf, scratchFolder } from "./measure.ts"
import { benchOptions } from "./options.ts"
import { BENCH_START } from "./start.ts"

/** Of the median of one question, and of the manifest's rows in a second. */
const LIMITS = { milliseconds: 50, manifestRows: 100_000 }

/** Studies that the killed run held. */
const HELD = 8

const HELP = `Asks a large ledger what is asked of it all the time, and writes its manifest. It is filled with studies of three
objects, nine of ten complete. Takes some minutes and 2 GB of disk.`

const options = benchOptions("bench:ledger", HELP, { repeats: 11, studies: 1_000_000 })
if (options !== undefined) {
  using folder = scratchFolder()
  const path = join(folder.path, "ledger.sqlite")
  fillLedger(path, options.studies, "analyze")
  const questions = askAll(path, options.repeats)
  const manifest = await manifestOf(path)
  const size = statSync(path).size
  const passed =
    questions.every(({ milliseconds }) => milliseconds <= LIMITS.milliseconds) &&
    manifest.rowsPerSecond >= LIMITS.manifestRows
  if (options.json) {
    console.log(
      JSON.stringify({ studies: options.studies, bytes: size, questions, manifest, passed }, undefined, 2),
    )
  } else {
    const { studies, repeats } = options
    console.log(
      `ledger: ${count(studies)} studies, ${count(3 * studies)} objects, ${bytes(size)}, medians of ${repeats}`,
    )
    console.log(
      table(
        ["", "ms"],
        questions.map(({ question, milliseconds }) => [question, milliseconds.toFixed(2)]),
      ),
    )
    console.log(`manifest: ${count(manifest.rows)} rows, ${count(Math.round(manifest.rowsPerSecond))} rows/s`)
    console.log(
      passed
        ? "ok"
        : `FAILED: at most ${LIMITS.milliseconds} ms, at least ${count(LIMITS.manifestRows)} rows/s`,
    )
  }
  process.exitCode = passed ? 0 : 1
}

function askAll(path: string, repeats: number) {
  const median = (ask: () => void) =>
    medianOf(
      Array.from({ length: repeats }, () => {
        const startedAt = performance.now()
        ask()
        return performance.now() - startedAt
      }),
    )
  using ledger = openLedger(path)
  const runId = startRun(ledger, runOf(thisProcess()))
  const studyIds = ledger.db
    .query<{ id: string }, []>(
      "select study_id as id from studies where completed_at is not null limit 10000",
    )
    .all()
    .map(({ id }) => id)
  const timeline = ledger.db.query("select * from study_timeline where study_id = ? order by at")
  return [
    { question: "opening", milliseconds: median(() => openLedger(path)[Symbol.dispose]()) },
    {
      question: "select * from progress",
      milliseconds: median(() => ledger.db.query("select * from progress").all()),
    },
    {
      question: "claiming the next study and giving it back",
      milliseconds: median(() => claimOne(ledger, runId)),
    },
    { question: "resuming after a kill", milliseconds: medianOf(afterKills(path, repeats)) },
    {
      question: "select * from failures",
      milliseconds: median(() => ledger.db.query("select * from failures").all()),
    },
    {
      question: "select * from study_timeline of one study",
      milliseconds: median(() => timeline.all(anyOf(studyIds))),
    },
  ]
}

function anyOf(studyIds: readonly string[]): string {
  return studyIds[Math.floor(Math.random() * studyIds.length)]!
}

function claimOne(ledger: Ledger, runId: number) {
  const claim = claimNext(ledger, runId)
  if (claim === undefined) throw new Error("no study is due")
  releaseClaim(ledger, claim, { seconds: 0 })
}

/** What a new process does before its first request, after one was killed that held studies with open tries. */
function afterKills(path: string, repeats: number): number[] {
  return Array.from({ length: repeats }, () => {
    {
      using ledger = openLedger(path)
      const runId = startRun(ledger, runOf({ ...thisProcess(), processStart: "long ago" }))
      ledger.write(() => {
        for (let held = 0; held < HELD; held++) beginStudy(ledger, claimNext(ledger, runId)!)
      })
    }
    const startedAt = performance.now()
    using ledger = openLedger(path)
    const runId = startRun(ledger, runOf(thisProcess()))
    closeDeadRuns(ledger)
    const claim = claimNext(ledger, runId)!
    beginStudy(ledger, claim)
    const milliseconds = performance.now() - startedAt
    releaseClaim(ledger, claim, { seconds: 0 })
    endRun(ledger, runId, "done", {})
    return milliseconds
  })
}

async function manifestOf(path: string) {
  using ledger = openLedger(path, { readonly: true })
  const startedAt = performance.now()
  const { rows } = await writeManifest(ledger, { write: async () => {} }, {}, BENCH_START.stop)
  return { rows, rowsPerSecond: rows / ((performance.now() - startedAt) / 1000) }
}

function runOf(owner: Owner) {
  return { script: "bench", arguments: [], version: "0.0.0", owner }
}
