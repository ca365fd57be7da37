import type { Ledger } from "../open.ts"
import { type LedgerSeries, type SeriesUids, seriesByNo } from "./series.ts"

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

/** The series of these UIDs, as files have them; undefined when no file told of it. */
export function seriesOf(ledger: Ledger, { studyUid, seriesUid }: SeriesUids): LedgerSeries | undefined {
  const row = ledger.db
    .query<{ seriesNo: number }, Record<string, string>>(
      `select series_no as seriesNo from cod_series where series_uid = $seriesUid and study_uid = $studyUid`,
    )
    .get({ studyUid, seriesUid })
  return row === null ? undefined : seriesByNo(ledger, row.seriesNo)
}

/** Whether the ledger has a record of this lock, also of one that ended. */
export function isOwnLock(ledger: Ledger, token: string): boolean {
  return ledger.db.query("select 1 from cod_locks where token = $token").get({ token }) !== null
}
