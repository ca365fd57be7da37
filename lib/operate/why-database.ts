import type { BodyPart, Explanation, ReportGroup, StudyFacts } from "../source/explain.ts"
import type { Pacs } from "../source/pacs.ts"
import {
  type KnownStudy,
  RULES,
  type Rule,
  type Rules,
  type SourceStudy,
  type Standing,
  type Survey,
} from "../source/rows.ts"
import { RULE_TEXTS } from "../source/rules.ts"

/** What the database says of a study now. */
export interface DatabaseSide {
  /** Every rule, also those behind the first that fails. */
  readonly rules: readonly RuleLine[]
  /** The first rule that fails; null for an eligible study. */
  readonly failed: Rule | null
  /** The row's mark, which no rule looks at; null when there is no row. */
  readonly deleted: boolean | null
  readonly organization_id: string | null
  /** Every doctor with a report that counts. */
  readonly doctors: readonly SigningDoctor[]
  /** As discovery would read it; undefined without a row or an organization. */
  readonly study: SourceStudy | undefined
  /** Where it would stand after a discovery; undefined for one that the ledger does not know. */
  readonly standing: Standing | undefined
}

export interface RuleLine {
  readonly rule: Rule
  readonly text: string
  /** `-`: there is nothing to hold it against. */
  readonly verdict: "holds" | "fails" | "-"
  /** What the rule looks at, as it is. */
  readonly value: string
}

export interface SigningDoctor {
  readonly user_id: string
  /** Null for one who is not ranked. */
  readonly rank: number | null
  readonly chosen: boolean
  /** Of this study, that count. */
  readonly reports: number
  readonly newest_signed_at: string | null
}

/** Holds every rule against a study. @param known what the ledger holds of it @throws DatabaseError */
export async function askDatabase(
  { pacs, rules }: { readonly pacs: Pacs; readonly rules: Rules },
  studyId: string,
  known: KnownStudy | undefined,
  signal: AbortSignal,
): Promise<DatabaseSide> {
  const { survey, explanation, standing } = await pacs.snapshot(async (snapshot) => {
    const survey = await snapshot.survey(rules)
    const [standing] = known === undefined ? [] : await snapshot.standings([known], survey)
    return { survey, standing, explanation: await snapshot.explain(studyId, survey) }
  }, signal)
  const { facts } = explanation
  const doctors = facts === undefined ? [] : signingDoctors(facts, survey)
  return {
    rules: RULES.map((rule) => ({
      rule,
      text: RULE_TEXTS[rule],
      verdict: verdictOf(explanation, rule),
      value: facts === undefined ? NO_ROW[rule] : valuesOf(facts, doctors, rules)[rule],
    })),
    failed: RULES.find((rule) => explanation.rules[rule] !== true) ?? null,
    deleted: facts?.deleted ?? null,
    organization_id: facts?.organizationId ?? null,
    doctors,
    study: await pacs.study(studyId, survey.chosen, signal),
    standing,
  }
}

function verdictOf({ rules }: Explanation, rule: Rule): RuleLine["verdict"] {
  if (rules[rule] === null) return "-"
  return rules[rule] ? "holds" : "fails"
}

function signingDoctors({ signers }: StudyFacts, { ranking, chosen }: Survey): SigningDoctor[] {
  return signers
    .map(({ userId, reports, newestSignedAt }) => ({
      user_id: userId,
      rank: ranking.find((doctor) => doctor.userId === userId)?.rank ?? null,
      chosen: chosen.some((doctor) => doctor.userId === userId),
      reports,
      newest_signed_at: newestSignedAt,
    }))
    .sort((a, b) => (a.rank ?? Number.MAX_SAFE_INTEGER) - (b.rank ?? Number.MAX_SAFE_INTEGER))
}

const NO_ROW: Readonly<Record<Rule, string>> = {
  ...(Object.fromEntries(RULES.map((rule) => [rule, ""])) as Record<Rule, string>),
  exists: "no row of pacs_studies has this id",
}

function valuesOf(facts: StudyFacts, doctors: readonly SigningDoctor[], rules: Rules): Record<Rule, string> {
  const { organizationId, isDemo, migrated, modalities, otherModalities } = facts
  const list = modalities === null ? "no list of modalities" : `modalities "${modalities}"`
  return {
    exists: "a row of pacs_studies",
    non_demo_organization:
      organizationId === null ? "no organization" : `organization ${organizationId}, is_demo ${isDemo}`,
    not_migrated: `migrated ${migrated}`,
    chest: `${description(facts)}; ${bodyParts(facts.bodyParts)}`,
    has_cr_or_dx: list,
    no_other_modality: `others: ${orNone(otherModalities)}; tolerated: ${orNone(rules.toleratedModalities)}`,
    signed_report: reports(facts.reports),
    chosen_doctor: `${signedBy(doctors)}; chosen: ${chosenIn(rules)}`,
  }
}

function description({ hasDescription, chestWord }: StudyFacts): string {
  if (!hasDescription) return "no description"
  return chestWord === null ? "the description does not say it" : `the description says "${chestWord}"`
}

function bodyParts(parts: readonly BodyPart[]): string {
  if (parts.length === 0) return "no body part"
  const told = parts.map(({ name, identifier, saysChest }) => {
    const text = [name, identifier].filter((word) => word !== null).join(" / ")
    return `"${text}" ${saysChest ? "says it" : "does not"}`
  })
  return `body part ${told.join(", ")}`
}

function reports(groups: readonly ReportGroup[]): string {
  if (groups.length === 0) return "no report"
  return groups
    .map(({ status, active, deleted, signer, reports }) => {
      const flaws = [
        ...(active ? [] : ["not active"]),
        ...(deleted ? ["deleted"] : []),
        ...(signer === "nobody" ? ["signed by nobody"] : []),
        ...(signer === "no user" ? ["signed by a practitioner without a user"] : []),
      ]
      return `${reports} ${[status, ...flaws].join(", ")}`
    })
    .join("; ")
}

function signedBy(doctors: readonly SigningDoctor[]): string {
  if (doctors.length === 0) return "no report that counts"
  return doctors
    .map(({ rank, user_id }) => `${rank === null ? "not ranked" : `rank ${rank}`} (${user_id})`)
    .join(", ")
}

function chosenIn({ rankFrom, rankTo, pinned }: Rules): string {
  return pinned === undefined ? `ranks ${rankFrom} to ${rankTo}` : "the doctors of the pinned cohort"
}

function orNone(members: readonly string[]): string {
  return members.length === 0 ? "none" : members.join(", ")
}
