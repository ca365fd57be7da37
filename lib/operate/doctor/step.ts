import { linkedAbort, onAbort } from "../../support/abort.ts"
import { AppError } from "../../support/errors.ts"
import { duration } from "../../support/text.ts"
import { type Finding, faultOf, type Result, unknown } from "./finding.ts"

/** Runs one check. Whatever it throws is its finding; the others go on. */
export type Step = (
  check: string,
  work: (signal: AbortSignal) => Promise<Result> | Result,
) => Promise<Finding>

/** A check had no answer in time. Not a fault: a large ledger on a slow disk is none. */
class TakesTooLong extends AppError {
  constructor(patienceMs: number) {
    super(`not finished within ${duration(patienceMs)}`, { verdict: "retry" })
  }
}

/** Steps that take at most `patienceMs` each, and end at once with the signal's reason when that aborts. */
export function stepsWithin(patienceMs: number, signal: AbortSignal): Step {
  return async (check, work) => {
    try {
      return { check, ...(await inTime(work, patienceMs, signal)) }
    } catch (error) {
      signal.throwIfAborted()
      return { check, ...(error instanceof TakesTooLong ? unknown(error.message) : faultOf(error)) }
    }
  }
}

/** What does not heed its signal is left alone: the process ends when the report is printed. */
async function inTime<T>(
  work: (signal: AbortSignal) => Promise<T> | T,
  patienceMs: number,
  signal: AbortSignal,
): Promise<T> {
  using patience = linkedAbort(signal)
  const { promise: over, reject } = Promise.withResolvers<never>()
  using _ = onAbort(patience.signal, () => reject(patience.signal.reason))
  const timer = setTimeout(() => patience.abort(new TakesTooLong(patienceMs)), patienceMs)
  try {
    return await Promise.race([work(patience.signal), over])
  } finally {
    clearTimeout(timer)
  }
}
