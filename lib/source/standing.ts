import type { Reading } from "./connection.ts"
import type { Criteria, KnownStudy, Rule, Standing } from "./rows.ts"
import { signedReports, studiesByRules } from "./rules.ts"
import { canonicalUuid, uuidArray } from "./uuid.ts"

/** The first rule that each of these studies fails, null for an eligible one, in the order of `ids`. */
export async function failedRules(
  { sql, run }: Reading,
  ids: readonly string[],
  criteria: Criteria,
): Promise<(Rule | null)[]> {
  const these = uuidArray(ids)
  const rows = await run(sql<{ id: string; failed: Rule | null }[]>`
    with ${studiesByRules(sql, criteria.toleratedModalities, these)},
    signed as materialized (${signedReports(sql, these)}),
    signers as (
      select study_id,
        bool_or(user_id = any(${uuidArray(criteria.chosen.map(({ userId }) => userId))}::uuid[])) as has_chosen
      from signed
      group by study_id
    )
    select id, coalesce(failed,
      case
        when signers.study_id is null then 'signed_report'
        when not has_chosen then 'chosen_doctor'
      end) as failed
    from study left join signers on signers.study_id = study.id`)
  const failed = new Map(rows.map((row) => [row.id, row.failed]))
  return ids.map((id) => {
    const known = failed.get(canonicalUuid(id) ?? id)
    return known === undefined ? "exists" : known
  })
}

/** Where studies stand that were eligible once, in the order in which they are given. */
export async function standings(
  reading: Reading,
  known: readonly KnownStudy[],
  criteria: Criteria,
): Promise<Standing[]> {
  const failed = await failedRules(
    reading,
    known.map(({ studyId }) => studyId),
    criteria,
  )
  const unchosen = known.filter((_, index) => failed[index] === "chosen_doctor")
  const standing = await standingReports(reading, unchosen)
  return known.map(({ studyId, reportIds }, index) => {
    const rule = failed[index] ?? null
    if (rule === null) return { studyId, standing: "eligible" }
    // A report of ours still counts, but its doctor is chosen no longer: the ranking moved, the study did not.
    const onlyRanking = rule === "chosen_doctor" && reportIds.some((id) => standing.has(id))
    return { studyId, standing: onlyRanking ? "out_of_cohort" : "withdrawn", failed: rule }
  })
}

/** Which of these studies' reports count. */
async function standingReports({ sql, run }: Reading, studies: readonly KnownStudy[]): Promise<Set<string>> {
  if (studies.length === 0) return new Set()
  const these = uuidArray(studies.map(({ studyId }) => studyId))
  const rows = await run(sql<{ id: string }[]>`select id from (${signedReports(sql, these)}) signed`)
  return new Set(rows.map(({ id }) => id))
}
