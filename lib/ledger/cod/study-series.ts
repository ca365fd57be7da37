import type { Ledger } from "../open.ts"
import type { SeriesState } from "./series.ts"
import type { ThumbnailRecord } from "./thumbnails.ts"

/** A series that files of a study belong into, with what became of the study's part of it. */
export interface StudySeries {
  readonly studyUid: string
  readonly seriesUid: string
  readonly state: SeriesState
  readonly packedAt: string | null
  /** Of a failure of the series as a whole. */
  readonly verdict: "retry" | "give-up" | null
  readonly errorClass: string | null
  readonly errorMessage: string | null
  readonly nextTryAt: string | null
  /** Since when its lock is left standing on purpose, and why. */
  readonly hangingSince: string | null
  readonly hangingWhy: string | null
  readonly thumbnail: ThumbnailRecord["state"]
  /** Files of this study: in the tar, still to be packed, kept out by other bytes of the same UID, in error. */
  readonly packed: number
  readonly waiting: number
  readonly conflicts: number
  readonly errors: number
  readonly bytes: number
}

/** The series of a study's files that are at the destination, in the order of the files. */
export function seriesOfStudy(ledger: Ledger, studyId: string): StudySeries[] {
  return ledger.db
    .query<StudySeries, { studyId: string }>(
      `select c.study_uid as studyUid, c.series_uid as seriesUid, c.state, c.packed_at as packedAt, c.verdict,
         c.error_class as errorClass, c.error_message as errorMessage, c.next_try_at as nextTryAt,
         (select min(hanging_since) from cod_locks l where l.series_no = c.series_no and l.ended_at is null)
           as hangingSince,
         (select hanging_why from cod_locks l where l.series_no = c.series_no and l.ended_at is null
           and l.hanging_since is not null) as hangingWhy, c.thumbnail,
         count(*) filter (where o.to_pack = 0 and i.result in ('new', 'same')) as packed,
         count(*) filter (where o.to_pack = 1 and i.result is not 'error') as waiting,
         count(*) filter (where o.to_pack = 0 and i.result = 'conflict') as conflicts,
         count(*) filter (where i.result = 'error') as errors,
         coalesce(sum(o.size), 0) as bytes
       from objects o join cod_series c using (series_no)
       join cod_instances i on i.series_no = o.series_no and i.study_id = o.study_id and i.position = o.position
       where o.study_id = $studyId and o.state = 'copied'
       group by c.series_no order by min(o.position)`,
    )
    .all({ studyId })
}

/** A file that is not in its series. */
export interface UnpackedFile {
  readonly path: string
  readonly result: "conflict" | "error"
  readonly verdict: "retry" | "give-up"
  readonly errorClass: string
  readonly errorMessage: string
}

/** Files of a study that its series did not take, in their order. */
export function unpackedFiles(ledger: Ledger, studyId: string): UnpackedFile[] {
  return ledger.db
    .query<UnpackedFile, { studyId: string }>(
      `select o.path, i.result, coalesce(i.verdict, 'give-up') as verdict, i.error_class as errorClass,
         i.error_message as errorMessage
       from objects o
       join cod_instances i on i.series_no = o.series_no and i.study_id = o.study_id and i.position = o.position
       where o.study_id = $studyId and o.state = 'copied' and i.result in ('conflict', 'error')
       order by o.position`,
    )
    .all({ studyId })
}
