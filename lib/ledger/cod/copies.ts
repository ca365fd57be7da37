import { objectAt, queueAgain, staleReceipt } from "../objects.ts"
import type { Ledger } from "../open.ts"
import { refreshStudy } from "../studies.ts"
import type { Tally } from "../tally.ts"
import { assertSeriesClaimed, type SeriesClaim } from "./claims.ts"
import { type FileOfSeries, type InstanceResult, packedFiles } from "./instances.ts"
import { type LedgerSeries, refreshSeries, seriesInPages } from "./series.ts"

/** The raw copies of packed files: they may be deleted on request, and then the tar alone has the bytes. */

/** A copy of these stands, as far as the ledger knows, and its bytes are in their series. */
const HAS_COPY = `o.state = 'copied' and o.to_pack = 0 and o.copy_deleted_at is null and i.result in ('new', 'same')
  and i.crc32c = o.crc32c and ($ids = '[]' or o.study_id in (select value from json_each($ids)))`

/** The series keeps other bytes than these, or has none of them: somebody has to look at that first. */
const IN_TROUBLE = "o.state = 'copied' and i.result in ('conflict', 'error')"

/** Series of which all files are packed, and copies stand; of these studies, or of all. */
export function seriesWithCopies(
  ledger: Ledger,
  studyIds: readonly string[] = [],
): Generator<LedgerSeries, void, void> {
  const files = "from cod_instances i join objects o using (study_id, position)"
  const own = "i.series_no = c.series_no and o.series_no = c.series_no"
  const condition = `c.state = 'packed' and exists (select 1 ${files} where ${own} and ${HAS_COPY})
    and not exists (select 1 ${files} where ${own} and ${IN_TROUBLE})`
  return seriesInPages(ledger, "cod_series c", condition, { ids: JSON.stringify(studyIds) })
}

/** Files of a packed series whose copies stand; of these studies, or of all. */
export function copiesOf(ledger: Ledger, seriesNo: number, studyIds: readonly string[] = []): FileOfSeries[] {
  return packedFiles(ledger, seriesNo).filter(
    ({ studyId, copyDeletedAt }) =>
      copyDeletedAt === null && (studyIds.length === 0 || studyIds.includes(studyId)),
  )
}

/** The intent: from now on these copies may be gone. @throws ClaimLost */
export function recordDeleting(ledger: Ledger, claim: SeriesClaim, files: readonly FileOfSeries[]) {
  assertSeriesClaimed(ledger, claim)
  const update = ledger.db.query(
    `update objects set copy_deleting_since = $now
     where study_id = $studyId and position = $position and crc32c = $crc32c and series_no = $seriesNo`,
  )
  for (const { studyId, position, crc32c } of files)
    update.run({ studyId, position, crc32c, seriesNo: claim.seriesNo, now: ledger.now() })
}

/**
 * The result: the copy is gone, or stands. A receipt that still says otherwise is stale. Nothing happens when other bytes
 * came meanwhile.
 */
export function settleDeleting(
  ledger: Ledger,
  tally: Tally,
  { studyId, position, crc32c }: Pick<FileOfSeries, "studyId" | "position" | "crc32c">,
  end: "gone" | "stands",
) {
  const changed = ledger.db
    .query(
      `update objects set copy_deleting_since = null, copy_deleted_at = case when $isGone then $now end
       where study_id = $studyId and position = $position and crc32c = $crc32c and copy_deleting_since is not null`,
    )
    .run({ studyId, position, crc32c, isGone: end === "gone", now: ledger.now() }).changes
  if (changed === 0 || end === "stands") return
  staleReceipt(ledger, studyId)
  refreshStudy(ledger, tally, studyId)
}

/** A copy of which somebody began to delete it, and died before it was heard. */
export interface CopyBeingDeleted
  extends Pick<FileOfSeries, "studyId" | "position" | "organizationId" | "path" | "crc32c"> {
  readonly seriesNo: number
}

/** All of them, by their series. */
export function copiesBeingDeleted(ledger: Ledger): CopyBeingDeleted[] {
  return ledger.db
    .query<CopyBeingDeleted, []>(
      `select o.series_no as seriesNo, o.study_id as studyId, o.position, s.organization_id as organizationId, o.path,
         o.crc32c
       from objects o indexed by objects_being_deleted join studies s using (study_id)
       where o.copy_deleting_since is not null and o.series_no is not null order by 1, 2, 3`,
    )
    .all()
}

/**
 * A file is not in its series any more, and its raw copy was deleted: the next copy brings it again, and it is packed anew.
 */
export function forgetLost(
  ledger: Ledger,
  tally: Tally,
  seriesNo: number,
  { studyId, position }: Pick<FileOfSeries, "studyId" | "position">,
) {
  const where = { seriesNo, studyId, position }
  const before = ledger.db
    .query<{ result: InstanceResult | null }, typeof where>(
      "select result from cod_instances where series_no = $seriesNo and study_id = $studyId and position = $position",
    )
    .get(where)
  if (before === null) return
  if (before.result !== null) tally.add(`instances.${before.result}`, -1)
  ledger.db
    .query(
      `update cod_instances set result = null, crc32c = null, start_byte = null, verdict = null, error_class = null,
         error_message = null
       where series_no = $seriesNo and study_id = $studyId and position = $position`,
    )
    .run(where)
  ledger.db
    .query(
      `update objects set copy_deleted_at = null, copy_deleting_since = null
       where study_id = $studyId and position = $position`,
    )
    .run({ studyId, position })
  queueAgain(ledger, tally, objectAt(ledger, studyId, position)!)
  refreshStudy(ledger, tally, studyId)
  refreshSeries(ledger, tally, seriesNo)
}
