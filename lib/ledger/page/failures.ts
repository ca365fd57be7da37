import { HEADER_ERROR_CLASS } from "../cod/retry.ts"
import type { Ledger } from "../open.ts"

// The rows of the view `failures`, class by class: each by an index that has the class, so that neither counting nor
// reading a page looks at any failure but those that it tells.

/** What becomes of a failure by itself: it is tried again, it is looked for again, nothing. */
export type FailureVerdict = "retry" | "missing" | "give-up"

export const FAILURE_VERDICTS: readonly FailureVerdict[] = ["give-up", "retry", "missing"]

/** Failures of one kind of cause. */
export interface FailureClass {
  readonly verdict: FailureVerdict
  /** The name of the error's class. */
  readonly errorClass: string
}

/**
 * What failed: the copy of an `object`; a `study` as a whole; reading the `header` of a file that was copied; an `image`
 * that its series did not take; a `series` as a whole; the `thumbnail` of one that is packed.
 */
export type FailureKind = "object" | "study" | "header" | "image" | "series" | "thumbnail"

/** How many failures there are of a class. */
export interface FailureCount extends FailureClass {
  readonly count: number
  /** Of which kinds, in the order in which they are listed. */
  readonly kinds: readonly { readonly kind: FailureKind; readonly count: number }[]
}

export interface FailureLine extends FailureClass {
  readonly kind: FailureKind
  /** Null where no study has a file in the series any more. */
  readonly studyId: string | null
  /** At the destination, or in the datastore. */
  readonly path: string
  readonly tries: number | null
  readonly errorMessage: string
  readonly missingSince: string | null
  /** Other bytes of the same UID are in the series, and stay. */
  readonly isConflict: boolean
  /** Of a series under a lock of ours: whether that hangs, or somebody works under it, or died while doing so. */
  readonly lock: "hangs" | "open" | null
  /** The next run packs it again. */
  readonly isQueued: boolean
}

/** Where a page of a class ends: behind the row that has this key in its table. */
export interface FailureKey {
  readonly kind: FailureKind
  readonly id: string
  readonly number: number
}

export interface FailurePage {
  readonly lines: readonly FailureLine[]
  /** Where the next page begins; undefined behind the last. */
  readonly next: FailureKey | undefined
}

/** Every class of failures that there is now, most first, by verdict in the order of `FAILURE_VERDICTS`. */
export function failureClasses(ledger: Ledger): FailureCount[] {
  return ledger.read(() => {
    const counts = KINDS.flatMap(({ kind, counts }) =>
      ledger.db
        .query<FailureClass & { count: number }, []>(counts)
        .all()
        .map((row) => ({ ...row, kind })),
    )
    const classes = Map.groupBy(counts, ({ verdict, errorClass }) => JSON.stringify([verdict, errorClass]))
    return [...classes.values()].map(summed).sort(byVerdict)
  })
}

/** A page of the failures of a class, kind by kind. */
export function failuresOfClass(
  ledger: Ledger,
  { verdict, errorClass }: FailureClass,
  { after, limit }: { readonly after?: FailureKey | undefined; readonly limit: number },
): FailurePage {
  return ledger.read(() => {
    const found: FailureRow[] = []
    const first = after === undefined ? 0 : KINDS.findIndex(({ kind }) => kind === after.kind)
    for (const { kind, rows } of KINDS.slice(first)) {
      const { id, number } = kind === after?.kind ? after : { id: "", number: -1 }
      const room = limit + 1 - found.length
      found.push(
        ...ledger.db
          .query<FailureRow, Record<string, string | number>>(rows)
          .all({ verdict, errorClass, id, number, limit: room }),
      )
      if (found.length > limit) break
    }
    const last = found[limit - 1]
    return {
      lines: found.slice(0, limit).map((row) => lineOf(row, { verdict, errorClass })),
      next: found.length > limit && last !== undefined ? keyOf(last) : undefined,
    }
  })
}

/** Whether anything failed by this class. */
export function hasFailures(ledger: Ledger, of: FailureClass): boolean {
  return failuresOfClass(ledger, of, { limit: 1 }).lines.length > 0
}

function summed(counts: readonly (FailureClass & { kind: FailureKind; count: number })[]): FailureCount {
  const { verdict, errorClass } = counts[0]!
  return {
    verdict,
    errorClass,
    count: counts.reduce((sum, { count }) => sum + count, 0),
    kinds: counts.map(({ kind, count }) => ({ kind, count })),
  }
}

function byVerdict(a: FailureCount, b: FailureCount): number {
  const order = FAILURE_VERDICTS.indexOf(a.verdict) - FAILURE_VERDICTS.indexOf(b.verdict)
  return order || b.count - a.count || (a.errorClass < b.errorClass ? -1 : 1)
}

interface FailureRow {
  readonly kind: FailureKind
  readonly id: string
  readonly number: number
  readonly studyId: string | null
  readonly path: string
  readonly tries: number | null
  readonly errorMessage: string
  readonly missingSince: string | null
  readonly isConflict: 0 | 1
  readonly hangs: 0 | 1 | null
  readonly isQueued: 0 | 1
}

function lineOf(
  { id: _, number: __, hangs, isConflict, isQueued, ...row }: FailureRow,
  of: FailureClass,
): FailureLine {
  return {
    ...of,
    ...row,
    isConflict: isConflict === 1,
    lock: hangs === null ? null : hangs === 1 ? "hangs" : "open",
    isQueued: isQueued === 1,
  }
}

function keyOf({ kind, id, number }: FailureRow): FailureKey {
  return { kind, id, number }
}

