import { join } from "node:path"
import { withDiscoverDeps } from "../../lib/pipeline/deps.ts"
import { discover } from "../../lib/pipeline/discover/discover.ts"
import { loadConfig } from "../../lib/support/config.ts"
import { BENCH_START } from "./start.ts"
import { serveRounds, setupOf } from "./worker.ts"

export interface DiscoverStepSetup {
  /** The database and the ranks. */
  readonly env: Readonly<Record<string, string>>
  readonly folder: string
  readonly eligible: number
}

if (import.meta.main) {
  const { env, folder, eligible } = setupOf<DiscoverStepSetup>()
  // Rounds go in pairs: a first discovery into a new ledger, and one that finds the same again.
  let round = 0
  await serveRounds(() => {
    const isFirst = round % 2 === 0
    const ledger = { LEDGER_PATH: join(folder, `${round++ >> 1}.sqlite`) }
    const config = loadConfig(["ledger", "database", "ranking"], { ...env, ...ledger })
    return async () => {
      await withDiscoverDeps({ ...BENCH_START, config }, async (deps) => {
        const { studies } = await discover(deps, {}, BENCH_START.stop)
        const found = isFirst ? studies.new : studies.unchanged
        if (found !== eligible) throw new Error(`${found} studies instead of ${eligible}`)
        return { outcome: 0, counts: {} }
      })
    }
  })
}
