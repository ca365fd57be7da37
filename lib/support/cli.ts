import {
  type CommandSpec,
  type OptionSpecs,
  type OptionValues,
  type ParsedArguments,
  parseArguments,
} from "./cli-parse.ts"
import {
  type Config,
  type ConfigPart,
  loadConfig,
  picturesOnTerminal,
  privateNames,
  retiredNotes,
  secretValues,
  terminalOf,
} from "./config.ts"
import { Aborted, HeldByAnother, UsageError } from "./errors.ts"
import { explain } from "./failure.ts"
import { createLogger, type Log } from "./log.ts"
import { type Progress, progressOn, silentProgress } from "./progress.ts"
import { type Redactor, redactor } from "./redact.ts"
import { errorReporter, type Report } from "./sentry.ts"
import { type SignalStop, type Stop, stopOnSignals } from "./stop.ts"
import type { PictureProtocol } from "./terminal-pictures.ts"

export { flag, option } from "./cli-parse.ts"
export { lockNames, metadataVersion, percentage, portNumber, positiveInteger, uuid } from "./cli-values.ts"

/** The exit codes that an action decides on; the others come from errors and signals. */
export type Outcome = 0 | 1

/** What a script's action gets. */
export interface Context<P extends ConfigPart, O extends OptionSpecs, A> {
  /** The script's name, and its words as they were typed. */
  readonly script: string
  readonly words: readonly string[]
  readonly args: readonly A[]
  readonly options: OptionValues<O>
  readonly dryRun: boolean
  readonly json: boolean
  readonly config: Config<P>
  readonly log: Log
  /** From now on every line of the log goes there as JSON, too. */
  alsoLog(write: (line: string) => void): void
  readonly progress: Progress
  /** How pictures are shown on standard output; undefined where they cannot be, and with `--json`. */
  readonly pictures: PictureProtocol | undefined
  readonly stop: Stop
  /** For what ends a run but not the process: sends it to Sentry if somebody has to look into it. */
  readonly report: Report
  /** Prints the report: with `--json` as one JSON document, else as `render` has it. */
  print<R>(report: R, render: (report: R) => string): Promise<void>
}

/**
 * Runs a script from its words to its exit code: parses flags, loads the configuration, listens to signals,
 * calls the action, prints the error that ended it. Ends the process.
 */
export async function main<const P extends ConfigPart, const O extends OptionSpecs, A>(
  spec: CommandSpec<P, O, A>,
  action: (context: Context<P, O, A>) => Promise<Outcome>,
): Promise<never> {
  const redact = redactor(secretValues())
  const complain = (error: unknown, options = {}) =>
    process.stderr.write(`${redact(explain(error, options))}\n`)
  const reporting = { report: async (_error: unknown) => {} }
  // A defect: what it leaves behind is settled by the next start, as after a crash.
  for (const event of ["uncaughtException", "unhandledRejection"]) {
    process.on(event, (error: unknown) => {
      complain(error, { stack: true })
      reporting.report(error).finally(() => process.exit(1))
    })
  }
  process.exit(await exitCodeOf(spec, action, redact, complain, reporting))
}

async function exitCodeOf<P extends ConfigPart, O extends OptionSpecs, A>(
  spec: CommandSpec<P, O, A>,
  action: (context: Context<P, O, A>) => Promise<Outcome>,
  redact: Redactor,
  complain: (error: unknown, options?: { stack: boolean }) => void,
  reporting: { report: Report },
): Promise<number> {
  using stop = stopOnSignals()
  let debug = false
  try {
    const words = process.argv.slice(2)
    const parsed = parseArguments(spec, words)
    if (parsed === undefined) return 0
    const config = loadConfig([...(spec.config ?? []), "logging"])
    debug = config.logging.level === "DEBUG"
    const { sentryDsn: dsn } = config.logging
    reporting.report = errorReporter({ dsn, script: spec.name, hidden: privateNames(), complain })
    const { report } = reporting
    const outcome = await action({
      script: spec.name,
      words,
      report,
      ...contextOf(parsed, config, redact, stop),
    })
    return stop.exitCode ?? outcome
  } catch (error) {
    complain(error, { stack: debug })
    await reporting.report(error)
    if (stop.exitCode !== undefined) return stop.exitCode
    if (error instanceof UsageError) return 2
    return error instanceof HeldByAnother ? 3 : 1
  }
}

function contextOf<P extends ConfigPart, O extends OptionSpecs, A>(
  parsed: ParsedArguments<O, A>,
  config: Config<P | "logging">,
  redact: Redactor,
  stop: SignalStop,
): Omit<Context<P, O, A>, "script" | "words" | "report"> {
  const terminal = process.stderr.isTTY === true ? terminalOf() : undefined
  const others: ((line: string) => void)[] = []
  const also = (line: string) => {
    for (const write of others) write(line)
  }
  const log = createLogger({ level: config.logging.level, redact, also, terminal })
  for (const note of retiredNotes()) log.warn(note)
  // Whoever read the output has gone, as `| head` does: nobody needs more of it.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error
    stop.request(new Aborted("nobody reads the output any more"))
  })
  return {
    ...parsed,
    config,
    log,
    alsoLog: (write) => void others.push(write),
    stop,
    progress: parsed.json || terminal?.moves !== true ? silentProgress : progressOn(process.stderr),
    pictures: parsed.json || process.stdout.isTTY !== true ? undefined : picturesOnTerminal(),
    print: (report, render) =>
      writeOut(`${parsed.json ? JSON.stringify(report, null, 2) : render(report)}\n`),
  }
}

/** Resolves when the text has left this process, or has nowhere to go. */
function writeOut(text: string): Promise<void> {
  return new Promise((resolve) => process.stdout.write(text, () => resolve()))
}
