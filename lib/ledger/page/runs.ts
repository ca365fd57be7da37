import type { Ledger } from "../open.ts"
import type { RunOutcome } from "../runs.ts"
import { COPYING } from "../runs.ts"

/** A run as people look back at it. */
export interface PastRun {
  readonly runId: number
  readonly script: string
  readonly startedAt: string
  readonly endedAt: string | null
  /** Null as long as it has not ended. */
  readonly outcome: RunOutcome | null
  /** Without an end: its process renewed its row until then. */
  readonly aliveUntil: string | null
  /** JSON object: what it reported; null while it has not. */
  readonly counts: string | null
  readonly byScheduler: 0 | 1
}

const PAST_RUN = `run_id as runId, script, started_at as startedAt, ended_at as endedAt, outcome,
  alive_until as aliveUntil, counts, run_id in (select job_run from schedule) as byScheduler`

/** The latest runs, newest first. By the key of their table; that of firings, a few a day, is read for who began them. */
export function latestRuns(ledger: Ledger, limit: number): PastRun[] {
  return ledger.db
    .query<PastRun, { limit: number }>(`select ${PAST_RUN} from runs order by run_id desc limit $limit`)
    .all({ limit })
}

/** The last run of a script that copies that has ended. By the index of runs by script. */
export function lastEndedRun(ledger: Ledger): PastRun | undefined {
  const last = ledger.db.query<PastRun, { script: string }>(
    `select ${PAST_RUN} from runs where script = $script and ended_at is not null order by run_id desc limit 1`,
  )
  return COPYING.flatMap((script) => last.get({ script }) ?? []).sort((a, b) => b.runId - a.runId)[0]
}

/** Of runs, those that the scheduler began; it fires a few times a day. */
export function begunByScheduler(ledger: Ledger): Set<number> {
  const rows = ledger.db
    .query<{ runId: number }, []>(
      "select job_run as runId from schedule where job_run is not null order by firing_id desc limit 50",
    )
    .all()
  return new Set(rows.map(({ runId }) => runId))
}
