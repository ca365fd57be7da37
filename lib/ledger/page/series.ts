import type { Ledger } from "../open.ts"
import type { InstanceResult } from "./study.ts"

// What the view of one series shows. By the primary keys of cod_series and cod_instances.

/** How a series stands beside what its own row says. */
export interface SeriesNotes {
  readonly thumbnail: "made" | "failed" | "nothing to show" | null
  readonly thumbnailError: string | null
  readonly hangingSince: string | null
  readonly hangingWhy: string | null
  /** Files that belong into it, by what became of them; `waiting` where nothing did yet. */
  readonly files: Readonly<Record<InstanceResult | "waiting", number>>
  /** Of its files, a few. */
  readonly studyIds: readonly string[]
}

/** Mostly there is one: a series belongs to a study. */
const MOST_STUDIES = 10

export function seriesNotes(ledger: Ledger, seriesNo: number): SeriesNotes {
  const row = ledger.db
    .query<Omit<SeriesNotes, "files" | "studyIds">, { seriesNo: number }>(
      `select c.thumbnail, c.thumbnail_error_class || ': ' || c.thumbnail_error_message as thumbnailError,
         l.hanging_since as hangingSince, l.hanging_why as hangingWhy
       from cod_series c
       left join cod_locks l on l.series_no = c.series_no and l.ended_at is null and l.hanging_since is not null
       where c.series_no = $seriesNo order by l.hanging_since limit 1`,
    )
    .get({ seriesNo })!
  const counts = ledger.db
    .query<{ result: InstanceResult | "waiting"; count: number }, { seriesNo: number }>(
      `select coalesce(result, 'waiting') as result, count(*) as count from cod_instances
       where series_no = $seriesNo group by 1`,
    )
    .all({ seriesNo })
  const studyIds = ledger.db
    .query<{ studyId: string }, { seriesNo: number; limit: number }>(
      "select distinct study_id as studyId from cod_instances where series_no = $seriesNo limit $limit",
    )
    .all({ seriesNo, limit: MOST_STUDIES })
    .map(({ studyId }) => studyId)
  const none = { new: 0, same: 0, conflict: 0, error: 0, waiting: 0 }
  const files = { ...none, ...Object.fromEntries(counts.map(({ result, count }) => [result, count])) }
  return { ...row, files, studyIds }
}

/** A file that a series did not take. */
export interface RefusedFile {
  readonly studyId: string
  readonly path: string
  readonly result: "conflict" | "error"
  readonly errorClass: string | null
  readonly errorMessage: string | null
}

/** Looks through the files of the series. */
export function refusedFiles(ledger: Ledger, seriesNo: number, limit: number): RefusedFile[] {
  return ledger.db
    .query<RefusedFile, { seriesNo: number; limit: number }>(
      `select i.study_id as studyId, o.path, i.result, i.error_class as errorClass, i.error_message as errorMessage
       from cod_instances i join objects o using (study_id, position)
       where i.series_no = $seriesNo and i.result in ('conflict', 'error') limit $limit`,
    )
    .all({ seriesNo, limit })
}
