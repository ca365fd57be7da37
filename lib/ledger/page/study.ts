import type { SeriesState } from "../cod/series.ts"
import type { ObjectKind } from "../objects.ts"
import type { Ledger } from "../open.ts"
import type { ObjectState } from "../states.ts"

// What the view of one study shows. All of it is looked up below the study's id, by primary keys.

/** What a study says of itself beside what decides about its future. */
export interface StudyNotes {
  readonly modalities: string | null
  /** Of its objects as they count: retired ones do not. */
  readonly objects: number
  readonly images: number
  readonly bytes: number
}

export function studyNotes(ledger: Ledger, studyId: string): StudyNotes {
  return ledger.db
    .query<StudyNotes, { studyId: string }>(
      `select s.modalities, count(o.position) as objects, count(*) filter (where o.kind = 'dicom') as images,
         coalesce(sum(o.size) filter (where o.state = 'copied'), 0) as bytes
       from studies s left join objects o on o.study_id = s.study_id and o.state <> 'retired'
       where s.study_id = $studyId`,
    )
    .get({ studyId })!
}

/** An object of a study. */
export interface ObjectLine {
  readonly position: number
  readonly kind: ObjectKind
  readonly path: string
  readonly state: ObjectState
  readonly tries: number
  readonly size: number | null
  readonly crc32c: string | null
  readonly copiedAt: string | null
  readonly copyDeletedAt: string | null
  /** What is wrong with it: of the copy, of its header, of its place in its series. */
  readonly errorClass: string | null
  readonly errorMessage: string | null
  readonly warning: string | null
  readonly seriesNo: number | null
  readonly result: InstanceResult | null
}

/** What became of a file in its series. */
export type InstanceResult = "new" | "same" | "conflict" | "error"

/** Objects of a study in their order. @param from the first position of them */
export function objectLines(
  ledger: Ledger,
  studyId: string,
  { from, limit }: { readonly from: number; readonly limit: number },
): ObjectLine[] {
  return ledger.db
    .query<ObjectLine, Record<string, string | number>>(
      `select o.position, o.kind, o.path, o.state, o.tries, o.size, o.crc32c, o.copied_at as copiedAt,
         o.copy_deleted_at as copyDeletedAt, o.warning, o.series_no as seriesNo, i.result,
         case when o.header_error is not null then 'InvalidDicom' else coalesce(o.error_class, i.error_class) end
           as errorClass,
         coalesce(o.header_error, o.error_message, i.error_message) as errorMessage
       from objects o
       left join cod_instances i on i.series_no = o.series_no and i.study_id = o.study_id and i.position = o.position
       where o.study_id = $studyId and o.position >= $from order by o.position limit $limit`,
    )
    .all({ studyId, from, limit })
}

/** A series that files of a study belong into, with what became of these. */
export interface SeriesLine {
  readonly seriesNo: number
  readonly studyUid: string
  readonly seriesUid: string
  readonly state: SeriesState
  readonly packedAt: string | null
  readonly thumbnail: "made" | "failed" | "nothing to show" | null
  readonly errorClass: string | null
  readonly errorMessage: string | null
  readonly hangingSince: string | null
  readonly added: number
  readonly same: number
  readonly conflict: number
  readonly error: number
  readonly waiting: number
  /** Of this study's files. */
  readonly bytes: number
}

/** Series of a study in the order of its files. */
export function seriesLines(
  ledger: Ledger,
  studyId: string,
  { skip, limit }: { readonly skip: number; readonly limit: number },
): SeriesLine[] {
  return ledger.db
    .query<SeriesLine, Record<string, string | number>>(
      `select c.series_no as seriesNo, c.study_uid as studyUid, c.series_uid as seriesUid, c.state,
         c.packed_at as packedAt, c.thumbnail,
         coalesce(c.error_class, c.thumbnail_error_class) as errorClass,
         coalesce(c.error_message, c.thumbnail_error_message) as errorMessage,
         (select min(hanging_since) from cod_locks l where l.series_no = c.series_no and l.ended_at is null)
           as hangingSince,
         count(*) filter (where i.result = 'new') as added,
         count(*) filter (where i.result = 'same') as same,
         count(*) filter (where i.result = 'conflict') as conflict,
         count(*) filter (where i.result = 'error') as error,
         count(*) filter (where i.result is null) as waiting,
         coalesce(sum(o.size), 0) as bytes
       from objects o join cod_series c on c.series_no = o.series_no
       left join cod_instances i on i.series_no = o.series_no and i.study_id = o.study_id and i.position = o.position
       where o.study_id = $studyId and o.state <> 'retired'
       group by c.series_no order by min(o.position) limit $limit offset $skip`,
    )
    .all({ studyId, skip, limit })
}

export function seriesCount(ledger: Ledger, studyId: string): number {
  return ledger.db
    .query<{ count: number }, { studyId: string }>(
      `select count(distinct series_no) as count from objects where study_id = $studyId and state <> 'retired'`,
    )
    .get({ studyId })!.count
}

/** Something that happened to a study. */
export interface TimelineEntry {
  readonly at: string
  readonly what: string
  readonly detail: string
}

/** What happened to a study, the latest first. */
export function timelineOf(ledger: Ledger, studyId: string, limit: number): TimelineEntry[] {
  return ledger.db
    .query<TimelineEntry, Record<string, string | number>>(
      "select at, what, detail from study_timeline where study_id = $studyId order by at desc limit $limit",
    )
    .all({ studyId, limit })
}
