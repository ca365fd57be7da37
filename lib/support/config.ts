import { existsSync } from "node:fs"
import { hostname } from "node:os"
import { type Environment, readVariable, spelledValues } from "./config-read.ts"
import { RETIRED, VARIABLES, type Variable } from "./config-table.ts"
import { UsageError } from "./errors.ts"
import { type PictureProtocol, picturesOf } from "./terminal-pictures.ts"
import { safe } from "./text.ts"

export type { Environment } from "./config-read.ts"

/** A part of the project with variables of its own. A script asks only for the parts that it uses. */
export type ConfigPart = keyof typeof VARIABLES

/** Settings by part and name, such as `config.copy.concurrency`. */
export type Config<P extends ConfigPart = ConfigPart> = { readonly [K in P]: Settings<(typeof VARIABLES)[K]> }

type Settings<Part> = {
  readonly [K in keyof Part]: Part[K] extends Variable<infer T>
    ? T | (Part[K] extends { readonly optional: true } ? undefined : never)
    : never
}

/** Variables are missing, malformed or contradict each other: all of them at once, one line each. */
export class ConfigError extends UsageError {
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(
      ["the configuration is wrong:", ...problems.map((problem) => `  ${problem}`)].join("\n"),
      "Set them in the environment or in .env; .env.example lists all of them.",
    )
    this.problems = problems
  }
}

/**
 * The settings of the parts that a script uses, read from the environment, into which Bun loads `.env`. An
 * empty variable counts as unset.
 * @throws ConfigError that names every wrong variable of these parts, what was expected and an example
 */
export function loadConfig<const P extends ConfigPart>(
  parts: readonly P[],
  env: Environment = process.env,
): Config<P> {
  const problems = new Set<string>()
  const read = (part: P) =>
    Object.fromEntries(
      Object.entries<Variable<unknown>>(VARIABLES[part]).map(([key, variable]) => [
        key,
        readVariable(variable, env, problems),
      ]),
    )
  const config = Object.fromEntries(parts.map((part) => [part, read(part)])) as Config<P>
  for (const problem of contradictions(config)) problems.add(problem)
  if (problems.size > 0) throw new ConfigError([...problems])
  return config
}

/** What to tell the operator about variables that are set and have no effect any more. */
export function retiredNotes(env: Environment = process.env): readonly string[] {
  return RETIRED.filter(({ name }) => env[name]).map(({ name, note }) => `${name} is ${note}`)
}

/** The values of all secrets that are set, to be kept out of whatever is printed. */
export function secretValues(env: Environment = process.env): readonly string[] {
  return Object.values(VARIABLES)
    .flatMap((part) => Object.values<Variable<unknown>>(part))
    .filter(({ secret }) => secret)
    .flatMap((variable) => spelledValues(variable, env))
}

/** Names of the hospital's systems and of this machine, to be kept out of whatever leaves it. */
export function privateNames(env: Environment = process.env): readonly string[] {
  const { database, origin, destination, s3 } = VARIABLES
  return [database.host, database.name, database.user, origin.uri, destination.uri, s3.endpoint]
    .flatMap((variable) => spelledValues(variable, env))
    .concat(hostname())
    .filter((name) => name.length >= SHORTEST_NAME)
}

/** A shorter one is a part of many a word, and tells nothing. */
const SHORTEST_NAME = 3

/** What the terminal of whoever started the script can do and is wanted to. */
export interface Terminal {
  readonly colors: boolean
  /** It knows escape sequences that move the cursor and clear lines. */
  readonly moves: boolean
}

/** By the conventions that terminals and programs share: `TERM=dumb`, and `NO_COLOR` (no-color.org). */
export function terminalOf(env: Environment = process.env): Terminal {
  const moves = env.TERM !== "dumb"
  return { moves, colors: moves && (env.NO_COLOR ?? "") === "" }
}

/** How the terminal of whoever started the script shows pictures; undefined where it shows none. */
export function picturesOnTerminal(env: Environment = process.env): PictureProtocol | undefined {
  return picturesOf(env)
}

/** What no variable can tell alone. */
function contradictions({ database, ranking, s3, gcs }: Partial<Config>): string[] {
  const found: string[] = []
  if (ranking !== undefined && ranking.from > ranking.to) {
    found.push(
      `RANK_FROM=${ranking.from} is above RANK_TO=${ranking.to}: expected RANK_FROM to be at most RANK_TO`,
    )
  }
  if (s3 !== undefined && (s3.accessKeyId === undefined) !== (s3.secretAccessKey === undefined)) {
    const [set, unset] = s3.accessKeyId === undefined ? [SECRET_KEY, ACCESS_KEY] : [ACCESS_KEY, SECRET_KEY]
    found.push(`${unset} is not set, but ${set} is: expected both, or neither for the AWS credential chain`)
  }
  // With an emulator no credentials are looked for.
  if (gcs?.credentialsPath !== undefined && gcs.emulatorUrl === undefined) {
    found.push(
      ...missingFile("GCS_CREDENTIALS_PATH (or GOOGLE_APPLICATION_CREDENTIALS)", gcs.credentialsPath),
    )
  }
  if (database?.caPath !== undefined) found.push(...missingFile("SOURCE_DATABASE_CA", database.caPath))
  return found
}

const ACCESS_KEY = "AWS_ACCESS_KEY_ID"
const SECRET_KEY = "AWS_SECRET_ACCESS_KEY"

function missingFile(name: string, path: string): string[] {
  return existsSync(path) ? [] : [`${name}="${safe(path)}": expected a file that exists`]
}
