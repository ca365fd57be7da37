import type { InstanceResult } from "./cod/instances.ts"
import type { ObjectKind } from "./objects.ts"
import type { Ledger } from "./open.ts"
import type { Standing } from "./states.ts"

/** A study of which everything stands at the destination, its receipt included. */
export interface CompleteStudy {
  readonly studyId: string
  readonly organizationId: string
  readonly standing: Standing
  /** That planned it, by the doctors it chose. */
  readonly cohortId: number
  /** The best rank that its doctors held when it was last seen. */
  readonly doctorRank: number | null
  /** In the order of their positions. */
  readonly objects: readonly StandingObject[]
}

/** An object as it stands at the destination. */
export interface StandingObject {
  readonly kind: ObjectKind
  /** Behind `{organization_id}/{study_id}/`. */
  readonly path: string
  readonly size: number
  readonly crc32c: string
  readonly sourceEtag: string | null
  readonly copiedAt: string
  /** The raw copy was deleted on request: its bytes are in its series. */
  readonly copyDeletedAt: string | null
  /** From here, as the header of a DICOM file says; null where it was not read. */
  readonly studyUid: string | null
  readonly seriesUid: string | null
  readonly instanceUid: string | null
  readonly transferSyntax: string | null
  readonly frames: number | null
  /** What became of these bytes in the series; null while nobody knows. */
  readonly packed: InstanceResult | null
  /** Of its bytes in the tar, where they are there. */
  readonly startByte: number | null
}

/**
 * Complete studies in the order of organization and id, all as of one moment, in memory one at a time. While it is
 * being read, other processes write on; their log cannot shrink until then.
 * @param cohortId only studies that were eligible when this cohort was decided
 */
export function* completeStudies(ledger: Ledger, cohortId?: number): Generator<CompleteStudy> {
  // One statement is one moment. A copy of the statement: another reader of the same one would begin it anew.
  using statement = ledger.db.prepare<Row, { cohortId: number | null }>(SELECT)
  let study: (CompleteStudy & { readonly objects: StandingObject[] }) | undefined
  for (const row of statement.iterate({ cohortId: cohortId ?? null })) {
    if (study?.studyId !== row.studyId) {
      if (study !== undefined) yield study
      study = studyOf(row)
    }
    study.objects.push(objectOf(row))
  }
  if (study !== undefined) yield study
}

/** The standing that a study had when a cohort was decided: what it was moved to by then, at the latest. */
const STANDING_THEN = `select standing from standings t
  where t.study_id = s.study_id and t.cohort_id <= $cohortId order by t.cohort_id desc limit 1`

// Cross join: by studies, however the planner weighs the tables.
const SELECT = `
  select s.study_id as studyId, s.organization_id as organizationId, s.standing, s.cohort_id as cohortId,
    s.doctor_rank as doctorRank, o.kind, o.path, o.size, o.crc32c, o.source_etag as sourceEtag,
    o.copied_at as copiedAt, o.copy_deleted_at as copyDeletedAt, c.study_uid as studyUid, c.series_uid as seriesUid,
    o.sop_instance_uid as instanceUid, o.transfer_syntax as transferSyntax, o.frames, i.result as packed,
    case when i.result in ('new', 'same') then i.start_byte end as startByte
  from studies s cross join objects o on o.study_id = s.study_id
    left join cod_series c on c.series_no = o.series_no
    left join cod_instances i on i.series_no = o.series_no and i.study_id = o.study_id and i.position = o.position
      and i.crc32c = o.crc32c and o.to_pack = 0
  where s.completed_at is not null and o.state = 'copied'
    and ($cohortId is null or (${STANDING_THEN}) = 'eligible')
  order by s.organization_id, s.study_id, o.position`

type Row = Omit<CompleteStudy, "objects"> & StandingObject

function studyOf({ studyId, organizationId, standing, cohortId, doctorRank }: Row) {
  return { studyId, organizationId, standing, cohortId, doctorRank, objects: [] as StandingObject[] }
}

function objectOf(row: Row): StandingObject {
  const { kind, path, size, crc32c, sourceEtag, copiedAt, copyDeletedAt } = row
  const { studyUid, seriesUid, instanceUid, transferSyntax, frames, packed, startByte } = row
  const header = { studyUid, seriesUid, instanceUid, transferSyntax, frames }
  return { kind, path, size, crc32c, sourceEtag, copiedAt, copyDeletedAt, ...header, packed, startByte }
}
