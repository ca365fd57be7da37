import type { Fragment, ISql } from "postgres"
import { containsAnyOf } from "./chest-pattern.ts"
import { type ChosenDoctor, RULES, type Rule } from "./rows.ts"
import { uuidArray } from "./uuid.ts"

/** The words and codes that the rules know, each in this one place. */
export const TERMS = {
  chest: ["chest", "torax", "thorax", "pecho", "peito"],
  signed: "SIGNED",
  /** A study has at least one of them, and nothing else but tolerated modalities. */
  eligible: ["CR", "DX"],
  /** A study with at least one of them counts for the ranking of doctors, whatever else it has. */
  ranked: ["CR", "DX", "PX"],
  /** The series whose images are copied; a series that names no modality is one of them. */
  copied: ["CR", "DX"],
} as const

/** What a study must be, rule by rule, as sentences about "it". */
export const RULE_TEXTS: Readonly<Record<Rule, string>> = {
  exists: "it is in the database",
  non_demo_organization: "it has an organization, which is no demo",
  not_migrated: "it is not migrated",
  chest: "it is a chest study",
  has_cr_or_dx: `its modalities have ${TERMS.eligible.join(" or ")}`,
  no_other_modality: "its modalities have nothing else but what tolerated_modalities names",
  signed_report: "it has a report that counts",
  chosen_doctor: "a chosen doctor signed one of them",
}

/** What decides about studies, in words; a cohort stores it beside the values of the parameters. */
export const RULES_TEXT = `\
A report counts when its status is ${TERMS.signed}, it is active, not deleted, and its signer is a practitioner of a user.

A chest study is one whose description, or the name or identifier of the body part of any of its series, contains
${TERMS.chest.join(", ")}, in any case, with or without accents.

Users are ranked by how many studies they have signed (reports that count), among chest studies with at least one of
the modalities ${TERMS.ranked.join(", ")} that are not migrated and of an organization that is no demo; ties go to the smaller user id.
Those ranked from rank_from to rank_to are chosen.

A study is eligible when it satisfies, in this order:
${RULES.map((rule) => `  ${rule.padEnd(22)} ${RULE_TEXTS[rule]}`).join("\n")}

Of it are copied: its metadata, the reports that count by chosen doctors, the images of its series with modality
${TERMS.copied.join(" or ")} or none.
`

const CHEST = containsAnyOf(TERMS.chest)

/** What lists of modalities may have between their members; a list is taken apart without any of it. */
const SPACES = " \t\n\v\f\r"

/** Restricts a statement to some studies: their ids as a `uuid[]` literal. Undefined for all. */
export type Only = string | undefined

/** The rules about a study itself; reports and doctors are looked at elsewhere. */
export type OwnRule = Exclude<Rule, "exists" | "signed_report" | "chosen_doctor">

/**
 * CTEs that end in `study (id, rankable, failed)`: every study, whether it counts for the ranking, and the
 * first rule about the study itself that it fails; null where it fails none. Reports and doctors are not
 * looked at here.
 */
export function studiesByRules(sql: ISql, toleratedModalities: readonly string[], only?: Only): Fragment {
  const holds = ownRules(sql, toleratedModalities)
  return sql`
    ${chestBySeries(sql, only)},
    judged as (
      select s.id, m.list && ${textArray(sql, TERMS.ranked)} as has_ranked_modality,
        case
          when not ${holds.non_demo_organization} then 'non_demo_organization'
          when not ${holds.not_migrated} then 'not_migrated'
          when not ${holds.chest} then 'chest'
          when not ${holds.has_cr_or_dx} then 'has_cr_or_dx'
          when not ${holds.no_other_modality} then 'no_other_modality'
        end as failed
      from ${studiesToJudge(sql)}
      where true ${among(sql, sql`s.id`, only)}
    ),
    study as (
      select id, failed,
        has_ranked_modality and (failed is null or failed in ('has_cr_or_dx', 'no_other_modality')) as rankable
      from judged
    )`
}

