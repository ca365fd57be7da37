import { ClaimLost } from "../errors.ts"
import { leaseEnd } from "../lease.ts"
import type { Ledger } from "../open.ts"
import { closeDeadRuns } from "../runs.ts"

/** The right to work on one series, until the lease ends or another token stands in its place. */
export interface SeriesClaim {
  readonly seriesNo: number
  readonly token: string
  readonly runId: number
}

/** Takes this series. Claims of dead processes and ended leases are free. @returns undefined while somebody holds it */
export function claimSeries(ledger: Ledger, runId: number, seriesNo: number): SeriesClaim | undefined {
  return ledger.write(() => {
    const isHeld = () => isSeriesHeld(ledger, seriesNo)
    if (isHeld() && (closeDeadRuns(ledger) === 0 || isHeld())) return undefined
    const token = crypto.randomUUID()
    ledger.db
      .query(
        `insert into cod_claims (series_no, token, run_id, acquired_at, expires_at)
         values ($seriesNo, $token, $runId, $now, $expiresAt)
         on conflict (series_no) do update set token = excluded.token, run_id = excluded.run_id,
           acquired_at = excluded.acquired_at, expires_at = excluded.expires_at`,
      )
      .run({ seriesNo, token, runId, now: ledger.now(), expiresAt: leaseEnd(ledger) })
    return { seriesNo, token, runId }
  })
}

/** Whether somebody works on it just now. */
export function isSeriesHeld(ledger: Ledger, seriesNo: number): boolean {
  const held = ledger.db
    .query("select 1 from cod_claims where series_no = $seriesNo and expires_at > $now")
    .get({ seriesNo, now: ledger.now() })
  return held !== null
}

/** @throws ClaimLost unless the series is held under this token right now */
export function assertSeriesClaimed(ledger: Ledger, { seriesNo, token }: SeriesClaim) {
  const held = ledger.db
    .query("select 1 from cod_claims where series_no = $seriesNo and token = $token")
    .get({ seriesNo, token })
  if (held === null) throw new ClaimLost(`series ${seriesNo}`)
}

/** Gives a series back; one that was lost stays whose it is. */
export function releaseSeries(ledger: Ledger, { seriesNo, token }: SeriesClaim) {
  ledger.db
    .query("delete from cod_claims where series_no = $seriesNo and token = $token")
    .run({ seriesNo, token })
}
