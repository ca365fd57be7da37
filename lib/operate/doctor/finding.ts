import { AppError, describeError } from "../../support/errors.ts"

/** What a check says: well; ill, with what to do; or that it could not find out. */
export type Result =
  | { readonly state: "ok" | "unknown"; readonly detail: string }
  /** `fix`: the variable to set, the policy to paste; may have several lines. */
  | { readonly state: "fault"; readonly detail: string; readonly fix: string }

/** One line of the report. */
export type Finding = { readonly check: string } & Result

export function ok(detail: string): Result {
  return { state: "ok", detail }
}

export function fault(detail: string, fix: string): Result {
  return { state: "fault", detail, fix }
}

/** No fault of its own: what it rests on failed. */
export function unknown(detail: string): Result {
  return { state: "unknown", detail }
}

/** Whatever ended a check, for which nobody knew a better fix than the error itself. */
export function faultOf(error: unknown, fix?: string): Result {
  const { class: name, message } = describeError(error)
  const hint = error instanceof AppError ? error.hint : undefined
  return fault(
    `${name}: ${message}`,
    fix ?? hint ?? "Nothing is known to help; the message tells what is wrong.",
  )
}
