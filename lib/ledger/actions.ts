import type { Ledger } from "./open.ts"
import type { FailureClass } from "./page/failures.ts"

// What people asked for on the page: the table `actions`.

/** Failures that are to be tried again: all of a class, or whatever failed of a study. */
export type RetryTarget = FailureClass | { readonly studyId: string }

/** Who asks: the user of the session, `local` at the box without a login, and from where. */
export interface Asking {
  readonly who: string
  readonly address: string
}

export interface Action extends Asking {
  readonly actionId: number
  readonly at: string
  readonly target: RetryTarget
  /** How much was queued by it. */
  readonly queued: number
}

/** Belongs into the transaction that does what was asked for. @returns its id */
export function recordRetry(
  ledger: Ledger,
  { who, address }: Asking,
  target: RetryTarget,
  queued: number,
): number {
  return ledger.db
    .query<{ actionId: number }, Record<string, string | number>>(
      `insert into actions (at, who, address, action, target, queued)
       values ($now, $who, $address, 'retry', $target, $queued) returning action_id as actionId`,
    )
    .get({ now: ledger.now(), who, address, target: JSON.stringify(target), queued })!.actionId
}

/** The last ones, newest first. */
export function latestActions(ledger: Ledger, limit: number): Action[] {
  return ledger.db
    .query<ActionRow, { limit: number }>(`${ACTIONS} order by action_id desc limit $limit`)
    .all({ limit })
    .map(actionOf)
}

export function actionById(ledger: Ledger, actionId: number): Action | undefined {
  const row = ledger.db
    .query<ActionRow, { actionId: number }>(`${ACTIONS} where action_id = $actionId`)
    .get({ actionId })
  return row === null ? undefined : actionOf(row)
}

const ACTIONS = "select action_id as actionId, at, who, address, target, queued from actions"

type ActionRow = Omit<Action, "target"> & { readonly target: string }

function actionOf(row: ActionRow): Action {
  return { ...row, target: JSON.parse(row.target) }
}
