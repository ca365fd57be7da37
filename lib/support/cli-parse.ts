import { Command, CommanderError } from "commander"
import type { ConfigPart } from "./config.ts"
import { VARIABLES, type Variable } from "./config-table.ts"
import { UsageError } from "./errors.ts"
import { safe } from "./text.ts"

/** A flag of a script; `T` is what the action gets. */
export interface OptionSpec<T> {
  readonly description: string
  /** Stands for the value in the help; a flag without one is true or false. */
  readonly placeholder?: string
  /** One letter that says the same. */
  readonly short?: string | undefined
  readonly parse?: (text: string) => T
}

/** The plain words behind the flags, any number of them. */
export interface ArgumentSpec<A> {
  readonly name: string
  readonly description: string
  readonly parse: (text: string) => A
}

export type OptionSpecs = Readonly<Record<string, OptionSpec<unknown>>>

/** What a script takes and tells about itself. */
export interface CommandSpec<P extends ConfigPart, O extends OptionSpecs, A> {
  /** `copy` for `scripts/copy.ts`. */
  readonly name: string
  readonly summary: string
  /** Flags and arguments of one typical call. */
  readonly example: string
  readonly arguments?: ArgumentSpec<A>
  /** By the name that the action sees: `retryFailed` is `--retry-failed`. */
  readonly options?: O
  /** The parts of the configuration that it needs. */
  readonly config?: readonly P[]
  /** It changes something, so it has `--dry-run`. */
  readonly changes?: boolean
}

export type OptionValues<O extends OptionSpecs> = {
  readonly [K in keyof O]: O[K] extends OptionSpec<infer T> ? T : never
}

export interface ParsedArguments<O extends OptionSpecs, A> {
  readonly args: readonly A[]
  readonly options: OptionValues<O>
  readonly json: boolean
  readonly dryRun: boolean
}

/** `--list` */
export function flag(description: string): OptionSpec<boolean> {
  return { description }
}

/** `--limit <N>`; with `short: "l"` also `-l <N>` */
export function option<T>(
  placeholder: string,
  parse: (text: string) => T,
  description: string,
  { short }: { readonly short?: string } = {},
): OptionSpec<T | undefined> {
  return { description, placeholder, parse, short }
}

/**
 * Reads the words behind the script's name. `undefined`: it was asked for help and has printed it.
 * @throws UsageError that names the flag or argument
 */
export function parseArguments<P extends ConfigPart, O extends OptionSpecs, A>(
  spec: CommandSpec<P, O, A>,
  argv: readonly string[],
): ParsedArguments<O, A> | undefined {
  const command = commandOf(spec)
  try {
    command.parse(argv, { from: "user" })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) return undefined
    throw new UsageError(
      safe(error.message.replace(/^error: /, "")),
      `See bun scripts/${spec.name}.ts --help.`,
    )
  }
  const given = command.opts<Record<string, string | boolean | undefined>>()
  const options = Object.entries(spec.options ?? {}).map(([key, { parse }]) => [
    key,
    parse === undefined ? isGiven(given, key) : parseNamed(`--${kebab(key)}`, parse, given[key]),
  ])
  const { name, parse } = spec.arguments ?? NO_ARGUMENTS
  return {
    args: command.args.map((text) => parseNamed(name, parse, text) as A),
    options: Object.fromEntries(options) as OptionValues<O>,
    json: given.json === true,
    dryRun: given.dryRun === true,
  }
}

/** Commander takes `--no-x` for the opposite of an `--x` that holds without it. */
function isGiven(given: Readonly<Record<string, unknown>>, key: string): boolean {
  const [, first, rest] = /^no([A-Z])(.*)$/.exec(key) ?? []
  return first === undefined ? given[key] === true : given[`${first.toLowerCase()}${rest}`] === false
}

const NO_ARGUMENTS = { name: "", parse: (text: string): unknown => text }

function parseNamed(name: string, parse: (text: string) => unknown, text: unknown): unknown {
  if (typeof text !== "string") return undefined
  try {
    return parse(text)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    throw new UsageError(`${name}: ${error.message}`, error.hint)
  }
}

function commandOf<P extends ConfigPart, O extends OptionSpecs, A>(spec: CommandSpec<P, O, A>): Command {
  const command = new Command(`bun scripts/${spec.name}.ts`)
    .description(spec.summary)
    .allowExcessArguments(false)
    .exitOverride()
    // The one who catches the error prints it.
    .configureOutput({ outputError: () => undefined })
    .helpOption("--help", "prints this")
    .addHelpText("after", `\n${helpAfter(spec)}`)
  if (spec.arguments !== undefined)
    command.argument(`[${spec.arguments.name}...]`, spec.arguments.description)
  for (const [key, { description, placeholder, short }] of Object.entries(spec.options ?? {})) {
    const names = `${short === undefined ? "" : `-${short}, `}--${kebab(key)}`
    command.option(placeholder === undefined ? names : `${names} <${placeholder}>`, description)
  }
  command.option("--json", "one JSON document on standard output, and nothing else there")
  if (spec.changes) command.option("--dry-run", "says what would be done and does nothing")
  return command
}

function helpAfter({ name, example, config = [] }: CommandSpec<ConfigPart, OptionSpecs, unknown>): string {
  const variables = config.flatMap((part) => Object.values<Variable<unknown>>(VARIABLES[part]))
  return [
    "Example:",
    `  bun scripts/${name}.ts ${example}`.trimEnd(),
    "",
    ...(variables.length === 0
      ? []
      : ["Reads from the environment or .env:", ...variables.map((variable) => `  ${variable.name}`), ""]),
    "Exit codes:",
    "  0        all done, also when another process has the rest in hand or a limit ended it",
    "  1        something failed",
    "  2        wrong usage or configuration; nothing was touched",
    "  3        another process holds what must be held alone",
    "  130/143  stopped by SIGINT/SIGTERM; start it again to go on",
  ].join("\n")
}

function kebab(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}
