import { isDead, type Owner } from "../../support/owner.ts"
import type { Ledger } from "../open.ts"
import type { RunOutcome } from "../runs.ts"

/** The last of the runs of a script. */
export interface LastRun {
  readonly runId: number
  readonly script: string
  readonly startedAt: string
  readonly endedAt: string | null
  /** `running` as long as its process gives signs of life; `crashed` also before anybody has written so. */
  readonly state: RunOutcome | "running"
}

type Row = Owner & Omit<LastRun, "state"> & { readonly outcome: RunOutcome | null; readonly lapsed: 0 | 1 }

const ROW = `run_id as runId, script, started_at as startedAt, ended_at as endedAt, outcome, host, boot_id as bootId,
  pid, process_start as processStart, coalesce(alive_until <= $now, 0) as lapsed`

/** The last run of a script, ended or not; undefined before the first. By the index of runs by script. */
export function lastRun(ledger: Ledger, script: string): LastRun | undefined {
  const row = ledger.db
    .query<Row, { script: string; now: string }>(
      `select ${ROW} from runs where script = $script order by run_id desc limit 1`,
    )
    .get({ script, now: ledger.now() })
  return row === null ? undefined : toldOf(row)
}

/** The last run of each script that has ended, by the script's name. By the index of runs by script, once for each. */
export function lastEndedRuns(ledger: Ledger): LastRun[] {
  const scripts = ledger.db
    .query<{ script: string }, []>(
      `with recursive s(script) as (
         select min(script) from runs
         union all select (select min(script) from runs r where r.script > s.script) from s where s.script is not null
       ) select script from s where script is not null`,
    )
    .all()
  return scripts.flatMap(({ script }) => {
    const row = ledger.db
      .query<Row, { script: string; now: string }>(
        `select ${ROW} from runs where script = $script and ended_at is not null order by run_id desc limit 1`,
      )
      .get({ script, now: ledger.now() })
    return row === null ? [] : [toldOf(row)]
  })
}

function toldOf(row: Row): LastRun {
  const { runId, script, startedAt, endedAt, outcome, lapsed } = row
  const state = outcome ?? (lapsed === 1 || isDead(row) ? "crashed" : "running")
  return { runId, script, startedAt, endedAt, state }
}

export interface LastFiring {
  readonly firedAt: string
  readonly outcome: "done" | "failed" | "stopped" | null
  readonly errorClass: string | null
  readonly errorMessage: string | null
}

/** What the scheduler did last. By the key of its table. */
export function lastFiring(ledger: Ledger): LastFiring | undefined {
  const last = ledger.db
    .query<LastFiring, []>(
      `select fired_at as firedAt, outcome, error_class as errorClass, error_message as errorMessage
       from schedule order by firing_id desc limit 1`,
    )
    .get()
  return last ?? undefined
}
