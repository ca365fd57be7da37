import { type HeldClaim, heldClaims } from "./claims.ts"
import { unpackableFiles, unreadHeaders } from "./cod/headers.ts"
import { type StudySeries, seriesOfStudy, type UnpackedFile, unpackedFiles } from "./cod/study-series.ts"
import type { ObjectKind } from "./objects.ts"
import type { Ledger } from "./open.ts"
import type { ObjectState } from "./states.ts"
import { type LedgerStudy, studyById } from "./studies.ts"

/** What decides about a study's future, as far as the ledger knows. */
export interface Outlook {
  readonly study: LedgerStudy
  readonly firstSeenAt: string
  readonly lastSeenAt: string
  /** Of a failure of the study as a whole that is tried again. */
  readonly nextTryAt: string | null
  readonly objects: readonly ObjectCount[]
  /** Failed and missing ones, in their order. */
  readonly troubled: readonly TroubledObject[]
  readonly packing: PackingOutlook
  /** Of a process that lives, as far as one can tell from here. */
  readonly claim: HeldClaim | undefined
}

/** What became of files that are at the destination. */
export interface PackingOutlook {
  readonly series: readonly StudySeries[]
  /** Files that their series did not take. */
  readonly unpacked: readonly UnpackedFile[]
  /** Files that no series can hold, and why. */
  readonly unpackable: readonly { readonly path: string; readonly error: string }[]
  /** Files of which nobody knows yet to which series they belong. */
  readonly unread: number
}

export interface ObjectCount {
  readonly kind: ObjectKind
  readonly state: ObjectState
  readonly count: number
  /** At the destination. */
  readonly bytes: number
}

export interface TroubledObject {
  readonly path: string
  readonly state: "failed" | "missing"
  readonly verdict: "retry" | "missing" | "give-up"
  readonly tries: number
  readonly errorClass: string
  readonly errorMessage: string
  readonly nextTryAt: string | null
  readonly missingSince: string | null
}

/** Undefined for a study that the ledger does not know. */
export function outlookOf(ledger: Ledger, studyId: string): Outlook | undefined {
  return ledger.read(() => {
    const study = studyById(ledger, studyId)
    if (study === undefined) return undefined
    return {
      study,
      ...times(ledger, studyId),
      objects: objectCounts(ledger, studyId),
      troubled: troubledObjects(ledger, studyId),
      packing: {
        series: seriesOfStudy(ledger, studyId),
        unpacked: unpackedFiles(ledger, studyId),
        unpackable: unpackableFiles(ledger, studyId),
        unread: unreadHeaders(ledger, studyId).length,
      },
      claim: heldClaims(ledger).find((claim) => claim.studyId === studyId),
    }
  })
}

function times(ledger: Ledger, studyId: string) {
  return ledger.db
    .query<Pick<Outlook, "firstSeenAt" | "lastSeenAt" | "nextTryAt">, { studyId: string }>(
      `select first_seen_at as firstSeenAt, last_seen_at as lastSeenAt, next_try_at as nextTryAt
       from studies where study_id = $studyId`,
    )
    .get({ studyId })!
}

function objectCounts(ledger: Ledger, studyId: string): ObjectCount[] {
  return ledger.db
    .query<ObjectCount, { studyId: string }>(
      `select kind, state, count(*) as count, coalesce(sum(size) filter (where state = 'copied'), 0) as bytes
       from objects where study_id = $studyId group by kind, state order by min(position), state`,
    )
    .all({ studyId })
}

function troubledObjects(ledger: Ledger, studyId: string): TroubledObject[] {
  return ledger.db
    .query<TroubledObject, { studyId: string }>(
      `select path, state, verdict, tries, error_class as errorClass, error_message as errorMessage,
         next_try_at as nextTryAt, missing_since as missingSince
       from objects where study_id = $studyId and state in ('failed', 'missing') order by position`,
    )
    .all({ studyId })
}
