import { isDead, type Owner } from "../../support/owner.ts"
import { heldClaims } from "../claims.ts"
import type { Ledger } from "../open.ts"

/** A study that somebody works on right now. */
export interface StudyInFlight {
  readonly studyId: string
  readonly organizationId: string
  readonly runId: number
  readonly since: string
  /** Objects at the destination. */
  readonly done: number
  readonly objects: number
  /** Of what is at the destination. */
  readonly bytes: number
}

/**
 * Studies that living processes hold, the longest first. There are as many as studies are copied at once; the objects of
 * each are counted by the key of their table.
 */
export function studiesInFlight(ledger: Ledger): StudyInFlight[] {
  const counted = ledger.db.query<
    Pick<StudyInFlight, "organizationId" | "done" | "objects" | "bytes">,
    { studyId: string }
  >(
    `select s.organization_id as organizationId, count(*) filter (where o.state = 'copied') as done,
       count(o.position) as objects, coalesce(sum(o.size) filter (where o.state = 'copied'), 0) as bytes
     from studies s left join objects o on o.study_id = s.study_id and o.state <> 'retired'
     where s.study_id = $studyId`,
  )
  return heldClaims(ledger).map(({ studyId, runId, acquiredAt }) => {
    return { studyId, runId, since: acquiredAt, ...counted.get({ studyId })! }
  })
}

/** A series that somebody packs right now. */
export interface SeriesInFlight {
  readonly seriesNo: number
  readonly runId: number
  readonly since: string
  /** Of which it has files, the first by id; null while none is known to be there. */
  readonly studyId: string | null
  readonly files: number
}

/** Series that living processes hold, the longest first. Their files are counted by the key of their table. */
export function seriesInFlight(ledger: Ledger): SeriesInFlight[] {
  return ledger.db
    .query<SeriesInFlight & Owner, { now: string }>(
      `select c.series_no as seriesNo, c.run_id as runId, c.acquired_at as since, min(i.study_id) as studyId,
         count(i.study_id) as files, r.host, r.boot_id as bootId, r.pid, r.process_start as processStart
       from cod_claims c join runs r using (run_id) left join cod_instances i on i.series_no = c.series_no
       where c.expires_at > $now group by c.series_no order by c.acquired_at, c.series_no`,
    )
    .all({ now: ledger.now() })
    .filter((claim) => !isDead(claim))
    .map(({ seriesNo, runId, since, studyId, files }) => ({ seriesNo, runId, since, studyId, files }))
}
