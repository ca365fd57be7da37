import { mkdirSync } from "node:fs"
import { join } from "node:path"
import { recordCohort } from "../../lib/ledger/cohorts.ts"
import { openLedger } from "../../lib/ledger/open.ts"
import { endRun, startRun } from "../../lib/ledger/runs.ts"
import { recordStudy } from "../../lib/ledger/studies.ts"
import { copyStudies } from "../../lib/pipeline/copy/copy.ts"
import type { CopyTotals } from "../../lib/pipeline/copy/copy-report.ts"
import { COPY_PARTS, withCopyDeps } from "../../lib/pipeline/deps.ts"
import { keptFiles } from "../../lib/pipeline/ingest/kept-files.ts"
import { openIngest } from "../../lib/pipeline/ingest/open.ts"
import { copyAndPack } from "../../lib/pipeline/run.ts"
import { loadConfig } from "../../lib/support/config.ts"
import { thisProcess } from "../../lib/support/owner.ts"
import { IMAGES_PER_STUDY, type IngestWorkload, studyToPack } from "./ingest-workload.ts"
import { BENCH_START } from "./start.ts"
import { serveRounds, setupOf } from "./worker.ts"
import { DESTINATION, ORIGIN } from "./workload.ts"

export interface IngestStepSetup {
  readonly url: string
  readonly workload: IngestWorkload
  /** Of ledgers and spool. On a real disk: where there is none a commit costs nothing. */
  readonly folder: string
  /** Whether what was copied is packed, as in a run, and whether each series gets its thumbnail. */
  readonly does: "copy" | "copy and pack" | "copy, pack and draw"
}

if (import.meta.main) {
  const setup = setupOf<IngestStepSetup>()
  await serveRounds(() => {
    // To a ledger and a datastore that know a series it would not be packed again.
    const round = crypto.randomUUID()
    const folder = join(setup.folder, round)
    mkdirSync(folder)
    recordStudies(join(folder, "ledger.sqlite"), setup.workload)
    return () => (setup.does === "copy" ? copyAll : copyAndPackAll)(setup, configOf(setup, folder, round))
  })
}

type BenchConfig = ReturnType<typeof configOf>

async function copyAll({ workload }: IngestStepSetup, config: BenchConfig) {
  const { concurrency } = config.copy
  await withCopyDeps({ ...BENCH_START, config }, async (deps) => {
    const { totals } = await copyStudies(deps, { concurrency }, BENCH_START.stop)
    requireAll(totals, workload, { series_packed: 0 })
    return { outcome: 0, counts: {} }
  })
}

async function copyAndPackAll({ workload, does }: IngestStepSetup, config: BenchConfig) {
  const { concurrency } = config.copy
  const start = { ...BENCH_START, config }
  await withCopyDeps(start, async (deps) => {
    await using scope = new AsyncDisposableStack()
    const kept = scope.use(keptFiles(deps.receive.spool))
    const ingest = await openIngest(scope, start, { ...deps, kept })
    const { copy } = await copyAndPack({ ...deps, kept, ingest }, { concurrency }, BENCH_START.stop)
    const thumbnails_made = does === "copy, pack and draw" ? workload.studies : 0
    requireAll(copy.totals, workload, { series_packed: workload.studies, thumbnails_made })
    return { outcome: 0, counts: {} }
  })
}

/** What is fast and leaves something out is no measure. */
function requireAll(totals: CopyTotals, { studies }: IngestWorkload, packed: Partial<CopyTotals>) {
  const wanted = { succeeded: studies, dicom_files_uploaded: studies * IMAGES_PER_STUDY, ...packed }
  for (const [name, count] of Object.entries(wanted)) {
    const found = totals[name as keyof CopyTotals]
    if (found !== count) throw new Error(`${name} is ${found}, not ${count}`)
  }
}

function recordStudies(path: string, { studies }: IngestWorkload) {
  using ledger = openLedger(path)
  const runId = startRun(ledger, { script: "bench", arguments: [], version: "0", owner: thisProcess() })
  ledger.write(() => {
    const decision = { runId, rulesText: "benchmark", parameters: {}, ranking: [], funnel: [] }
    const cohort = recordCohort(ledger, decision)
    for (let n = 0; n < studies; n++) recordStudy(ledger, studyToPack(n), cohort)
  })
  endRun(ledger, runId, "done", {})
}

/** The defaults of every setting, but for places. No question goes to the database. */
function configOf({ url, does }: IngestStepSetup, folder: string, round: string) {
  return loadConfig(COPY_PARTS, {
    SOURCE_DATABASE_HOST: "127.0.0.1",
    SOURCE_DATABASE_NAME: "none",
    SOURCE_DATABASE_USER: "none",
    SOURCE_DATABASE_PASS: "none",
    ORIGIN_URI: `s3://${ORIGIN}`,
    AWS_ENDPOINT_URL: url,
    AWS_ACCESS_KEY_ID: "bench",
    AWS_SECRET_ACCESS_KEY: "bench",
    AWS_REGION_NAME: "us-east-1",
    DESTINATION_URI: `gs://${DESTINATION}/${round}`,
    STORAGE_EMULATOR_HOST: url,
    LEDGER_PATH: join(folder, "ledger.sqlite"),
    SPOOL_DIR: join(folder, "tmp"),
    ...(does === "copy, pack and draw" ? {} : { THUMBNAIL_CONCURRENCY: "0" }),
  })
}
