import { isDead, type Owner } from "../support/owner.ts"
import { RunUnderWay } from "./errors.ts"
import type { Ledger } from "./open.ts"

/** A run that is not renewed for this long may be of a box that lost its power. */
export const RUN_LEASE_MS = 60_000
/** How often a run says that its process lives. */
export const RUN_HEARTBEAT_MS = 10_000

/** How long the table `minutes` goes back, at least; `hourly` goes back for ever. */
export const MINUTES_KEPT_MS = 86_400_000

/** Scripts that copy. */
export const COPYING: readonly string[] = ["run", "copy", "demo"]

export type RunOutcome = "done" | "failed" | "stopped" | "crashed"

export interface RunStart {
  readonly script: string
  readonly arguments: readonly string[]
  readonly version: string
  readonly owner: Owner
  /** Only while no other run of this script is alive. */
  readonly alone?: boolean
}

/**
 * Records that a script started. Runs whose process is gone without a word are closed as `crashed` and what they held
 * is freed, so that it can be taken over at once. Of what moved, minutes are kept for a day.
 * @returns the new run's id
 * @throws RunUnderWay when it wants to be alone and is not; found out in the transaction that records it
 */
export function startRun(ledger: Ledger, run: RunStart): number {
  return ledger.write(() => {
    closeDeadRuns(ledger)
    dropOldMinutes(ledger)
    const { script, version, owner } = run
    const other = run.alone === true ? runUnderWay(ledger, script) : undefined
    if (other !== undefined) throw new RunUnderWay(other)
    const row = ledger.db
      .query<{ run_id: number }, Record<string, string | number>>(
        `insert into runs
           (script, arguments, version, host, boot_id, pid, process_start, started_at, alive_until)
         values ($script, $arguments, $version, $host, $bootId, $pid, $processStart, $now, $aliveUntil)
         returning run_id`,
      )
      .get({
        script,
        version,
        ...owner,
        arguments: JSON.stringify(run.arguments),
        now: ledger.now(),
        aliveUntil: leaseEnd(ledger),
      })
    return row!.run_id
  })
}

function dropOldMinutes(ledger: Ledger) {
  const before = new Date(ledger.clock.now().getTime() - MINUTES_KEPT_MS).toISOString().slice(0, 16)
  ledger.db.query("delete from minutes where minute < $before").run({ before })
}

/** Says that the run's process lives. */
export function renewRun(ledger: Ledger, runId: number) {
  ledger.write(() =>
    ledger.db
      .query("update runs set alive_until = $aliveUntil where run_id = $runId")
      .run({ runId, aliveUntil: leaseEnd(ledger) }),
  )
}

/** What a script reported at its end, by name. */
export type RunCounts = Readonly<Record<string, number | string>>

export function endRun(ledger: Ledger, runId: number, outcome: RunOutcome, counts: RunCounts) {
  ledger.write(() => {
    ledger.db
      .query("update runs set ended_at = $now, outcome = $outcome, counts = $counts where run_id = $runId")
      .run({ runId, outcome, counts: JSON.stringify(counts), now: ledger.now() })
    free(ledger, runId)
  })
}

/** Closes runs of dead processes and frees what they held. @returns how many */
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
      free(ledger, runId)
    }
    return dead.length
  })
}

export interface LivingRun {
  readonly runId: number
  readonly script: string
  readonly host: string
  readonly pid: number
}

/**
 * The first run of a script whose process lives: not known to be gone, and renewed within its lease, for nobody can see
 * from here whether a process of another host or of an earlier boot is gone.
 */
export function runUnderWay(ledger: Ledger, script: string): LivingRun | undefined {
  return livingRuns(ledger).find((run) => run.script === script)
}

/** Every run whose process lives, in the order of starting. */
export function livingRuns(ledger: Ledger): LivingRun[] {
  return ledger.db
    .query<LivingRun & Owner, { now: string }>(
      `select run_id as runId, script, host, boot_id as bootId, pid, process_start as processStart
       from runs where ended_at is null and alive_until > $now order by run_id`,
    )
    .all({ now: ledger.now() })
    .filter((run) => !isDead(run))
    .map(({ runId, script, host, pid }) => ({ runId, script, host, pid }))
}

function free(ledger: Ledger, runId: number) {
  ledger.db.query("delete from claims where run_id = $runId").run({ runId })
  ledger.db.query("delete from cod_claims where run_id = $runId").run({ runId })
  ledger.db.query("delete from discovering where run_id = $runId").run({ runId })
}

/** Computed while the write lock is held, so that waiting for it does not shorten the lease. */
function leaseEnd(ledger: Ledger): string {
  return new Date(ledger.clock.now().getTime() + RUN_LEASE_MS).toISOString()
}
