import {
  type Config,
  ConfigError,
  type ConfigPart,
  type Environment,
  loadConfig,
} from "../../support/config.ts"
import { VARIABLES } from "../../support/config-table.ts"

/** The configuration as far as it is usable: what is wrong in one part keeps no check of another from being made. */
export interface Settings {
  readonly config: Partial<Config>
  /** One line for each wrong variable. */
  readonly problems: readonly string[]
}

export function readSettings(env?: Environment): Settings {
  const config: Partial<Config> = {}
  const problems = new Set<string>()
  for (const part of Object.keys(VARIABLES) as ConfigPart[]) {
    try {
      Object.assign(config, loadConfig([part], env))
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      for (const problem of error.problems) problems.add(problem)
    }
  }
  return { config, problems: [...problems] }
}
