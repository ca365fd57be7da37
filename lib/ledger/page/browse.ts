import type { Ledger } from "../open.ts"

/** Which studies are looked for. */
export interface BrowseFilter {
  /** Signed from here on, and before; ISO times in UTC without a zone, `2026-03-01T00:00:00`. */
  readonly from?: string | undefined
  readonly before?: string | undefined
  readonly doctorRank?: number | undefined
  /** One of those that the PACS names, in capitals. */
  readonly modality?: string | undefined
}

/** Where a page ends: the next one begins behind it. `signedAt` is empty for studies without a signed report. */
export interface BrowseKey {
  readonly signedAt: string
  readonly studyId: string
}

/** A study as a list shows it. */
export interface BrowsedStudy {
  readonly studyId: string
  readonly newestSignedAt: string | null
  readonly doctorRank: number | null
  readonly modalities: string | null
  readonly standing: "eligible" | "out_of_cohort" | "withdrawn"
  readonly completedAt: string | null
  readonly verdict: "retry" | "give-up" | null
  readonly images: number
  readonly waiting: number
  /** Failed or missing objects. */
  readonly troubled: number
  readonly isClaimed: 0 | 1
  /** The first of its series that has a thumbnail. */
  readonly seriesNo: number | null
}

export interface BrowsePage {
  readonly studies: readonly BrowsedStudy[]
  /** Where to go on; undefined where there is no more. */
  readonly next: BrowseKey | undefined
  /** How many were looked at in vain, so that looking ended before the page was full; else undefined. */
  readonly gaveUpAfter: number | undefined
}

/** Studies that one page looks through for those of a filter: a few tens of milliseconds. */
const MOST_LOOKED_AT = 200_000

/**
 * Studies by the day of their newest signed report, the latest first, those without any last. Goes through a part of the
 * index studies_by_day, which has all that is filtered by; only what is found is looked up, by primary keys.
 */
export function browseStudies(
  ledger: Ledger,
  filter: BrowseFilter,
  { after, limit, lookAt = MOST_LOOKED_AT }: { after: BrowseKey | undefined; limit: number; lookAt?: number },
): BrowsePage {
  return ledger.read(() => {
    const found = matching(ledger, filter, { after, limit: limit + 1, lookAt })
    const last = found[limit - 1]
    if (found.length > limit) return page(ledger, found.slice(0, limit), last, undefined)
    const end = keyAt(ledger, filter, after, lookAt)
    return page(ledger, found, end, end && lookAt)
  })
}

function page(
  ledger: Ledger,
  found: readonly BrowseKey[],
  next: BrowseKey | undefined,
  gaveUpAfter: number | undefined,
): BrowsePage {
  return {
    studies: looked(
      ledger,
      found.map(({ studyId }) => studyId),
    ),
    next,
    gaveUpAfter,
  }
}

/** Only what stands in the index studies_by_day, in its order, from `$signedAt` and `$studyId` on. */
const CANDIDATES = `select coalesce(newest_signed_at, '') as signedAt, study_id as studyId, doctor_rank, modalities
  from studies indexed by studies_by_day
  where coalesce(newest_signed_at, '') <= $signedAt and coalesce(newest_signed_at, '') >= $from
    and (coalesce(newest_signed_at, '') < $signedAt or study_id > $studyId)
  order by coalesce(newest_signed_at, '') desc, study_id`

function matching(
  ledger: Ledger,
  filter: BrowseFilter,
  { after, limit, lookAt }: { after: BrowseKey | undefined; limit: number; lookAt: number },
): BrowseKey[] {
  return ledger.db
    .query<BrowseKey, Record<string, string | number | null>>(
      `select signedAt, studyId from (${CANDIDATES} limit $lookAt)
       where ($doctorRank is null or doctor_rank = $doctorRank)
         and ($modality is null
           or ',' || replace(upper(modalities), ' ', '') || ',' like '%,' || $modality || ',%' escape '\\')
       limit $limit`,
    )
    .all({
      ...bounds(filter, after),
      lookAt,
      limit,
      doctorRank: filter.doctorRank ?? null,
      modality: filter.modality?.replace(/[\\%_]/g, "\\$&") ?? null,
    })
}

/** The last one that was looked at; undefined when there is none behind it. */
function keyAt(
  ledger: Ledger,
  filter: BrowseFilter,
  after: BrowseKey | undefined,
  lookAt: number,
): BrowseKey | undefined {
  const [last, more] = ledger.db
    .query<BrowseKey, Record<string, string | number>>(
      `select signedAt, studyId from (${CANDIDATES} limit 2 offset $offset)`,
    )
    .all({ ...bounds(filter, after), offset: lookAt - 1 })
  return more && last
}

/** Every key is before the last character that there is. */
const NEWEST = "\u{10ffff}"

function bounds({ from = "", before }: BrowseFilter, after: BrowseKey | undefined) {
  // What is signed before a moment comes behind every study of that very moment.
  const start = after ?? { signedAt: before ?? NEWEST, studyId: before === undefined ? "" : NEWEST }
  return { from, signedAt: start.signedAt, studyId: start.studyId }
}

function looked(ledger: Ledger, studyIds: readonly string[]): BrowsedStudy[] {
  return ledger.db
    .query<BrowsedStudy, { ids: string }>(
      `select s.study_id as studyId, s.newest_signed_at as newestSignedAt, s.doctor_rank as doctorRank, s.modalities,
         s.standing, s.completed_at as completedAt, s.verdict,
         count(o.position) filter (where o.kind = 'dicom' and o.state <> 'retired') as images,
         count(o.position) filter (where o.state = 'pending') as waiting,
         count(o.position) filter (where o.state in ('failed', 'missing')) as troubled,
         exists (select 1 from claims c where c.study_id = s.study_id) as isClaimed,
         (select f.series_no from objects f join cod_series c on c.series_no = f.series_no
          where f.study_id = s.study_id and c.thumbnail = 'made' order by f.position limit 1) as seriesNo
       from json_each($ids) j join studies s on s.study_id = j.value
       left join objects o on o.study_id = s.study_id
       group by j.key order by j.key`,
    )
    .all({ ids: JSON.stringify(studyIds) })
}

/** Modalities that a filter offers: those of the latest studies. By studies_by_day. */
export function recentModalities(ledger: Ledger): string[] {
  const rows = ledger.db
    .query<{ modalities: string | null }, []>(
      `select distinct modalities from (select modalities from studies indexed by studies_by_day
       order by coalesce(newest_signed_at, '') desc, study_id limit 2000)`,
    )
    .all()
  const all = rows.flatMap(({ modalities }) =>
    (modalities ?? "").split(",").map((one) => one.trim().toUpperCase()),
  )
  return [...new Set(all.filter((one) => one !== ""))].toSorted()
}
