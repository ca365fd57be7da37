import { Aborted, AppError, type Facts, UsageError, type Verdict } from "./errors.ts"
import { safe } from "./text.ts"

/** An error as plain data, for logs. Stacks only where somebody looks for a defect. */
export interface Failure {
  readonly class: string
  readonly message: string
  readonly verdict?: Verdict
  readonly facts?: Facts
  readonly cause?: Failure
  readonly stack?: string
}

/** Longer chains of causes are loops or noise. */
const MAX_CAUSES = 8

export function failureOf(error: unknown, { stack = false } = {}, depth = 0): Failure {
  const { name, message } = error instanceof Error ? error : { name: "UnknownError", message: String(error) }
  const cause = depth < MAX_CAUSES ? causeOf(error) : undefined
  return {
    class: name,
    message,
    ...(error instanceof AppError ? { verdict: error.verdict } : {}),
    ...factsOf(error),
    ...(cause === undefined ? {} : { cause: failureOf(cause, { stack }, depth + 1) }),
    ...(stack && error instanceof Error && error.stack !== undefined ? { stack: error.stack } : {}),
  }
}

/**
 * An error for the operator, safe to print: what failed with its facts, why, and what to do. A `UsageError`
 * may have several lines of its own, its composer made them safe; text from anywhere else never starts a new
 * one.
 */
export function explain(error: unknown, { stack = false } = {}): string {
  const failure = failureOf(error, { stack: true })
  const message =
    error instanceof UsageError ? failure.message.split("\n").map(safe).join("\n") : sentence(failure)
  return [
    error instanceof Aborted ? message : `error: ${message}`,
    ...causesOf(failure).map((cause) => `  because: ${sentence(cause)}`),
    ...(error instanceof AppError && error.hint !== undefined ? [`  ${safe(error.hint)}`] : []),
    ...(stack && failure.stack !== undefined ? [failure.stack.split("\n").map(safe).join("\n")] : []),
  ].join("\n")
}

function sentence({ class: name, message, facts = {}, verdict }: Failure): string {
  const known = Object.entries(facts).filter(([, value]) => value !== undefined)
  const told = known.map(([key, value]) => `${key}=${value}`).join(", ")
  // The class of somebody else's error is often all that it tells.
  const what = verdict === undefined ? [name, message].filter((part) => part !== "").join(": ") : message
  return safe(told === "" ? what : `${what} (${told})`)
}

function causesOf(failure: Failure): Failure[] {
  return failure.cause === undefined ? [] : [failure.cause, ...causesOf(failure.cause)]
}

/**
 * An `AggregateError` (every address of a host refused) says nothing itself: its first error stands for all.
 */
function causeOf(error: unknown): unknown {
  if (error instanceof AggregateError && error.cause === undefined) return error.errors[0]
  return error instanceof Error ? error.cause : undefined
}

function factsOf(error: unknown): { facts?: Facts } {
  if (error instanceof AppError) return Object.keys(error.facts).length === 0 ? {} : { facts: error.facts }
  const code = error instanceof Error && "code" in error ? error.code : undefined
  return typeof code === "string" || typeof code === "number" ? { facts: { code } } : {}
}
