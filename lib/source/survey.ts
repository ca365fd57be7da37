import type { Fragment, ISql } from "postgres"
import type { Reading } from "./connection.ts"
import {
  type FunnelStep,
  type PinnedDoctors,
  type RankedDoctor,
  RULES,
  type Rule,
  type Rules,
  type Survey,
} from "./rows.ts"
import { signedReports, studiesByRules } from "./rules.ts"
import { uuidArray } from "./uuid.ts"

/**
 * Ranks the doctors, unless the ranking is pinned, and counts the studies that each rule leaves, in one pass over the
 * database.
 */
export async function takeSurvey({ sql, run }: Reading, rules: Rules): Promise<Survey> {
  const { rankFrom, rankTo, toleratedModalities, pinned } = rules
  const [row] = await run(sql<SurveyRow[]>`
    with ${studiesByRules(sql, toleratedModalities)},
    signed as materialized (${signedReports(sql)}),
    ${pinned === undefined ? rankedSigners(sql, rules) : pinnedSigners(sql, pinned)},
    outcome as (
      select count(*) as studies, coalesce(failed,
        case
          when signers.study_id is null then 'signed_report'
          when not has_chosen then 'chosen_doctor'
          else 'none'
        end) as failed
      from study left join signers on signers.study_id = study.id
      group by 2
    )
    select
      (select json_agg(json_build_object('rank', rank, 'userId', user_id, 'studies', studies) order by rank)
        from ranking) as ranking,
      (select json_object_agg(failed, studies) from outcome) as outcomes`)
  const ranking = pinned?.ranking ?? row?.ranking ?? []
  const chosen = pinned?.chosen ?? ranking.filter(({ rank }) => rank >= rankFrom && rank <= rankTo)
  return { toleratedModalities, ranking, chosen, funnel: funnelOf(row?.outcomes ?? {}) }
}

/** CTEs that end in `ranking (rank, user_id, studies)` and `signers (study_id, has_chosen)`. */
function rankedSigners(sql: ISql, { rankFrom, rankTo }: Rules): Fragment {
  return sql`
    counted as (
      select user_id, count(distinct study_id) as studies
      from signed join study on study.id = signed.study_id
      where study.rankable
      group by user_id
    ),
    ranking as materialized (
      select user_id, studies, row_number() over (order by studies desc, user_id) as rank from counted
    ),
    signers as (
      select study_id, bool_or(rank between ${rankFrom} and ${rankTo}) as has_chosen
      from signed join ranking using (user_id)
      group by study_id
    )`
}

/** The same, without a ranking, which is known. */
function pinnedSigners(sql: ISql, { chosen }: PinnedDoctors): Fragment {
  return sql`
    ranking as (select null::uuid as user_id, 0 as studies, 0 as rank where false),
    signers as (
      select study_id, bool_or(user_id = any(${uuidArray(chosen.map(({ userId }) => userId))}::uuid[])) as has_chosen
      from signed
      group by study_id
    )`
}

type Outcome = Rule | "none"

interface SurveyRow {
  readonly ranking: readonly RankedDoctor[] | null
  /** Studies by the first rule that they fail. */
  readonly outcomes: Partial<Record<Outcome, number>> | null
}

function funnelOf(outcomes: Partial<Record<Outcome, number>>): FunnelStep[] {
  let left = Object.values(outcomes).reduce((sum, studies) => sum + studies, 0)
  return RULES.map((rule) => {
    left -= outcomes[rule] ?? 0
    return { rule, studies: left }
  })
}
