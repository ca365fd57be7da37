import type { Fragment, ISql } from "postgres"
import type { Reading } from "./connection.ts"
import {
  type EligibleOptions,
  type FunnelStep,
  type PinnedDoctors,
  type RankedDoctor,
  RULES,
  type Rule,
  type Rules,
  type Survey,
} from "./rows.ts"
import { chosenDoctors, signedReports, studiesByRules } from "./rules.ts"

/** Studies told at once: few rows to take apart, each of moderate size. */
const CHUNK = 1000

/**
 * Ranks the doctors, unless the ranking is pinned, counts the studies that each rule leaves, and tells those that it
 * leaves at last: all in one pass over the database. It gives no cursor, for which the server would use one process only.
 */
export async function takeSurvey(
  { sql, run }: Reading,
  rules: Rules,
  { limit, each }: EligibleOptions = {},
): Promise<Survey> {
  const { rankFrom, rankTo, toleratedModalities, pinned } = rules
  const chosenAmong = pinned === undefined ? rankedDoctors(sql, rules) : pinnedDoctors(sql, pinned)
  let found: SurveyRow = { ranking: null, outcomes: null }
  const take = (row: SurveyPart) => {
    if (row.part === "survey") found = row.content
    else each?.(row.content.map(([studyId, doctorRank]) => ({ studyId, doctorRank })))
  }
  await run(
    sql<SurveyPart[]>`
      with ${studiesByRules(sql, toleratedModalities)},
      signed as materialized (${signedReports(sql)}),
      ${chosenAmong},
      signers as (
        select study_id, min(chosen.rank) as rank, max(signed_at) filter (where chosen.rank is not null) as newest
        from signed left join chosen using (user_id)
        group by study_id
      ),
      judged_studies as materialized (
        select id, rank, newest, coalesce(failed,
          case
            when signers.study_id is null then 'signed_report'
            when rank is null then 'chosen_doctor'
          end) as failed
        from study left join signers on signers.study_id = study.id
      ),
      outcome as (select coalesce(failed, 'none') as failed, count(*) as studies from judged_studies group by 1)
      select 'survey' as part, json_build_object(
        'ranking', (
          select json_agg(json_build_object('rank', rank, 'userId', user_id, 'studies', studies) order by rank)
          from ranking),
        'outcomes', (select json_object_agg(failed, studies) from outcome)) as content
      ${each === undefined ? sql`` : sql`union all ${eligibleChunks(sql, limit)}`}`.forEach(take),
  )
  const { outcomes, ranking: ranked } = found
  const ranking = pinned?.ranking ?? ranked ?? []
  const chosen = pinned?.chosen ?? ranking.filter(({ rank }) => rank >= rankFrom && rank <= rankTo)
  return { toleratedModalities, ranking, chosen, funnel: funnelOf(outcomes ?? {}) }
}

/** Rows of `CHUNK` eligible studies each, in the order of their ids. */
function eligibleChunks(sql: ISql, limit: number | undefined): Fragment {
  const newest = limit === undefined ? sql`` : sql`order by newest desc nulls last, id limit ${limit}`
  return sql`
    select 'eligible', json_agg(json_build_array(id, rank) order by id)
    from (
      select id, rank, (row_number() over (order by id) - 1) / ${CHUNK} as chunk
      from (select id, rank from judged_studies where failed is null ${newest}) eligible
    ) numbered
    group by chunk`
}

/** CTEs that end in `ranking (rank, user_id, studies)` and `chosen (user_id, rank)`. */
function rankedDoctors(sql: ISql, { rankFrom, rankTo }: Rules): Fragment {
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
    chosen as (select user_id, rank from ranking where rank between ${rankFrom} and ${rankTo})`
}

/** The same, without a ranking, which is known. */
function pinnedDoctors(sql: ISql, { chosen }: PinnedDoctors): Fragment {
  return sql`
    ranking as (select null::uuid as user_id, 0 as studies, 0 as rank where false),
    chosen as (${chosenDoctors(sql, chosen)})`
}

type Outcome = Rule | "none"

/** One row of the answer: the survey itself, or some of the eligible studies. */
type SurveyPart =
  | { readonly part: "survey"; readonly content: SurveyRow }
  | { readonly part: "eligible"; readonly content: readonly (readonly [id: string, rank: number])[] }

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
