import { join } from "node:path"
import { recordCohort } from "../../lib/ledger/cohorts.ts"
import { recordStudy } from "../../lib/ledger/studies.ts"
import { type CopyStepDeps, copyStudies } from "../../lib/pipeline/copy/copy.ts"
import { COPY_PARTS, withCopyDeps } from "../../lib/pipeline/deps.ts"
import { loadConfig } from "../../lib/support/config.ts"
import { BENCH_START } from "./start.ts"
import { serveRounds, setupOf } from "./worker.ts"
import { DESTINATION, newStudy, OBJECTS_PER_STUDY, ORIGIN, type Workload } from "./workload.ts"

export interface CopyStepSetup {
  readonly url: string
  readonly workload: Workload
  /** Of ledger and spool. On a real disk: where there is none a commit costs nothing. */
  readonly folder: string
}

if (import.meta.main) {
  const setup = setupOf<CopyStepSetup>()
  await withCopyDeps({ ...BENCH_START, config: configOf(setup) }, async (deps) => {
    await serveRounds(() => {
      recordStudies(deps, setup.workload)
      return () => copyAll(deps, setup.workload)
    })
    return { outcome: 0, counts: {} }
  })
}

async function copyAll(deps: CopyStepDeps, { studies, concurrency }: Workload) {
  const report = await copyStudies(deps, { concurrency }, BENCH_START.stop)
  const { succeeded, dicom_files_uploaded, reports_uploaded, metadata_uploaded } = report.totals
  const uploaded = dicom_files_uploaded + reports_uploaded + metadata_uploaded
  if (succeeded === studies && uploaded === studies * OBJECTS_PER_STUDY) return
  throw new Error(`not all of it was copied: ${report.studies.flatMap(({ errors }) => errors)[0]}`)
}

function recordStudies({ ledger, runId }: CopyStepDeps, { studies }: Workload) {
  ledger.write(() => {
    const decision = { runId, rulesText: "benchmark", parameters: {}, ranking: [], funnel: [] }
    const cohort = recordCohort(ledger, decision)
    for (let n = 0; n < studies; n++) recordStudy(ledger, newStudy(), cohort)
  })
}

/** The defaults of every setting, but for places and what is in flight. No question goes to the database. */
function configOf({ url, workload, folder }: CopyStepSetup) {
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
    DESTINATION_URI: `gs://${DESTINATION}`,
    STORAGE_EMULATOR_HOST: url,
    LEDGER_PATH: join(folder, "ledger.sqlite"),
    SPOOL_DIR: join(folder, "tmp"),
    OBJECTS_IN_FLIGHT: String(workload.inFlight),
  })
}
