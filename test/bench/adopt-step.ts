import { join } from "node:path"
import { recordCohort } from "../../lib/ledger/cohorts.ts"
import { openLedger } from "../../lib/ledger/open.ts"
import { startRun } from "../../lib/ledger/runs.ts"
import { recordStudy } from "../../lib/ledger/studies.ts"
import { adopt } from "../../lib/pipeline/adopt/adopt.ts"
import { withAdoptDeps } from "../../lib/pipeline/deps.ts"
import { loadConfig } from "../../lib/support/config.ts"
import { thisProcess } from "../../lib/support/owner.ts"
import { OBJECTS_PER_STUDY, studyOf } from "./adopt-site.ts"
import { BENCH_START } from "./start.ts"
import { serveRounds, setupOf } from "./worker.ts"
import { DESTINATION, ORIGIN } from "./workload.ts"

export interface AdoptStepSetup {
  readonly url: string
  readonly studies: number
  /** Of the ledger, on a real disk. */
  readonly folder: string
}

if (import.meta.main) {
  const setup = setupOf<AdoptStepSetup>()
  await serveRounds(() => {
    const path = join(setup.folder, `${crypto.randomUUID()}.sqlite`)
    recordStudies(path, setup.studies)
    return () => adoptAll(setup, path)
  })
}

/** In transactions of many studies, as a discovery does it. */
function recordStudies(path: string, studies: number) {
  using ledger = openLedger(path)
  const runId = startRun(ledger, { script: "bench", arguments: [], version: "0", owner: thisProcess() })
  const decision = { runId, rulesText: "benchmark", parameters: {}, ranking: [], funnel: [] }
  const cohort = recordCohort(ledger, decision)
  for (let done = 0; done < studies; done += 500) {
    ledger.write(() => {
      for (let n = done; n < Math.min(studies, done + 500); n++) recordStudy(ledger, studyOf(n), cohort)
    })
  }
}

async function adoptAll({ url, studies }: AdoptStepSetup, path: string) {
  const config = configOf(url, path)
  await withAdoptDeps({ ...BENCH_START, config }, async (deps) => {
    const concurrency = config.copy.objectsInFlight
    const { adopted } = await adopt(deps, { concurrency }, BENCH_START.stop)
    if (adopted.objects !== studies * OBJECTS_PER_STUDY) throw new Error("not all of it was adopted")
    return { outcome: 0, counts: {} }
  })
}

/** The defaults of every setting, but for places. */
function configOf(url: string, path: string) {
  return loadConfig(["ledger", "origin", "destination", "s3", "gcs", "copy"], {
    ORIGIN_URI: `s3://${ORIGIN}`,
    AWS_ENDPOINT_URL: url,
    AWS_ACCESS_KEY_ID: "bench",
    AWS_SECRET_ACCESS_KEY: "bench",
    AWS_REGION_NAME: "us-east-1",
    DESTINATION_URI: `gs://${DESTINATION}`,
    STORAGE_EMULATOR_HOST: url,
    LEDGER_PATH: path,
  })
}
