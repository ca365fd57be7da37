import type { Ledger } from "./open.ts"
import { type LedgerStudy, STUDY_COLUMNS } from "./studies.ts"

/** Every organization that has a study here, in order. */
export function organizations(ledger: Ledger): string[] {
  return ledger.db
    .query<{ id: string }, []>("select distinct organization_id as id from studies order by organization_id")
    .all()
    .map(({ id }) => id)
}

/**
 * The studies of an organization in the order of their ids. Read in pages: a statement left open over other writes
 * would hold its snapshot and be refused them.
 */
export function* studiesOf(ledger: Ledger, organizationId: string): Generator<LedgerStudy> {
  const page = ledger.db.query<LedgerStudy, { organizationId: string; after: string }>(
    `select ${STUDY_COLUMNS} from studies where organization_id = $organizationId and study_id > $after
     order by study_id limit 500`,
  )
  for (let after = ""; ; ) {
    const studies = page.all({ organizationId, after })
    yield* studies
    const last = studies.at(-1)
    if (last === undefined) return
    after = last.studyId
  }
}

/** Ids of what a copy would take, newest signed report first, then smallest id. */
export function dueStudies(ledger: Ledger, limit = Number.MAX_SAFE_INTEGER): string[] {
  return idsWhere(ledger, "due = 1", limit)
}

/** Ids of what is eligible, newest signed report first, then smallest id. */
export function eligibleStudies(ledger: Ledger, limit = Number.MAX_SAFE_INTEGER): string[] {
  return idsWhere(ledger, "standing = 'eligible'", limit)
}

function idsWhere(ledger: Ledger, condition: string, limit: number): string[] {
  return ledger.db
    .query<{ studyId: string }, { limit: number }>(
      `select study_id as studyId from studies where ${condition}
       order by newest_signed_at desc, study_id limit $limit`,
    )
    .all({ limit })
    .map(({ studyId }) => studyId)
}