/** CTEs that end in `chest_by_series (study_id)`: studies with a series of a body part that says chest. */
export function chestBySeries(sql: ISql, only?: Only): Fragment {
  return sql`
    chest_body_part as materialized (select id from pacs_body_part b where ${saysChest(sql)}),
    chest_by_series as (
      select distinct study_id from pacs_series
      where body_part_id in (select id from chest_body_part) ${among(sql, sql`study_id`, only)}
    )`
}

/** Whether a body part `b` says chest. */
export function saysChest(sql: ISql): Fragment {
  return sql`(b.name ~ ${CHEST} or b.identifier ~ ${CHEST})`
}

/** What a description says of a chest, as it is written there; null where it says nothing. */
export function chestWordIn(sql: ISql, text: Fragment): Fragment {
  return sql`substring(${text} from ${CHEST})`
}

/**
 * What `ownRules` are conditions over: studies `s`, their organizations `o`, chest series `c`, modalities `m.list`. The
 * `offset 0` keeps the list from being taken apart anew by each condition.
 */
export function studiesToJudge(sql: ISql): Fragment {
  return sql`pacs_studies s
      left join pacs_organizations o on o.id = s.organization_id
      left join chest_by_series c on c.study_id = s.id
      cross join lateral (select ${modalityList(sql, sql`s.modalities`)} as list offset 0) m`
}

/** Whether a study satisfies each rule about itself; true or false, never null. */
export function ownRules(
  sql: ISql,
  toleratedModalities: readonly string[],
): Readonly<Record<OwnRule, Fragment>> {
  return {
    non_demo_organization: sql`(o.is_demo is not distinct from false)`,
    not_migrated: sql`(s.migrated is not distinct from false)`,
    chest: sql`(c.study_id is not null or (s.dicom_description ~ ${CHEST}) is true)`,
    has_cr_or_dx: sql`(m.list && ${textArray(sql, TERMS.eligible)})`,
    no_other_modality: sql`(m.list <@ ${allowedModalities(sql, toleratedModalities)})`,
  }
}

/** A `text[]` of what a study's list may have; an empty member is none. */
export function allowedModalities(sql: ISql, toleratedModalities: readonly string[]): Fragment {
  return textArray(sql, [...TERMS.eligible, ...toleratedModalities.map(normalized), ""])
}

/** Reports that count, with the user who signed: `(id, study_id, user_id, signed_at, updated_at)`. */
export function signedReports(sql: ISql, only?: Only): Fragment {
  return sql`
    select r.id, r.study_id, p.user_id, r.signed_at, r.updated_at
    from pacs_reports r
    join pacs_practitioners p on p.id = r.signed_by_id
    where r.status = ${TERMS.signed} and r.is_active and not r.deleted and p.user_id is not null
      ${among(sql, sql`r.study_id`, only)}`
}

/** Doctors as rows `(user_id, rank)`. */
export function chosenDoctors(sql: ISql, doctors: readonly ChosenDoctor[]): Fragment {
  const ranks = `{${doctors.map(({ rank }) => rank)}}`
  return sql`
    select user_id, rank
    from unnest(${uuidArray(doctors.map(({ userId }) => userId))}::uuid[], ${ranks}::integer[]) doctor (user_id, rank)`
}

/** Whether the images of a series with this modality are copied. */
export function isCopied(sql: ISql, modality: Fragment): Fragment {
  return sql`${withoutSpaces(sql, modality)} = any(${textArray(sql, [...TERMS.copied, ""])})`
}

function modalityList(sql: ISql, modalities: Fragment): Fragment {
  return sql`string_to_array(${withoutSpaces(sql, modalities)}, ',')`
}

function withoutSpaces(sql: ISql, text: Fragment): Fragment {
  // Under "C", upper() knows A-Z only, whatever the database's locale makes of an i.
  return sql`upper(translate(coalesce(${text}, ''), ${SPACES}, '') collate "C")`
}

function normalized(modality: string): string {
  return [...modality]
    .filter((character) => !SPACES.includes(character))
    .join("")
    .toUpperCase()
}

function textArray(sql: ISql, members: readonly string[]): Fragment {
  return sql`string_to_array(${members.join(",")}, ',')`
}

function among(sql: ISql, column: Fragment, only: Only): Fragment {
  return only === undefined ? sql`` : sql`and ${column} = any(${only}::uuid[])`
}
