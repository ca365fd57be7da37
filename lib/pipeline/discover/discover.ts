import { completeCohort } from "../../ledger/cohorts.ts"
import {
  allSeen,
  beginSeen,
  forgetUnrecorded,
  knownSeen,
  noteChanges,
  noteSeen,
  noteVersions,
  recordLastSeen,
  seenCounts,
  unreadSeen,
  unseenStudies,
} from "../../ledger/seen.ts"
import { compareStudy, type DiscoveredStudy, moveStanding, recordStudy } from "../../ledger/studies.ts"
import type { Pacs, Snapshot } from "../../source/pacs.ts"
import type { SourceStudy, Survey } from "../../source/rows.ts"
import type { Stop } from "../../support/stop.ts"
import { planStudy } from "../copy/plan.ts"
import { type DiscoverDeps, decide, recordInTurn, recording } from "./decision.ts"
import { discoveryTurn } from "./discovery-turn.ts"

export interface DiscoverOptions {
  /** At most so many, those with the newest signed report; what was not read keeps its standing. */
  readonly limit?: number | undefined
  /** Also tells every study that is eligible. */
  readonly list?: boolean
  /** Looks and tells, records nothing. */
  readonly dryRun?: boolean
}

export interface DiscoverReport {
  /** The cohort's id in the ledger; null for a dry run. */
  readonly cohort: number | null
  /** The cohort whose doctors these are, and the ranks of those that it chose; absent when they were ranked anew. */
  readonly pinned?: { readonly cohort: number; readonly from: number; readonly to: number }
  /** Every ranked doctor, best first. */
  readonly ranking: readonly { readonly rank: number; readonly user_id: string; readonly studies: number }[]
  readonly funnel: readonly { readonly rule: string; readonly studies: number }[]
  readonly studies: {
    readonly new: number
    readonly changed: number
    readonly unchanged: number
    /** Moved by this discovery. */
    readonly withdrawn: number
    readonly out_of_cohort: number
    /** All that are eligible now, also beyond a limit. */
    readonly eligible: number
  }
  readonly eligible?: readonly EligibleStudy[]
}

export interface EligibleStudy {
  readonly study_id: string
  readonly report_ids: readonly string[]
  /** Of the doctors that signed these reports, in their order. */
  readonly doctor_ranks: readonly number[]
}

/**
 * Ranks the doctors, applies the rules and records in the ledger what is eligible now, as of one snapshot of the
 * database. Unchanged studies cost nothing; what is eligible no longer becomes `withdrawn` or `out_of_cohort`. A second
 * discovery that records waits for the first: what it sees is newer.
 */
export async function discover(
  deps: DiscoverDeps,
  options: DiscoverOptions,
  stop: Stop,
): Promise<DiscoverReport> {
  const { ledger, pacs, rules, progress } = deps
  const isDry = options.dryRun === true
  using _ = isDry ? undefined : await discoveryTurn(recording(deps), stop.requested)
  beginSeen(ledger)
  try {
    return await pacs.snapshot(async (snapshot) => {
      forgetUnrecorded(ledger)
      const survey = await snapshot.survey(rules, {
        limit: options.limit,
        each: (studies) => noteSeen(ledger, studies),
      })
      const cohort = isDry ? null : decide(deps, survey, { limit: options.limit })
      const eligibleNow = survey.funnel.at(-1)?.studies ?? 0
      progress.start(Math.min(eligibleNow, options.limit ?? eligibleNow), "studies")
      await noteUnchanged(deps, snapshot, survey)
      const listed: EligibleStudy[] = []
      const pages = options.list === true ? allSeen(ledger, BATCH) : unreadSeen(ledger, BATCH)
      for await (const batch of snapshot.studies(pages, survey)) {
        recordBatch(deps, batch, cohort)
        if (options.list === true) listed.push(...batch.map(eligibleStudy))
        progress.tick(batch.length)
      }
      const moved =
        options.limit === undefined
          ? await moveStandings(deps, snapshot, survey, cohort)
          : { withdrawn: 0, out_of_cohort: 0 }
      const studies = { ...seenCounts(ledger), ...moved, eligible: eligibleNow }
      if (cohort !== null) {
        recordInTurn(deps, () => {
          recordLastSeen(ledger)
          completeCohort(ledger, cohort, studies)
        })
      }
      return {
        cohort,
        ...pinOf(deps),
        ranking: survey.ranking.map(({ rank, userId, studies }) => ({ rank, user_id: userId, studies })),
        funnel: survey.funnel,
        studies,
        ...(options.list === true && { eligible: listed }),
      }
    }, stop.requested)
  } finally {
    progress.stop()
  }
}

