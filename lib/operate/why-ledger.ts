import { objectsOf } from "../ledger/objects.ts"
import type { Ledger } from "../ledger/open.ts"
import type { Outlook } from "../ledger/outlook.ts"
import type { KnownStudy } from "../source/rows.ts"

/** What the ledger holds of a study. */
export interface LedgerSide {
  readonly standing: string
  /** The first rule that failed when that was decided. */
  readonly standing_reason: string | null
  /** That planned it. */
  readonly cohort: number
  readonly doctor_rank: number | null
  readonly first_seen_at: string
  readonly last_seen_at: string
  readonly begun_at: string | null
  readonly completed_at: string | null
  readonly receipt: "written" | "being written" | "out of date" | "not written"
  readonly objects: Outlook["objects"]
  readonly troubled: readonly {
    readonly path: string
    readonly verdict: string
    readonly tries: number
    readonly error_class: string
    readonly error_message: string
    readonly next_try_at: string | null
  }[]
  /** Of the study as a whole. */
  readonly failure: {
    readonly verdict: string
    readonly error_class: string | null
    readonly error_message: string | null
  } | null
}

export function ledgerSide({ study, firstSeenAt, lastSeenAt, objects, troubled }: Outlook): LedgerSide {
  const { verdict, errorClass, errorMessage } = study
  return {
    standing: study.standing,
    standing_reason: study.standingReason,
    cohort: study.cohortId,
    doctor_rank: study.doctorRank,
    first_seen_at: firstSeenAt,
    last_seen_at: lastSeenAt,
    begun_at: study.begunAt,
    completed_at: study.completedAt,
    receipt: receiptOf(study),
    objects,
    troubled: troubled.map((object) => ({
      path: object.path,
      verdict: object.verdict,
      tries: object.tries,
      error_class: object.errorClass,
      error_message: object.errorMessage,
      next_try_at: object.nextTryAt,
    })),
    failure: verdict === null ? null : { verdict, error_class: errorClass, error_message: errorMessage },
  }
}

function receiptOf({ receiptIntent, receiptHash, receiptStale }: Outlook["study"]): LedgerSide["receipt"] {
  if (receiptIntent !== null) return "being written"
  if (receiptHash === null) return "not written"
  return receiptStale === 1 ? "out of date" : "written"
}

/** What a discovery would ask the database about a study of the ledger. */
export function knownStudy(ledger: Ledger, { study: { studyId } }: Outlook): KnownStudy {
  const reports = objectsOf(ledger, studyId).filter(
    ({ kind, state }) => kind === "report" && state !== "retired",
  )
  return { studyId, reportIds: reports.flatMap(({ sourceId }) => sourceId ?? []) }
}
