import { isDead, type Owner } from "../support/owner.ts"
import { assertClaimed } from "./attempts.ts"
import { leaseEnd } from "./lease.ts"
import type { Ledger } from "./open.ts"
import { closeDeadRuns } from "./runs.ts"
import { refreshStudy } from "./studies.ts"
import type { Tally } from "./tally.ts"

/** The right to work on one study, until the lease ends or another token stands in its place. */
export interface Claim {
  readonly studyId: string
  readonly organizationId: string
  readonly token: string
  readonly runId: number
}

/**
 * Takes the next study that has something to do and that this run has not tried yet: never tried ones first, newest
 * signed report first. Claims of dead processes and ended leases are free, those of later runs too.
 * @returns undefined when there is none
 */
export function claimNext(ledger: Ledger, runId: number): Claim | undefined {
  return ledger.write((tally) => {
    const now = ledger.now()
    for (const tried of TRIED_BY) {
      const next = ledger.db
        .query<{ studyId: string }, { now: string; runId: number }>(
          `select study_id as studyId from studies s where due = 1 and ${tried}
             and not exists (select 1 from claims c where c.study_id = s.study_id and c.expires_at > $now)
           order by tried_run, newest_signed_at desc, study_id limit 1`,
        )
        .get({ now, runId })
      if (next !== null) return take(ledger, tally, runId, next.studyId)
    }
    return undefined
  })
}

/** Who tried a study last: nobody, an earlier run, a later one that was stopped, died with it or let its lease end. */
const TRIED_BY = [
  "tried_run is null",
  "tried_run < $runId",
  `tried_run > $runId and (exists (select 1 from claims c where c.study_id = s.study_id)
     or (select outcome from runs where run_id = s.tried_run) in ('crashed', 'stopped'))`,
]

/** Takes this very study, due or not. @returns undefined while somebody else holds it */
export function claimStudy(ledger: Ledger, runId: number, studyId: string): Claim | undefined {
  return ledger.write((tally) => {
    closeDeadRuns(ledger)
    const held = ledger.db
      .query("select 1 from claims where study_id = $studyId and expires_at > $now")
      .get({ studyId, now: ledger.now() })
    return held === null ? take(ledger, tally, runId, studyId) : undefined
  })
}

/** Renews every claim of this run, also those for series. */
export function renewClaims(ledger: Ledger, runId: number) {
  ledger.write(() => {
    const expiresAt = leaseEnd(ledger)
    ledger.db
      .query("update claims set expires_at = $expiresAt where run_id = $runId")
      .run({ runId, expiresAt })
    ledger.db
      .query("update cod_claims set expires_at = $expiresAt where run_id = $runId")
      .run({ runId, expiresAt })
  })
}

/** Gives a study back and says anew whether it is due. @throws ClaimLost */
export function releaseClaim(ledger: Ledger, claim: Claim, { seconds }: { readonly seconds: number }) {
  ledger.write((tally) => {
    assertClaimed(ledger, claim)
    ledger.db
      .query("update studies set seconds = seconds + $seconds where study_id = $studyId")
      .run({ studyId: claim.studyId, seconds })
    ledger.db.query("delete from claims where study_id = $studyId").run({ studyId: claim.studyId })
    refreshStudy(ledger, tally, claim.studyId)
  })
}

export interface HeldClaim {
  readonly studyId: string
  readonly runId: number
  readonly host: string
  readonly pid: number
  readonly acquiredAt: string
  readonly expiresAt: string
}

/** Every claim that still means something, with its holder: neither lapsed nor of a process that is gone. */
export function heldClaims(ledger: Ledger): HeldClaim[] {
  return ledger.db
    .query<HeldClaim & Owner, { now: string }>(
      `select c.study_id as studyId, c.run_id as runId, r.host, r.boot_id as bootId, r.pid,
         r.process_start as processStart, c.acquired_at as acquiredAt, c.expires_at as expiresAt
       from claims c join runs r using (run_id) where c.expires_at > $now order by c.acquired_at, c.study_id`,
    )
    .all({ now: ledger.now() })
    .filter((claim) => !isDead(claim))
    .map(({ studyId, runId, host, pid, acquiredAt, expiresAt }) => {
      return { studyId, runId, host, pid, acquiredAt, expiresAt }
    })
}

function take(ledger: Ledger, tally: Tally, runId: number, studyId: string): Claim {
  const token = crypto.randomUUID()
  const now = ledger.now()
  ledger.db
    .query(
      `insert into claims (study_id, token, run_id, acquired_at, expires_at)
       values ($studyId, $token, $runId, $now, $expiresAt)
       on conflict (study_id) do update set token = excluded.token, run_id = excluded.run_id,
         acquired_at = excluded.acquired_at, expires_at = excluded.expires_at`,
    )
    .run({ studyId, token, runId, now, expiresAt: leaseEnd(ledger) })
  const study = ledger.db
    .query<{ organizationId: string }, Record<string, string | number>>(
      `update studies set tried_run = $runId, begun_at = coalesce(begun_at, $now) where study_id = $studyId
       returning organization_id as organizationId`,
    )
    .get({ studyId, runId, now })
  // What has begun is due where it was not before.
  refreshStudy(ledger, tally, studyId)
  return { studyId, organizationId: study!.organizationId, token, runId }
}
