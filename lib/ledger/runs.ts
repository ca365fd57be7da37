import { isDead, type Owner } from "../support/owner.ts"
import type { Ledger } from "./open.ts"

export type RunOutcome = "done" | "failed" | "stopped" | "crashed"

export interface RunStart {
  readonly script: string
  readonly arguments: readonly string[]
  readonly version: string
  readonly owner: Owner
}

/**
 * Records that a script started. Runs whose process is gone without a word are closed as `crashed` and their claims
 * freed, so that what they held can be taken over at once.
 * @returns the new run's id
 */
export function startRun(ledger: Ledger, run: RunStart): number {
  return ledger.write(() => {
    closeDeadRuns(ledger)
    const { script, version, owner } = run
    const row = ledger.db
      .query<{ run_id: number }, Record<string, string | number>>(
        `insert into runs (script, arguments, version, host, boot_id, pid, process_start, started_at)
         values ($script, $arguments, $version, $host, $bootId, $pid, $processStart, $now) returning run_id`,
      )
      .get({ script, version, ...owner, arguments: JSON.stringify(run.arguments), now: ledger.now() })
    return row!.run_id
  })
}

/** @param counts what the script reported, numbers by name */
export function endRun(
  ledger: Ledger,
  runId: number,
  outcome: RunOutcome,
  counts: Readonly<Record<string, number>>,
) {
  ledger.write(() => {
    ledger.db
      .query("update runs set ended_at = $now, outcome = $outcome, counts = $counts where run_id = $runId")
      .run({ runId, outcome, counts: JSON.stringify(counts), now: ledger.now() })
    ledger.db.query("delete from claims where run_id = $runId").run({ runId })
  })
}

/** Closes runs of dead processes and frees their claims. @returns how many */
export function closeDeadRuns(ledger: Ledger): number {
  return ledger.write(() => {
    const open = ledger.db.query<Owner & { runId: number }, []>(
      `select run_id as runId, host, boot_id as bootId, pid, process_start as processStart
       from runs where ended_at is null`,
    )
    const dead = open.all().filter(isDead)
    for (const { runId } of dead) {
      ledger.db
        .query("update runs set ended_at = $now, outcome = 'crashed' where run_id = $runId")
        .run({ runId, now: ledger.now() })
      ledger.db.query("delete from claims where run_id = $runId").run({ runId })
    }
    return dead.length
  })
}
