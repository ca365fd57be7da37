import type { Reading } from "./connection.ts"
import type { Criteria, SourceStudy } from "./rows.ts"
import { signedReports, studiesByRules } from "./rules.ts"
import { readStudies } from "./study-facts.ts"
import { uuidArray } from "./uuid.ts"

/** Studies whose facts are read at once: enough to make round trips cheap, few enough to keep memory flat. */
const BATCH = 500

/**
 * Every eligible study, those with the newest signed report first (undated last, then the smaller id), in
 * batches. What the rules decide is computed once; the facts are read as the batches are asked for, while the
 * last one is still being worked on.
 */
export async function* eligibleStudies(
  reading: Reading,
  criteria: Criteria,
  limit?: number,
): AsyncGenerator<SourceStudy[]> {
  const { sql, run } = reading
  const cursor = sql(`eligible ${crypto.randomUUID()}`)
  await run(sql`set local cursor_tuple_fraction = 1`)
  await run(sql`
    declare ${cursor} no scroll cursor for
    with ${studiesByRules(sql, criteria.toleratedModalities)},
    signed as (${signedReports(sql)})
    select study.id
    from study join signed on signed.study_id = study.id
    where study.failed is null
      and signed.user_id = any(${uuidArray(criteria.chosen.map(({ userId }) => userId))}::uuid[])
    group by study.id
    order by max(signed_at) desc nulls last, study.id
    ${limit === undefined ? sql`` : sql`limit ${limit}`}`)

  const fetch = async () => {
    const rows = await run(sql<{ id: string }[]>`fetch ${sql.unsafe(String(BATCH))} from ${cursor}`)
    return await readStudies(
      reading,
      rows.map(({ id }) => id),
      criteria.chosen,
    )
  }
  let next = fetch()
  // Whoever stops early leaves no statement behind that would run into the end of the transaction.
  let settled = Promise.allSettled([next])
  try {
    for (let batch = await next; batch.length > 0; batch = await next) {
      next = fetch()
      settled = Promise.allSettled([next])
      yield batch
    }
  } finally {
    await settled
  }
}
