import { isDeepStrictEqual } from "node:util"
import { doctorAt, type MovedStudy, movedStudies, rankingOf } from "../ledger/cohort-history.ts"
import type { RankedDoctor } from "../ledger/cohorts.ts"
import type { Ledger } from "../ledger/open.ts"
import { type CohortLine, cohortLineOf } from "./cohorts.ts"

/** How two cohorts were decided. */
export interface DecisionDiff {
  readonly from: CohortLine
  readonly to: CohortLine
  readonly same_rules: boolean
  /** What the discoveries were given differently. */
  readonly parameters: readonly { readonly name: string; readonly from: unknown; readonly to: unknown }[]
  /** Every doctor that one of them chose, by rank in the second, then in the first. */
  readonly doctors: readonly DoctorMove[]
}

export interface CohortDiff extends DecisionDiff {
  readonly studies: { readonly came: readonly StudyMove[]; readonly went: readonly StudyMove[] }
}

export interface DoctorMove {
  readonly user_id: string
  readonly change: "came" | "went" | "stayed"
  /** Null where the doctor was not ranked at all. */
  readonly from_rank: number | null
  readonly to_rank: number | null
  /** Signed chest studies. */
  readonly from_studies: number
  readonly to_studies: number
}

export interface StudyMove {
  readonly study_id: string
  /** The rule that the study fails in the one cohort and not in the other; null where the ledger cannot tell. */
  readonly rule: string | null
  readonly why: string
}

/**
 * Doctors and studies that came and went between two cohorts, and by which rule. A study is of a cohort when it was
 * eligible once that discovery had ended.
 * @throws UsageError for a cohort that the ledger does not know
 */
export function diffCohorts(ledger: Ledger, fromId: number, toId: number): CohortDiff {
  return ledger.read(() => {
    const decisions = diffDecisions(ledger, fromId, toId)
    const { from, to } = decisions
    const came: StudyMove[] = []
    const went: StudyMove[] = []
    for (const study of movedStudies(ledger, fromId, toId)) {
      if (study.to === "eligible") came.push(moveOf(ledger, study, { absent: from, side: "from" }))
      else went.push(moveOf(ledger, study, { absent: to, side: "to" }))
    }
    return { ...decisions, studies: { came, went } }
  })
}

/**
 * The same without the studies, for which all moves of the ledger are gone through.
 * @throws UsageError for a cohort that the ledger does not know
 */
export function diffDecisions(ledger: Ledger, fromId: number, toId: number): DecisionDiff {
  return ledger.read(() => {
    const [from, to] = [cohortLineOf(ledger, fromId), cohortLineOf(ledger, toId)]
    return {
      from,
      to,
      same_rules: from.rules_hash === to.rules_hash,
      parameters: parameterChanges(from, to),
      doctors: doctorMoves(rankingOf(ledger, fromId), rankingOf(ledger, toId)),
    }
  })
}

function parameterChanges({ parameters: from }: CohortLine, { parameters: to }: CohortLine) {
  return [...new Set([...Object.keys(from), ...Object.keys(to)])]
    .map((name) => ({ name, from: from[name] ?? null, to: to[name] ?? null }))
    .filter((parameter) => !isDeepStrictEqual(parameter.from, parameter.to))
}

function doctorMoves(from: readonly RankedDoctor[], to: readonly RankedDoctor[]): DoctorMove[] {
  const [before, after] = [byUser(from), byUser(to)]
  const chosen = [...to, ...from].filter((doctor) => doctor.chosen).map(({ userId }) => userId)
  return [...new Set(chosen)].map((userId) => {
    const [was, is] = [before.get(userId), after.get(userId)]
    const change = was?.chosen !== true ? "came" : is?.chosen !== true ? "went" : "stayed"
    return {
      user_id: userId,
      change,
      from_rank: was?.rank ?? null,
      to_rank: is?.rank ?? null,
      from_studies: was?.studies ?? 0,
      to_studies: is?.studies ?? 0,
    }
  })
}

function byUser(ranking: readonly RankedDoctor[]) {
  return new Map(ranking.map((doctor) => [doctor.userId, doctor]))
}

/** Why a study is not of the cohort that lacks it. */
function moveOf(
  ledger: Ledger,
  study: MovedStudy,
  { absent, side }: { readonly absent: CohortLine; readonly side: "from" | "to" },
): StudyMove {
  const [standing, reason] = [study[side], study[`${side}Reason`]]
  if (standing === null) return { study_id: study.studyId, ...whyUnknown(ledger, study, absent) }
  const why = `${standing.replaceAll("_", " ")} at cohort ${absent.cohort}`
  return { study_id: study.studyId, rule: reason, why }
}

/** A study that no discovery had met yet: what the ledger knows of it says why, or nothing does. */
function whyUnknown(
  ledger: Ledger,
  { newestSignedAt, doctorRank, lastSeenAt }: MovedStudy,
  absent: CohortLine,
): Omit<StudyMove, "study_id"> {
  if (newestSignedAt !== null && newestSignedAt > absent.decided_at)
    return { rule: "signed_report", why: `signed after cohort ${absent.cohort} was decided` }
  const doctor = doctorRank === null ? undefined : doctorAt(ledger, doctorRank, lastSeenAt)
  if (doctor !== undefined && !absent.doctors.some(({ user_id }) => user_id === doctor))
    return { rule: "chosen_doctor", why: `cohort ${absent.cohort} had not chosen its doctor` }
  if (typeof absent.parameters.limit === "number" || Array.isArray(absent.parameters.study_ids))
    return { rule: null, why: `cohort ${absent.cohort} did not look at every study` }
  return { rule: null, why: `first seen after cohort ${absent.cohort}` }
}
