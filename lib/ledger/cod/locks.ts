import { isDead, type Owner } from "../../support/owner.ts"
import type { Ledger } from "../open.ts"
import { assertSeriesClaimed, type SeriesClaim } from "./claims.ts"

/** Generations of the objects of one lock, by name. */
export type LockGenerations = Readonly<Record<string, string>>

/** A lock that we wanted, and of which no end is recorded. */
export interface OpenLock {
  readonly token: string
  readonly seriesNo: number
  readonly seriesUri: string
  /** In the order of taking. */
  readonly names: readonly string[]
  readonly runId: number
  readonly intendedAt: string
  /** Undefined when nobody heard whether it was created. */
  readonly generations: LockGenerations | undefined
  readonly acquiredAt: string | null
  /** Since when it is left standing on purpose, and why. */
  readonly hangingSince: string | null
  readonly hangingWhy: string | null
  /** Whose run took it. */
  readonly host: string
  readonly pid: number
  /** Whether that run lives, as far as one can tell from here. */
  readonly isHeld: boolean
}

/** How a lock ended: `gone` when somebody else had removed it. */
export type LockEnd = "released" | "never created" | "gone" | "released by hand"

/** Records that a lock is about to be created. @throws ClaimLost */
export function recordLockIntent(
  ledger: Ledger,
  claim: SeriesClaim,
  lock: { readonly token: string; readonly seriesUri: string; readonly names: readonly string[] },
) {
  assertSeriesClaimed(ledger, claim)
  ledger.db
    .query(
      `insert into cod_locks (token, series_no, series_uri, names, run_id, intended_at)
       values ($token, $seriesNo, $seriesUri, $names, $runId, $now)`,
    )
    .run({
      token: lock.token,
      seriesNo: claim.seriesNo,
      seriesUri: lock.seriesUri,
      names: JSON.stringify(lock.names),
      runId: claim.runId,
      now: ledger.now(),
    })
}

/** Its objects stand, under these generations. */
export function recordLockTaken(ledger: Ledger, token: string, generations: LockGenerations) {
  ledger.db
    .query(
      "update cod_locks set generations = $generations, acquired_at = coalesce(acquired_at, $now) where token = $token",
    )
    .run({ token, generations: JSON.stringify(generations), now: ledger.now() })
}

/** It is left standing, so that nobody writes the series before a person has looked. */
export function recordLockHanging(ledger: Ledger, token: string, why: string) {
  ledger.db
    .query("update cod_locks set hanging_since = $now, hanging_why = $why where token = $token")
    .run({ token, why, now: ledger.now() })
}

/** None of its objects stands any more. @param why of the person who released it by hand */
export function recordLockEnd(ledger: Ledger, token: string, ended: LockEnd, why?: string) {
  ledger.db
    .query(
      `update cod_locks set ended_at = $now, ended = $ended, ended_why = $why
       where token = $token and ended_at is null`,
    )
    .run({ token, ended, why: why ?? null, now: ledger.now() })
}

/** It stands although it counted as never created: its creation reached the store after everybody had looked. */
export function reopenLock(ledger: Ledger, seriesNo: number, token: string) {
  ledger.db
    .query(
      `update cod_locks set ended_at = null, ended = null
       where token = $token and series_no = $seriesNo and ended = 'never created'`,
    )
    .run({ token, seriesNo })
}

/** Every lock without an end, the oldest first; of one series, or of all. */
export function openLocks(ledger: Ledger, seriesNo?: number): OpenLock[] {
  return ledger.db
    .query<OpenLockRow, { seriesNo: number | null; now: string }>(
      `select l.token, l.series_no as seriesNo, l.series_uri as seriesUri, l.names, l.run_id as runId,
         l.intended_at as intendedAt, l.generations, l.acquired_at as acquiredAt, l.hanging_since as hangingSince,
         l.hanging_why as hangingWhy, r.host, r.pid, r.boot_id as bootId, r.process_start as processStart,
         r.ended_at is null and coalesce(r.alive_until, '') > $now as isAlive
       from cod_locks l indexed by cod_locks_open join runs r using (run_id)
       where l.ended_at is null and ($seriesNo is null or l.series_no = $seriesNo)
       order by l.intended_at, l.token`,
    )
    .all({ seriesNo: seriesNo ?? null, now: ledger.now() })
    .map(({ isAlive, bootId, processStart, names, generations, ...lock }) => ({
      ...lock,
      names: JSON.parse(names) as string[],
      generations: generations === null ? undefined : (JSON.parse(generations) as LockGenerations),
      isHeld: isAlive === 1 && !isDead({ host: lock.host, pid: lock.pid, bootId, processStart }),
    }))
}

type OpenLockRow = Omit<OpenLock, "names" | "generations" | "isHeld"> &
  Owner & { readonly names: string; readonly generations: string | null; readonly isAlive: 0 | 1 }

const KEPT_MS = 7 * 86_400_000

/** Locks that ended more than a week ago have nothing to tell any more. Belongs into a transaction. */
export function forgetEndedLocks(ledger: Ledger) {
  const before = new Date(ledger.clock.now().getTime() - KEPT_MS).toISOString()
  ledger.db
    .query(
      "delete from cod_locks indexed by cod_locks_ended where ended_at is not null and ended_at < $before",
    )
    .run({ before })
}
