import type { Ledger } from "../open.ts"
import { type LedgerSeries, seriesByNo } from "./series.ts"

/** Series that could not be packed because somebody held their lock, in the order of their numbers. */
export function seriesHeldByOthers(ledger: Ledger): LedgerSeries[] {
  return ledger.db
    .query<{ seriesNo: number }, []>(
      `select series_no as seriesNo from cod_series indexed by cod_series_failed
       where state = 'failed' and error_class = 'LockAcquisitionError' order by series_no`,
    )
    .all()
    .map(({ seriesNo }) => seriesByNo(ledger, seriesNo)!)
}

/** Whether the ledger has a record of this lock, also of one that ended. */
export function isOwnLock(ledger: Ledger, token: string): boolean {
  return ledger.db.query("select 1 from cod_locks where token = $token").get({ token }) !== null
}
