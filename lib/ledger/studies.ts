import { assertClaimed } from "./attempts.ts"
import { insertObjects, type PlannedObject, planObjects } from "./objects.ts"
import type { Ledger } from "./open.ts"
import type { Standing } from "./states.ts"
import type { Tally } from "./tally.ts"

/** An eligible study as a discovery read it; where none has, its rank is null. */
export interface DiscoveredStudy<Rank extends number | null = number> {
  readonly studyId: string
  readonly organizationId: string
  readonly dicomStudyUid: string | null
  readonly modalities: string | null
  readonly doctorRank: Rank
  /** ISO time; null when no report says when it was signed. */
  readonly newestSignedAt: string | null
  /** No image rows in the database: the DICOM files come from a listing of the origin. */
  readonly listsOrigin: boolean
  /** Of everything that the plan and the metadata are made of. */
  readonly sourceHash: string
  readonly objects: readonly PlannedObject[]
}

export type StudyChange = "new" | "changed" | "unchanged"

/** A row of `studies`. */
export interface LedgerStudy {
  readonly studyId: string
  readonly organizationId: string
  readonly dicomStudyUid: string | null
  readonly doctorRank: number | null
  readonly newestSignedAt: string | null
  readonly sourceHash: string
  readonly listsOrigin: 0 | 1
  readonly standing: Standing
  readonly standingReason: string | null
  readonly cohortId: number
  readonly begunAt: string | null
  readonly due: 0 | 1
  readonly completedAt: string | null
  readonly receiptStale: 0 | 1
  readonly receiptIntent: string | null
  readonly receiptHash: string | null
  readonly receiptGeneration: string | null
  readonly seconds: number
  readonly verdict: "retry" | "give-up" | null
  readonly errorClass: string | null
  readonly errorMessage: string | null
}

/** Of `LedgerStudy`, for a select. */
export const STUDY_COLUMNS = `study_id as studyId, organization_id as organizationId, dicom_study_uid as dicomStudyUid,
  doctor_rank as doctorRank, newest_signed_at as newestSignedAt, source_hash as sourceHash,
  lists_origin as listsOrigin, standing, standing_reason as standingReason, cohort_id as cohortId,
  begun_at as begunAt, due, completed_at as completedAt, receipt_stale as receiptStale,
  receipt_intent as receiptIntent, receipt_hash as receiptHash, receipt_generation as receiptGeneration, seconds,
  verdict, error_class as errorClass, error_message as errorMessage`

export function studyById(ledger: Ledger, studyId: string): LedgerStudy | undefined {
  return (
    ledger.db
      .query<LedgerStudy, { studyId: string }>(
        `select ${STUDY_COLUMNS} from studies where study_id = $studyId`,
      )
      .get({ studyId }) ?? undefined
  )
}

/** What recording this study would change; reads only. */
export function compareStudy(ledger: Ledger, study: DiscoveredStudy<number | null>): StudyChange {
  const known = studyById(ledger, study.studyId)
  if (known === undefined) return "new"
  return known.sourceHash === study.sourceHash && known.standing === "eligible" ? "unchanged" : "changed"
}

/** Records an eligible study with its objects. An unchanged one costs one read. */
export function recordStudy(
  ledger: Ledger,
  study: DiscoveredStudy<number | null>,
  cohortId: number,
): StudyChange {
  return ledger.write((tally) => {
    const change = compareStudy(ledger, study)
    if (change === "new") {
      insertStudy(ledger, tally, study, cohortId)
      insertObjects(ledger, tally, study.studyId, study.objects)
    }
    if (change === "changed") {
      updateStudy(ledger, study, cohortId)
      planObjects(ledger, tally, study.studyId, study.objects, kindsListed(study))
      moveStanding(ledger, tally, study.studyId, { standing: "eligible", cohortId })
      refreshStudy(ledger, tally, study.studyId)
    }
    return change
  })
}

/** Makes the files of a claimed study what a listing of the origin found. @throws ClaimLost */
export function recordListing(
  ledger: Ledger,
  claim: { readonly studyId: string; readonly token: string },
  found: readonly PlannedObject[],
) {
  ledger.write((tally) => {
    assertClaimed(ledger, claim)
    planObjects(ledger, tally, claim.studyId, found, ["dicom"])
    refreshStudy(ledger, tally, claim.studyId)
  })
}

/**
 * Moves a study's standing; nothing happens when it stands there already, for the same reason. What was planned of it
 * still is of the cohort that planned it.
 */
