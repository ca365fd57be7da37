import { type Action, latestActions } from "../../../ledger/actions.ts"
import type { Ledger } from "../../../ledger/open.ts"
import {
  type FailureClass,
  type FailureCount,
  type FailureKey,
  type FailureLine,
  type FailurePage,
  failureClasses,
  failuresOfClass,
} from "../../../ledger/page/failures.ts"

/** Every class of failures, with one of each. */
export interface FailuresData {
  readonly classes: readonly FailureExample[]
  /** Classes and their failures that are not shown; of a ledger that has so many, nobody reads them all. */
  readonly more: { readonly classes: number; readonly failures: number }
  readonly actions: readonly Action[]
}

export interface FailureExample extends FailureCount {
  readonly example: FailureLine | undefined
}

/** A part of one class. */
export interface FailureClassData extends FailurePage {
  readonly of: FailureClass
  /** Undefined where nothing fails by it any more. */
  readonly total: FailureCount | undefined
  readonly isFirst: boolean
}

const MOST_CLASSES = 60
const ACTIONS = 10
const PAGE = 50

export function readFailures(ledger: Ledger): FailuresData {
  return ledger.read(() => {
    const classes = failureClasses(ledger)
    const rest = classes.slice(MOST_CLASSES)
    return {
      classes: classes.slice(0, MOST_CLASSES).map((each) => ({
        ...each,
        example: failuresOfClass(ledger, each, { limit: 1 }).lines[0],
      })),
      more: { classes: rest.length, failures: rest.reduce((sum, { count }) => sum + count, 0) },
      actions: latestActions(ledger, ACTIONS),
    }
  })
}

export function readFailureClass(
  ledger: Ledger,
  of: FailureClass,
  after: FailureKey | undefined,
): FailureClassData {
  return ledger.read(() => ({
    of,
    total: failureClasses(ledger).find(
      ({ verdict, errorClass }) => verdict === of.verdict && errorClass === of.errorClass,
    ),
    isFirst: after === undefined,
    ...failuresOfClass(ledger, of, { after, limit: PAGE }),
  }))
}
