import type { Ledger } from "../open.ts"
import { amongValues, type FailuresAmong, IS_AMONG } from "../retries.ts"
import type { Tally } from "../tally.ts"
import { HAS_STUDY, IS_UNLOCKED } from "./conditions.ts"
import { refreshSeries } from "./series.ts"

/**
 * Queues again what packing gave up: headers that could not be read, instances in error or conflict, series. Of these
 * studies, or of all. What hangs under a lock stays there until the lock was released.
 * @returns how many files
 */
export function retryUnpacked(ledger: Ledger, studyIds: readonly string[] = []): number {
  return queueUnpacked(ledger, { studyIds }).files
}

/** The same, told by kind. @returns how many files, and series that had failed as a whole */
export function queueUnpacked(
  ledger: Ledger,
  among: FailuresAmong,
): { readonly files: number; readonly series: number } {
  return ledger.write((tally) => ({
    files: queueUnread(ledger, among) + queueTroubled(ledger, tally, among),
    series: retrySeries(ledger, tally, among),
  }))
}

/** Every header that cannot be read fails by this class. */
export const HEADER_ERROR_CLASS = "InvalidDicom"

function queueUnread(ledger: Ledger, { errorClass = HEADER_ERROR_CLASS, ...among }: FailuresAmong): number {
  if (errorClass !== HEADER_ERROR_CLASS) return 0
  return ledger.db
    .query(
      `update objects set to_pack = 1, header_error = null
       where header_error is not null and state = 'copied'
         and ($ids = '[]' or study_id in (select value from json_each($ids)))`,
    )
    .run({ ids: amongValues(among).ids }).changes
}

function queueTroubled(ledger: Ledger, tally: Tally, among: FailuresAmong): number {
  const values = amongValues(among)
  const given = ledger.db
    .query<{ seriesNo: number; studyId: string; position: number }, typeof values>(
      `select series_no as seriesNo, study_id as studyId, position from cod_instances
       where result in ('conflict', 'error') and coalesce(verdict, 'give-up') = 'give-up' and ${IS_AMONG}
         and ${IS_UNLOCKED("cod_instances.series_no")}`,
    )
    .all(values)
  const queue = ledger.db.query(
    `update objects set to_pack = 1 where study_id = $studyId and position = $position and series_no = $seriesNo
       and state = 'copied' and to_pack = 0`,
  )
  const queued = given.reduce((sum, instance) => sum + queue.run({ ...instance }).changes, 0)
  for (const seriesNo of new Set(given.map((row) => row.seriesNo))) refreshSeries(ledger, tally, seriesNo)
  return queued
}

function retrySeries(ledger: Ledger, tally: Tally, among: FailuresAmong): number {
  const values = amongValues(among)
  const failed = ledger.db
    .query<{ seriesNo: number }, typeof values>(
      `select series_no as seriesNo from cod_series c
       where state = 'failed' and verdict = 'give-up' and ($errorClass = '' or error_class = $errorClass)
         and ${IS_UNLOCKED("c.series_no")} and ${HAS_STUDY}`,
    )
    .all(values)
  for (const { seriesNo } of failed) clearSeriesFailure(ledger, tally, seriesNo)
  return failed.length
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
