import type { Ledger } from "../open.ts"
import type { Tally } from "../tally.ts"
import { refreshSeries } from "./series.ts"

/**
 * Queues again what packing gave up: headers that could not be read, instances in error or conflict, series. Of these
 * studies, or of all. What hangs under a lock stays there until the lock was released.
 * @returns how many files
 */
export function retryUnpacked(ledger: Ledger, studyIds: readonly string[] = []): number {
  return ledger.write((tally) => {
    const ids = JSON.stringify(studyIds)
    const among = "($ids = '[]' or study_id in (select value from json_each($ids)))"
    const unread = ledger.db
      .query(
        `update objects set to_pack = 1, header_error = null
         where header_error is not null and state = 'copied' and ${among}`,
      )
      .run({ ids }).changes
    const troubled = ledger.db
      .query<{ seriesNo: number }, { ids: string }>(
        `select distinct series_no as seriesNo from cod_instances
         where result in ('conflict', 'error') and verdict = 'give-up' and ${among}`,
      )
      .all({ ids })
    const again = ledger.db
      .query(
        `update objects set to_pack = 1 where state = 'copied' and to_pack = 0 and ${among}
           and (series_no, study_id, position) in (select series_no, study_id, position from cod_instances
             where result in ('conflict', 'error') and verdict = 'give-up')`,
      )
      .run({ ids }).changes
    for (const { seriesNo } of troubled) refreshSeries(ledger, tally, seriesNo)
    retrySeries(ledger, tally, ids)
    return unread + again
  })
}

function retrySeries(ledger: Ledger, tally: Tally, ids: string) {
  const failed = ledger.db
    .query<{ seriesNo: number }, { ids: string }>(
      `select series_no as seriesNo from cod_series c
       where state = 'failed' and verdict = 'give-up'
         and not exists (select 1 from cod_locks l where l.series_no = c.series_no and l.ended_at is null)
         and ($ids = '[]' or exists (select 1 from cod_instances i where i.series_no = c.series_no
           and i.study_id in (select value from json_each($ids))))`,
    )
    .all({ ids })
  for (const { seriesNo } of failed) clearSeriesFailure(ledger, tally, seriesNo)
}

/** The next run tries the series again. */
export function clearSeriesFailure(ledger: Ledger, tally: Tally, seriesNo: number) {
  ledger.db
    .query(
      `update cod_series set verdict = null, error_class = null, error_message = null, next_try_at = null
       where series_no = $seriesNo`,
    )
    .run({ seriesNo })
  refreshSeries(ledger, tally, seriesNo)
}
