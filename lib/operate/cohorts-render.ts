import { canonicalUuid } from "../source/uuid.ts"
import { count, plural, safe, table } from "../support/text.ts"
import type { CohortLine } from "./cohorts.ts"
import type { CohortDiff, DoctorMove, StudyMove } from "./cohorts-diff.ts"

export function renderCohorts(cohorts: readonly CohortLine[]): string {
  if (cohorts.length === 0) return "No discovery yet."
  return [
    table(
      [
        "cohort",
        "decided",
        "run",
        "rules",
        "parameters",
        "chosen doctors",
        "eligible",
        "changed in the ledger",
      ],
      cohorts.map(({ cohort, decided_at, run, rules_hash, parameters, doctors, eligible, changes }) => [
        String(cohort),
        decided_at,
        String(run),
        rules_hash.slice(0, SHORT),
        parametersIn(parameters),
        doctors.map(({ rank, user_id }) => `${rank}:${user_id.slice(0, SHORT)}`).join(" "),
        eligible,
        changes === null ? "did not end" : changesIn(changes),
      ]),
    ),
    "",
    "Doctors are rank:user id, shortened; --json has all of it.",
  ].join("\n")
}

/** Digits of ids and hashes that tell one from another at a glance. */
const SHORT = 8

/** Studies of each kind that a person reads; the document has all. */
const LISTED = 50

export function renderCohortDiff({ from, to, same_rules, parameters, doctors, studies }: CohortDiff): string {
  return [
    `Cohort ${from.cohort} (${from.decided_at}) and cohort ${to.cohort} (${to.decided_at})`,
    `rules: ${same_rules ? "the same" : `${from.rules_hash} became ${to.rules_hash}`}`,
    ...parameters.map(({ name, from: was, to: is }) => `${name}: ${told(was)} became ${told(is)}`),
    "",
    doctorsTable(doctors),
    "",
    ...studiesCame("came", studies.came),
    "",
    ...studiesCame("went", studies.went),
  ].join("\n")
}

function doctorsTable(doctors: readonly DoctorMove[]): string {
  if (doctors.length === 0) return "No doctor was chosen in either."
  const rank = (value: number | null) => (value === null ? "-" : String(value))
  return table(
    ["doctor", "", "rank then", "rank now", "studies then", "studies now"],
    doctors.map((doctor) => [
      doctor.user_id,
      doctor.change,
      rank(doctor.from_rank),
      rank(doctor.to_rank),
      doctor.from_studies,
      doctor.to_studies,
    ]),
  )
}

function studiesCame(what: string, moves: readonly StudyMove[]): string[] {
  const title = `${plural(moves.length, "study", "studies")} ${what}`
  if (moves.length === 0) return [title]
  const groups = Map.groupBy(moves, ({ rule, why }) => (rule === null ? why : `${rule}: ${why}`))
  return [
    title,
    ...[...groups].map(([group, { length }]) => `  ${count(length)}  ${safe(group)}`),
    ...moves.slice(0, LISTED).map(({ study_id, rule }) => `  ${safe(study_id)}  ${safe(rule ?? "-")}`),
    ...(moves.length > LISTED ? [`  and ${count(moves.length - LISTED)} more: --json lists them`] : []),
  ]
}

/** What a discovery was given, as far as it was given anything: `ranks 2-6, limit 100`. */
function parametersIn({ rank_from, rank_to, ...others }: CohortLine["parameters"]): string {
  const ranks = rank_from === undefined ? [] : [`ranks ${told(rank_from)}-${told(rank_to)}`]
  const rest = Object.entries(others)
    .filter(([, value]) => value !== null && !(Array.isArray(value) && value.length === 0))
    .map(([name, value]) => `${name.replaceAll("_", " ")} ${told(value)}`)
  return [...ranks, ...rest].join(", ")
}

/** Named studies are counted: a person looks for how many there were. */
function told(value: unknown): string {
  if (!Array.isArray(value)) return safe(String(value ?? "none"))
  if (value.some((member) => canonicalUuid(String(member)) !== undefined))
    return `${count(value.length)} named`
  return value.length === 0 ? "none" : safe(value.join(","))
}

function changesIn(changes: Readonly<Record<string, number>>): string {
  const { eligible: _, unchanged: __, ...moved } = changes
  const told = Object.entries(moved)
    .filter(([, studies]) => studies > 0)
    .map(([what, studies]) => `${count(studies)} ${what.replaceAll("_", " ")}`)
  return told.length === 0 ? "nothing" : told.join(", ")
}
