import { AppError, HeldByAnother, UsageError, verdictOf } from "./errors.ts"
import { PROJECT_ROOT } from "./project.ts"

/** An error as it may leave the box: what went wrong and where in the program, never with what. */
export interface ErrorReport {
  /** The error and what caused it, outermost first. */
  readonly errors: readonly ReportedError[]
}

export interface ReportedError {
  readonly class: string
  /** Without values; empty where the text is somebody else's and may quote anything. */
  readonly message: string
  /** One frame a line, as the runtime writes them, paths from the project's folder. */
  readonly stack: string
}

/**
 * What somebody has to look into: a defect, or what ends a whole run. A wrong flag or a lock that another process holds
 * was told to who asked.
 */
export function isReportable(error: unknown): boolean {
  if (error instanceof UsageError || error instanceof HeldByAnother) return false
  return verdictOf(error) === "stop"
}

/** @param hidden texts that are hidden wherever they turn up, such as the host of the database */
export function reportOf(error: unknown, hidden: readonly string[] = []): ErrorReport {
  return { errors: chainOf(error).map((one) => reportedError(one, hidden)) }
}

const MAX_CAUSES = 8

function chainOf(error: unknown): unknown[] {
  const chain: unknown[] = []
  for (let one = error; one !== undefined && chain.length < MAX_CAUSES; ) {
    chain.push(one)
    one = one instanceof Error ? one.cause : undefined
  }
  return chain
}

function reportedError(error: unknown, hidden: readonly string[]): ReportedError {
  if (!(error instanceof Error)) return { class: "UnknownError", message: "", stack: "" }
  return { class: error.name, message: messageOf(error, hidden), stack: framesOf(error) }
}

/**
 * A library's message may quote a row, a parameter or a host; ours hold values in quotes or behind a colon, and those of
 * the language hold names of the program.
 */
function messageOf(error: Error, hidden: readonly string[]): string {
  if (error instanceof AppError) return withoutValues(error.message, hidden)
  if (error instanceof TypeError || error instanceof ReferenceError) {
    return withoutValues(error.message, hidden)
  }
  const code = "code" in error ? error.code : undefined
  return typeof code === "string" && /^[A-Z0-9_]{2,40}$/.test(code) ? code : ""
}

const VALUES: readonly [RegExp, string][] = [
  [/\b[a-z][a-z0-9+.-]*:\/\/\S+/gi, "[uri]"],
  [/"(?:[^"\\]|\\.)*"|`[^`]*`/g, "[value]"],
  [/[^\s@]+@[^\s@]+/g, "[address]"],
  [/\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b/gi, "[id]"],
  // Hosts and IP addresses, DICOM UIDs, names of files.
  [/(?:\/[^\s:,)]+)+/g, "[path]"],
  [/\b(?:\d+\.){3,}\d+\b/g, "[number]"],
  [/\b(?:[\w-]+\.)+[a-z][\w-]+(?::\d+)?\b/gi, "[name]"],
]

function withoutValues(text: string, hidden: readonly string[]): string {
  const withoutKnown = hidden.reduce((rest, value) => rest.replaceAll(value, "[hidden]"), text)
  return VALUES.reduce((rest, [pattern, replacement]) => rest.replace(pattern, replacement), withoutKnown)
}

/** The message stands above the frames: it is left out, however many lines it has. So are the folders of the box. */
function framesOf({ stack = "" }: Error): string {
  return stack
    .split("\n")
    .filter((line) => /^\s+at .*:\d+:\d+\)?$/.test(line))
    .map((line) => line.replaceAll(`${PROJECT_ROOT}/`, "").replace(/(?<=[\s(])\/\S*\//, ""))
    .join("\n")
}
