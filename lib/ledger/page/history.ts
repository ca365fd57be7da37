import type { Ledger } from "../open.ts"

/** A study that copies held for long, all of them together. */
export interface SlowStudy {
  readonly studyId: string
  readonly organizationId: string
  readonly seconds: number
  readonly completedAt: string | null
  readonly objects: number
  /** At the destination. */
  readonly bytes: number
}

/** Studies that took ten seconds or more, the slowest first. By the index of slow ones, and the key of their objects. */
export function slowestStudies(ledger: Ledger, limit: number): SlowStudy[] {
  return ledger.db
    .query<SlowStudy, { limit: number }>(
      `select s.study_id as studyId, s.organization_id as organizationId, s.seconds, s.completed_at as completedAt,
         (select count(*) from objects o where o.study_id = s.study_id and o.state <> 'retired') as objects,
         (select coalesce(sum(o.size), 0) from objects o where o.study_id = s.study_id and o.state = 'copied') as bytes
       from studies s where s.seconds >= 10 order by s.seconds desc limit $limit`,
    )
    .all({ limit })
}

/** Tries that are not told one by one any more. */
export interface FoldedTries {
  readonly outcome: string
  readonly tries: number
  /** Sent to the destination. */
  readonly bytes: number
  /** The first and the last day on which they ended, in UTC. */
  readonly from: string
  readonly to: string
}

/** Folded tries by how they ended, most first. By a scan of their table, which has some rows a day. */
export function foldedTries(ledger: Ledger): FoldedTries[] {
  return ledger.db
    .query<FoldedTries, []>(
      `select outcome, sum(attempts) as tries, sum(bytes) as bytes, min(day) as "from", max(day) as "to"
       from daily_attempts group by outcome order by tries desc, outcome`,
    )
    .all()
}
