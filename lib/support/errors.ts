/**
 * What a failure means for the work that met it.
 *
 * - `retry`: the same call may succeed later.
 * - `missing`: the thing asked for is not there (it may still come).
 * - `give-up`: trying again changes nothing until a person acts.
 * - `stop`: no further work makes sense; the whole run ends.
 */
export type Verdict = "retry" | "missing" | "give-up" | "stop"

/** Ids, keys, counts and sizes that make an error actionable. Never a secret, a name or report text. */
export type Facts = Readonly<Record<string, string | number | boolean | undefined>>

/**
 * Base of every error that this project throws on purpose. A caller decides by class or `verdict`, never by
 * the text of `message`.
 */
export class AppError extends Error {
  readonly verdict: Verdict
  readonly facts: Facts
  /** One sentence for the operator: what to do next. */
  readonly hint: string | undefined

  constructor(
    message: string,
    options: { verdict: Verdict; facts?: Facts; hint?: string | undefined; cause?: unknown },
  ) {
    super(message, { cause: options.cause })
    this.name = new.target.name
    this.verdict = options.verdict
    this.facts = options.facts ?? {}
    this.hint = options.hint
  }
}

/** Wrong flags, ids or configuration: nothing was touched, exit code 2. */
export class UsageError extends AppError {
  constructor(message: string, hint?: string) {
    super(message, { verdict: "stop", hint })
  }
}

/** Another process has what must be had alone: exit code 3. */
export class HeldByAnother extends AppError {
  constructor(message: string, options: { facts?: Facts; hint?: string; cause?: unknown } = {}) {
    super(message, { verdict: "stop", ...options })
  }
}

/** Work ended early because a signal or a sibling's failure asked for it. */
export class Aborted extends AppError {
  constructor(message = "stopped before it was finished", cause?: unknown) {
    super(message, { verdict: "retry", cause })
  }
}

/** The verdict of anything that was thrown; what is not ours is a defect and never retried blindly. */
export function verdictOf(error: unknown): Verdict {
  return error instanceof AppError ? error.verdict : "stop"
}

/** Class name and message of anything that was thrown, for the ledger and for logs. */
export function describeError(error: unknown): { class: string; message: string } {
  if (error instanceof Error) return { class: error.name, message: error.message }
  return { class: "UnknownError", message: String(error) }
}
