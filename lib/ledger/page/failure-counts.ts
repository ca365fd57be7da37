import type { Ledger } from "../open.ts"

/** How many lines the view `failures` has, by what becomes of them. */
export interface FailureCounts {
  /** Tried again by the next run. */
  readonly retry: number
  /** Looked for again by every run, for 30 days. */
  readonly missing: number
  /** Left alone until somebody asks. */
  readonly givenUp: number
}

/**
 * Counts failures without looking at any of them: by the indexes of what is in trouble, which are as large as there is
 * trouble. That of objects has all that is asked for.
 */
export function failureCounts(ledger: Ledger): FailureCounts {
  const rows = ledger.db
    .query<{ verdict: string; count: number }, []>(
      `select verdict, sum(count) as count from (
         select verdict, count(*) as count from objects indexed by objects_in_trouble
         where state in ('failed', 'missing') group by verdict
         union all
         select verdict, count(*) from studies where verdict is not null group by verdict
         union all
         select 'give-up', count(*) from objects indexed by objects_without_series
         where header_error is not null and state = 'copied'
         union all
         select coalesce(i.verdict, 'give-up'), count(*)
         from cod_instances i indexed by cod_instances_in_trouble join objects o using (study_id, position)
         where i.result in ('conflict', 'error') and o.series_no = i.series_no and o.state = 'copied' group by 1
         union all
         select verdict, count(*) from cod_series indexed by cod_series_failed where state = 'failed' group by verdict
         union all
         select 'give-up', count(*) from cod_series indexed by cod_series_not_drawn where thumbnail = 'failed'
       ) group by verdict`,
    )
    .all()
  const of = (verdict: string) => rows.find((row) => row.verdict === verdict)?.count ?? 0
  return { retry: of("retry"), missing: of("missing"), givenUp: of("give-up") }
}
