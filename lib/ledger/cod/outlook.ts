import type { Ledger } from "../open.ts"

/** What packing would find to do. */
export interface PackingWork {
  readonly studies: number
  /** Of files whose headers have been read. */
  readonly series: number
  readonly instances: number
  readonly bytes: number
  /** Files of which nobody knows yet to which series they belong: each costs a ranged read. */
  readonly headers_to_read: number
  /** Series that were given up; `--retry-failed` tries them again. */
  readonly given_up: number
}

/** What packing these studies would find to do now, or packing all. */
export function packingWork(ledger: Ledger, studyIds?: readonly string[]): PackingWork {
  const among = studyIds === undefined ? "" : "and o.study_id in (select value from json_each($ids))"
  return ledger.db
    .query<PackingWork, { ids: string }>(
      `with o as (
         select o.study_id, o.series_no, o.size from objects o indexed by objects_to_pack
         left join cod_series c on c.series_no = o.series_no
         where o.to_pack = 1 and c.verdict is not 'give-up' ${among})
       select count(distinct study_id) as studies, count(distinct series_no) as series, count(*) as instances,
         coalesce(sum(size), 0) as bytes, count(*) filter (where series_no is null) as headers_to_read,
         (select count(*) from cod_series where state = 'failed' and verdict = 'give-up') as given_up
       from o`,
    )
    .get({ ids: JSON.stringify(studyIds ?? []) })!
}
