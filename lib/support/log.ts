import pino, { type Logger } from "pino"
import pretty from "pino-pretty"
import type { Terminal } from "./config.ts"
import type { LogLevel } from "./config-values.ts"
import { failureOf } from "./failure.ts"
import { logIds } from "./log-ids.ts"
import type { Redactor } from "./redact.ts"
import { safe } from "./text.ts"

/**
 * `log.info({ study }, "copied")`: facts first, then a constant sentence. An error goes under `err`. Ids of the run, the
 * study and the object that a line is about come from `withLogIds`.
 */
export type Log = Logger

export interface LogOptions {
  readonly level: LogLevel
  /** Applied to every line. */
  readonly redact: Redactor
  /** Where finished lines go; standard error unless told. */
  readonly write?: (text: string) => void
  /** Gets every line as JSON, too. */
  readonly also?: (line: string) => void
  /** For people at this terminal: lines to read, instead of JSON. */
  readonly terminal?: Terminal | undefined
}

const LEVELS = { DEBUG: "debug", INFO: "info", WARNING: "warn", ERROR: "error", CRITICAL: "fatal" } as const

/** As numbers, for what renders lines for people. */
const PYTHON_LEVELS = { DEBUG: 20, INFO: 30, WARNING: 40, ERROR: 50, CRITICAL: 60 }

const PYTHON_NAMES = new Map<string, string>(Object.entries(LEVELS).map(([python, own]) => [own, python]))

/** Fields that hold secrets wherever they turn up, for instance in the options of a client that is logged. */
const SECRET_FIELDS = [
  "password",
  "pass",
  "secret",
  "token",
  "authorization",
  "secretAccessKey",
  "sessionToken",
]

/**
 * A logger of JSON lines, or of lines for people, that writes synchronously: nothing is lost when the process
 * ends.
 */
export function createLogger(options: LogOptions): Log {
  const { level, redact, write = stderrWriter(), also, terminal } = options
  const sink = terminal === undefined ? write : prettySink(write, terminal)
  return pino(
    {
      level: LEVELS[level],
      base: { pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      serializers: { err: (error: unknown) => failureOf(error, { stack: level === "DEBUG" }) },
      formatters: { level: (label) => ({ level: PYTHON_NAMES.get(label) ?? label }) },
      mixin: logIds,
      redact: { paths: SECRET_FIELDS.flatMap((field) => [field, `*.${field}`]), censor: "[hidden]" },
    },
    {
      write(line: string) {
        const safeLine = redact(line)
        sink(safeLine)
        also?.(safeLine)
      },
    },
  )
}

/** A logger for places where nobody listens, such as tests. */
export function silentLogger(): Log {
  return pino({ level: "silent" })
}

function stderrWriter(): (text: string) => void {
  const stderr = pino.destination({ dest: 2, sync: true })
  return (text) => void stderr.write(text)
}

/** A progress bar may stand where the line goes; it draws itself anew below. */
const CLEAR_LINE = "\r\x1b[K"

/** In this thread: a worker would lose the last lines. */
function prettySink(write: (text: string) => void, { colors, moves }: Terminal): (line: string) => void {
  const render = pretty.prettyFactory({
    colorize: colors,
    customLevels: PYTHON_LEVELS,
    translateTime: "SYS:HH:MM:ss",
    ignore: "pid",
    singleLine: true,
    messageFormat: (line, key) => safe(String(line[key] ?? "")),
  })
  return (line) => write(`${moves ? CLEAR_LINE : ""}${render(line)}`)
}