/**
 * Finds out, before anything is recorded, that the database would fail a discovery: asks all that one asks, of a
 * study that is not there.
 * @throws DatabaseError
 */
export async function probePacs(pacs: Pacs, { requested }: Stop): Promise<void> {
  const nothing = { chosen: [], toleratedModalities: [] }
  await pacs.snapshot((snapshot) => snapshot.study(NIL_UUID, nothing), requested)
  await pacs.study(NIL_UUID, [], requested)
}

/** RFC 9562, section 5.9: no row has it. */
const NIL_UUID = "00000000-0000-0000-0000-000000000000"

function pinOf({ pinnedCohort, rules }: DiscoverDeps): Pick<DiscoverReport, "pinned"> {
  if (pinnedCohort === undefined) return {}
  return { pinned: { cohort: pinnedCohort, from: rules.rankFrom, to: rules.rankTo } }
}

/** Studies that are read and recorded at once: enough to make both cheap, few enough for flat memory and short transactions. */
const BATCH = 1_000

/** Studies whose versions are asked for at once: the database looks at whole tables when that is cheaper. */
const VERSIONS = 100_000

/** Asks of the studies that the ledger knows no more than whether they changed. */
async function noteUnchanged(deps: DiscoverDeps, snapshot: Snapshot, survey: Survey) {
  const { ledger, progress } = deps
  for (const ids of knownSeen(ledger, VERSIONS)) {
    await snapshot.versions(ids, survey, (versions) => progress.tick(noteVersions(ledger, versions)))
  }
}

/** One transaction a batch: a thousand studies for one flush of the disk. */
function recordBatch(deps: DiscoverDeps, batch: readonly SourceStudy[], cohort: number | null) {
  const { ledger } = deps
  const change = (study: DiscoveredStudy) =>
    cohort === null ? compareStudy(ledger, study) : recordStudy(ledger, study, cohort)
  const note = () => {
    const studies = batch.map(planStudy)
    noteChanges(
      ledger,
      studies.map((study) => [study.studyId, change(study)]),
    )
  }
  if (cohort === null) note()
  else recordInTurn(deps, note)
}

/** What the ledger holds and the rules no longer give: did the study change, or only the ranking? */
async function moveStandings(deps: DiscoverDeps, snapshot: Snapshot, survey: Survey, cohort: number | null) {
  const { ledger } = deps
  const moved = { withdrawn: 0, out_of_cohort: 0 }
  for (const page of unseenStudies(ledger)) {
    const before = new Map(page.map((study) => [study.studyId, study.standing]))
    const now = (await snapshot.standings(page, survey)).filter((study) => study.standing !== "eligible")
    for (const { studyId, standing } of now) if (standing !== before.get(studyId)) moved[standing] += 1
    if (cohort === null) continue
    recordInTurn(deps, (tally) => {
      for (const { studyId, standing, failed } of now) {
        moveStanding(ledger, tally, studyId, { standing, reason: failed, cohortId: cohort })
      }
    })
  }
  return moved
}

function eligibleStudy({ studyId, reports }: SourceStudy): EligibleStudy {
  return {
    study_id: studyId,
    report_ids: reports.map(({ reportId }) => reportId),
    doctor_ranks: reports.map(({ rank }) => rank),
  }
}
