import { COPY_PARTS, withIngestDeps, withRunDeps, withVerifyDeps } from "../../lib/pipeline/deps.ts"
import type { IngestStepDeps } from "../../lib/pipeline/ingest/deps.ts"
import { ingestStudies } from "../../lib/pipeline/ingest/ingest.ts"
import { isWell, type RunDeps, run } from "../../lib/pipeline/run.ts"
import { type VerifyReport, verify } from "../../lib/pipeline/verify/verify.ts"
import { loadConfig } from "../../lib/support/config.ts"
import { silentLogger } from "../../lib/support/log.ts"
import { silentProgress } from "../../lib/support/progress.ts"

type Settings = Readonly<Record<string, string>>

const never = new AbortController().signal
const stop = { requested: never, forced: never }

const start = (script: string, settings: Settings) => ({
  script,
  words: [],
  config: loadConfig(COPY_PARTS, settings),
  log: silentLogger(),
  progress: silentProgress,
  stop,
  dryRun: false,
})

/** A run in this process, of one study at a time, over what `change` makes of what it needs. */
export function runHere(settings: Settings, change = (deps: RunDeps) => deps): Promise<0 | 1> {
  return withRunDeps(start("run", settings), async (deps) => {
    const report = await run(change(deps), { concurrency: 1 }, stop)
    return { outcome: isWell(report) ? 0 : 1, counts: {} }
  })
}

export function ingestHere(settings: Settings, change = (deps: IngestStepDeps) => deps): Promise<0 | 1> {
  return withIngestDeps(start("ingest", settings), async (deps) => {
    const { totals } = await ingestStudies(change(deps), {}, stop)
    return { outcome: totals.failed > 0 ? 1 : 0, counts: {} }
  })
}

export async function verifyHere(settings: Settings): Promise<VerifyReport> {
  const { config, ...rest } = start("verify", settings)
  const { origin, s3, ...less } = config
  let report: VerifyReport | undefined
  await withVerifyDeps({ ...rest, config: less }, async (deps) => {
    report = await verify(deps, {}, stop)
    return { outcome: 0, counts: {} }
  })
  return report!
}
