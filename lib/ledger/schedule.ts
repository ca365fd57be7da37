import type { Ledger } from "./open.ts"
import { livingRuns, RUN_LEASE_MS } from "./runs.ts"

/**
 * Why the scheduler fired.
 *
 * - `due`: it was time.
 * - `missed`: nobody was there when it was time.
 * - `cut off`: the run that it had begun was stopped, or died.
 * - `asked`: somebody wanted it at once.
 * - `left over`: a run ended before it could take what a discovery had found for it.
 */
export type FiringReason = "due" | "missed" | "cut off" | "asked" | "left over"

export interface Firing {
  readonly schedulerRun: number
  readonly reason: FiringReason
  readonly dueAt: Date
  readonly did: "run" | "discover" | "nothing"
  /** The run that was under way. */
  readonly duringRun?: number | undefined
}

/** Records a firing before what it does. @returns its id */
export function recordFiring(ledger: Ledger, { duringRun, dueAt, ...firing }: Firing): number {
  return ledger.write(() => {
    const row = ledger.db
      .query<{ id: number }, Record<string, string | number | null>>(
        `insert into schedule (scheduler_run, reason, due_at, fired_at, did, during_run)
         values ($schedulerRun, $reason, $dueAt, $now, $did, $duringRun) returning firing_id as id`,
      )
      .get({ ...firing, dueAt: dueAt.toISOString(), duringRun: duringRun ?? null, now: ledger.now() })
    return row!.id
  })
}

/** It began no run after all, for another one is under way. */
export function firingBeganNoRun(
  ledger: Ledger,
  firingId: number,
  { did, duringRun }: { readonly did: "discover" | "nothing"; readonly duringRun: number },
) {
  ledger.write(() =>
    ledger.db
      .query("update schedule set did = $did, during_run = $duringRun where firing_id = $firingId")
      .run({ firingId, did, duringRun }),
  )
}

/** What it began. */
export function firingBegan(ledger: Ledger, firingId: number, jobRun: number) {
  ledger.write(() =>
    ledger.db
      .query("update schedule set job_run = $jobRun where firing_id = $firingId")
      .run({ firingId, jobRun }),
  )
}

export interface FiringEnd {
  readonly outcome: "done" | "failed" | "stopped"
  readonly error?: { readonly class: string; readonly message: string } | undefined
}

export function endFiring(ledger: Ledger, firingId: number, { outcome, error }: FiringEnd) {
  ledger.write(() =>
    ledger.db
      .query(
        `update schedule set ended_at = $now, outcome = $outcome, error_class = $errorClass,
           error_message = $errorMessage where firing_id = $firingId`,
      )
      .run({
        firingId,
        outcome,
        errorClass: error?.class ?? null,
        errorMessage: error?.message ?? null,
        now: ledger.now(),
      }),
  )
}

/**
 * Until when it is known that nothing was missed: a scheduler lived then, or the whole job was begun and came to its
 * end.
 * @param self the run of the scheduler that asks
 * @returns undefined before the first schedule
 */
export function watchedUntil(ledger: Ledger, self: number | undefined): Date | undefined {
  const scheduler = ledger.db
    .query<{ outcome: string | null; endedAt: string | null; aliveUntil: string }, { self: number }>(
      `select outcome, ended_at as endedAt, alive_until as aliveUntil from runs
       where script = 'schedule' and run_id <> $self order by run_id desc limit 1`,
    )
    .get({ self: self ?? 0 })
  if (scheduler === null) return undefined
  const { outcome, endedAt, aliveUntil } = scheduler
  // One that died without a word was closed by whoever came next, maybe days later.
  const isKnown = endedAt !== null && outcome !== "crashed"
  const lived = isKnown ? endedAt : new Date(Date.parse(aliveUntil) - RUN_LEASE_MS).toISOString()
  const { served } = ledger.db
    .query<{ served: string | null }, []>(
      `select max(at) as served from (
         select max(due_at) as at from schedule
         union all select max(started_at) from runs where script = 'run' and outcome in ('done', 'failed'))`,
    )
    .get()!
  return new Date(served !== null && served > lived ? served : lived)
}

/** When the last run was due, if the scheduler began it and it was stopped or died. */
export function cutOffRun(ledger: Ledger): Date | undefined {
  const last = ledger.db
    .query<{ runId: number; outcome: string | null; dueAt: string | null }, []>(
      `select r.run_id as runId, r.outcome, s.due_at as dueAt
       from runs r left join schedule s on s.job_run = r.run_id
       where r.script = 'run' order by r.run_id desc limit 1`,
    )
    .get()
  if (last === null || last.dueAt === null) return undefined
  const isUnderWay = last.outcome === null && livingRuns(ledger).some(({ runId }) => runId === last.runId)
  return isUnderWay || last.outcome === "done" || last.outcome === "failed" ? undefined : new Date(last.dueAt)
}

/** Whether something is due that no run has tried yet. */
export function hasUntried(ledger: Ledger): boolean {
  return ledger.db.query("select 1 from studies where due = 1 and tried_run is null limit 1").get() !== null
}