const OF_CLASS = (table: string) => `${table}.verdict = $verdict and ${table}.error_class = $errorClass`

/** Null where no lock of ours is open. */
const HANGS = (seriesNo: string) =>
  `(select max(l.hanging_since is not null) from cod_locks l where l.series_no = ${seriesNo} and l.ended_at is null)`

/** Of a series: the first study that has a file in it, and where it lies. */
const SERIES_COLUMNS = `'' as id, c.series_no as number,
  (select min(i.study_id) from cod_instances i where i.series_no = c.series_no) as studyId,
  'studies/' || c.study_uid || '/series/' || c.series_uid as path`

/** Of each kind: its classes with their counts, and the rows of a class behind a key. */
const KINDS: readonly { readonly kind: FailureKind; readonly counts: string; readonly rows: string }[] = [
  {
    kind: "object",
    counts: `select verdict, error_class as errorClass, count(*) as count from objects indexed by objects_failed
      where state in ('failed', 'missing') group by verdict, error_class`,
    rows: `select 'object' as kind, o.study_id as id, o.position as number, o.study_id as studyId,
        s.organization_id || '/' || o.study_id || '/' || o.path as path, o.tries,
        o.error_message as errorMessage, o.missing_since as missingSince, 0 as isConflict, null as hangs, 0 as isQueued
      from objects o indexed by objects_failed join studies s using (study_id)
      where o.state in ('failed', 'missing') and ${OF_CLASS("o")} and (o.study_id, o.position) > ($id, $number)
      order by o.study_id, o.position limit $limit`,
  },
  {
    kind: "study",
    counts: `select verdict, error_class as errorClass, count(*) as count from studies indexed by studies_failed
      where verdict is not null group by verdict, error_class`,
    rows: `select 'study' as kind, s.study_id as id, 0 as number, s.study_id as studyId,
        s.organization_id || '/' || s.study_id || '/' as path, null as tries,
        s.error_message as errorMessage, null as missingSince, 0 as isConflict, null as hangs, 0 as isQueued
      from studies s indexed by studies_failed
      where s.verdict is not null and ${OF_CLASS("s")} and s.study_id > $id and $number < 1
      order by s.study_id limit $limit`,
  },
  {
    kind: "header",
    counts: `select 'give-up' as verdict, '${HEADER_ERROR_CLASS}' as errorClass, count(*) as count
      from objects indexed by objects_without_series
      where header_error is not null and state = 'copied' having count(*) > 0`,
    rows: `select 'header' as kind, o.study_id as id, o.position as number, o.study_id as studyId,
        s.organization_id || '/' || o.study_id || '/' || o.path as path, null as tries, o.header_error as errorMessage, null as missingSince, 0 as isConflict, null as hangs, 0 as isQueued
      from objects o indexed by objects_without_series join studies s using (study_id)
      where o.header_error is not null and o.state = 'copied'
        and $verdict = 'give-up' and $errorClass = '${HEADER_ERROR_CLASS}'
        and (o.study_id, o.position) > ($id, $number)
      order by o.study_id, o.position limit $limit`,
  },
  {
    kind: "image",
    counts: `select coalesce(i.verdict, 'give-up') as verdict, i.error_class as errorClass, count(*) as count
      from cod_instances i indexed by cod_instances_in_trouble join objects o using (study_id, position)
      where i.result in ('conflict', 'error') and o.series_no = i.series_no and o.state = 'copied' group by 1, 2`,
    rows: `select 'image' as kind, i.study_id as id, i.position as number, i.study_id as studyId,
        s.organization_id || '/' || i.study_id || '/' || o.path as path, null as tries,
        i.error_message as errorMessage, null as missingSince, i.result = 'conflict' as isConflict,
        ${HANGS("i.series_no")} as hangs, o.to_pack as isQueued
      from cod_instances i indexed by cod_instances_in_trouble
      join objects o using (study_id, position) join studies s using (study_id)
      where i.result in ('conflict', 'error') and o.series_no = i.series_no and o.state = 'copied'
        and coalesce(i.verdict, 'give-up') = $verdict and i.error_class = $errorClass
        and (i.study_id, i.position) > ($id, $number)
      order by i.study_id, i.position limit $limit`,
  },
  {
    kind: "series",
    counts: `select verdict, error_class as errorClass, count(*) as count from cod_series indexed by cod_series_failed
      where state = 'failed' group by verdict, error_class`,
    rows: `select 'series' as kind, ${SERIES_COLUMNS}, c.tries,
        c.error_message as errorMessage, null as missingSince, 0 as isConflict,
        ${HANGS("c.series_no")} as hangs, 0 as isQueued
      from cod_series c indexed by cod_series_failed
      where c.state = 'failed' and ${OF_CLASS("c")} and c.series_no > $number and $id = ''
      order by c.series_no limit $limit`,
  },
  {
    kind: "thumbnail",
    counts: `select 'give-up' as verdict, thumbnail_error_class as errorClass, count(*) as count
      from cod_series indexed by cod_series_not_drawn where thumbnail = 'failed' group by 2`,
    rows: `select 'thumbnail' as kind, ${SERIES_COLUMNS}, null as tries,
        c.thumbnail_error_message as errorMessage, null as missingSince, 0 as isConflict,
        ${HANGS("c.series_no")} as hangs, 0 as isQueued
      from cod_series c indexed by cod_series_not_drawn
      where c.thumbnail = 'failed' and $verdict = 'give-up' and c.thumbnail_error_class = $errorClass
        and c.series_no > $number and $id = ''
      order by c.series_no limit $limit`,
  },
]