export function moveStanding(
  ledger: Ledger,
  tally: Tally,
  studyId: string,
  to: { readonly standing: Standing; readonly reason?: string; readonly cohortId: number },
): boolean {
  const reason = to.reason ?? null
  const before = studyById(ledger, studyId)!
  if (before.standing === to.standing && before.standingReason === reason) return false
  ledger.db
    .query("update studies set standing = $standing, standing_reason = $reason where study_id = $studyId")
    .run({ studyId, standing: to.standing, reason })
  recordStanding(ledger, studyId, { ...to, reason })
  tally.add(`studies.${before.standing}`, -1)
  tally.add(`studies.${to.standing}`, 1)
  refreshStudy(ledger, tally, studyId)
  return true
}

/**
 * Says anew whether a copy would find something to do, and whether the study is complete. Called whenever something
 * that this depends on has changed.
 */
export function refreshStudy(ledger: Ledger, tally: Tally, studyId: string) {
  const before = studyById(ledger, studyId)!
  const open = openObjects(ledger, studyId)
  const { standing, begunAt, verdict } = before
  const wanted = standing === "eligible" || (standing === "out_of_cohort" && begunAt !== null)
  const receiptWritten = before.receiptStale === 0 && before.receiptIntent === null
  // Somebody else's receipt is no reason to leave out an object that came later.
  const receiptDue = open.unfinished === 0 && !receiptWritten && verdict !== "give-up"
  const due = wanted && (open.triable > 0 || receiptDue) ? 1 : 0
  const complete = open.unfinished === 0 && receiptWritten
  const completedAt = complete ? (before.completedAt ?? ledger.now()) : null
  if (due === before.due && completedAt === before.completedAt) return
  ledger.db
    .query("update studies set due = $due, completed_at = $completedAt where study_id = $studyId")
    .run({ studyId, due, completedAt })
  tally.add("due", due - before.due)
  tally.add("complete", (complete ? 1 : 0) - (before.completedAt !== null ? 1 : 0))
  if (completedAt !== null && before.completedAt === null) tally.moved(completedAt, { completed: 1 })
}

function kindsListed(study: DiscoveredStudy<number | null>) {
  return study.listsOrigin ? (["metadata", "report"] as const) : (["metadata", "report", "dicom"] as const)
}

/** A new study is due: at least its receipt is to be written. */
function insertStudy(ledger: Ledger, tally: Tally, study: DiscoveredStudy<number | null>, cohortId: number) {
  ledger.db
    .query(
      `insert into studies (study_id, organization_id, dicom_study_uid, modalities, doctor_rank, newest_signed_at,
         source_hash, lists_origin, standing, cohort_id, first_seen_at, last_seen_at, due)
       values ($studyId, $organizationId, $dicomStudyUid, $modalities, $doctorRank, $newestSignedAt,
         $sourceHash, $listsOrigin, 'eligible', $cohortId, $now, $now, 1)`,
    )
    .run({ ...studyColumns(study), cohortId, now: ledger.now() })
  recordStanding(ledger, study.studyId, { standing: "eligible", reason: null, cohortId })
  tally.add("studies.eligible", 1)
  tally.add("due", 1)
}

function updateStudy(ledger: Ledger, study: DiscoveredStudy<number | null>, cohortId: number) {
  ledger.db
    .query(
      `update studies set organization_id = $organizationId, dicom_study_uid = $dicomStudyUid,
         modalities = $modalities, doctor_rank = $doctorRank, newest_signed_at = $newestSignedAt,
         source_hash = $sourceHash, lists_origin = $listsOrigin, cohort_id = $cohortId, last_seen_at = $now
       where study_id = $studyId`,
    )
    .run({ ...studyColumns(study), cohortId, now: ledger.now() })
}

function studyColumns(study: DiscoveredStudy<number | null>) {
  const { studyId, organizationId, dicomStudyUid, modalities, doctorRank, newestSignedAt, sourceHash } = study
  const listsOrigin = study.listsOrigin ? 1 : 0
  return {
    studyId,
    organizationId,
    dicomStudyUid,
    modalities,
    doctorRank,
    newestSignedAt,
    sourceHash,
    listsOrigin,
  }
}

function recordStanding(
  ledger: Ledger,
  studyId: string,
  { standing, reason, cohortId }: { standing: Standing; reason: string | null; cohortId: number },
) {
  ledger.db
    .query(
      `insert into standings (study_id, cohort_id, at, standing, reason)
       values ($studyId, $cohortId, $now, $standing, $reason)
       on conflict (study_id, cohort_id) do update set at = $now, standing = $standing, reason = $reason`,
    )
    .run({ studyId, cohortId, standing, reason, now: ledger.now() })
}

function openObjects(ledger: Ledger, studyId: string): { unfinished: number; triable: number } {
  return ledger.db
    .query<{ unfinished: number; triable: number }, { studyId: string }>(
      `select count(*) as unfinished,
         coalesce(sum(state = 'pending' or verdict in ('retry', 'missing')), 0) as triable
       from objects where study_id = $studyId and state in ('pending', 'failed', 'missing')`,
    )
    .get({ studyId })!
}
