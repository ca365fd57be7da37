import { DiscoveryOvertaken } from "./errors.ts"
import type { Ledger } from "./open.ts"
import { closeDeadRuns, type LivingRun, livingRuns } from "./runs.ts"

// One discovery at a time writes to a ledger. Of two, the one with the older snapshot would not see what the newer one
// recorded, and withdraw it.

/**
 * Takes the right to record a discovery, unless a run that lives has it.
 * @returns that run; undefined when the right is ours
 */
export function beginDiscovering(ledger: Ledger, runId: number): LivingRun | undefined {
  return ledger.write(() => {
    closeDeadRuns(ledger)
    const holder = livingRuns(ledger).find((run) => run.runId !== runId && run.runId === holderOf(ledger))
    if (holder !== undefined) return holder
    ledger.db
      .query("insert or replace into discovering (only, run_id, acquired_at) values (1, $runId, $now)")
      .run({ runId, now: ledger.now() })
    return undefined
  })
}

/** Belongs into every transaction by which a discovery records something. @throws DiscoveryOvertaken */
export function assertDiscovering(ledger: Ledger, runId: number) {
  if (holderOf(ledger) !== runId) throw new DiscoveryOvertaken(runId)
}

/** Gives the right back; nothing happens when it is another's by now. */
export function endDiscovering(ledger: Ledger, runId: number) {
  ledger.write(() => ledger.db.query("delete from discovering where run_id = $runId").run({ runId }))
}

/** The run that has the right to record a discovery. */
export interface Discovering extends LivingRun {
  readonly since: string
}

/** Whose discovery is under way; undefined while there is none of a process that lives. */
export function discovering(ledger: Ledger): Discovering | undefined {
  const held = ledger.db
    .query<{ runId: number; since: string }, []>(
      "select run_id as runId, acquired_at as since from discovering",
    )
    .get()
  const run = held && livingRuns(ledger).find(({ runId }) => runId === held.runId)
  return run && held ? { ...run, since: held.since } : undefined
}

function holderOf(ledger: Ledger): number | undefined {
  return ledger.db.query<{ runId: number }, []>("select run_id as runId from discovering").get()?.runId
}
