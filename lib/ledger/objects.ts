import { refreshSeries } from "./cod/series.ts"
import type { Ledger } from "./open.ts"
import { assertMove, type ObjectState } from "./states.ts"
import type { Tally } from "./tally.ts"

export type ObjectKind = "metadata" | "report" | "dicom"

/** What the source says there is to copy. */
export interface PlannedObject {
  readonly kind: ObjectKind
  /** Behind `{organization_id}/{study_id}/`, at the destination. */
  readonly path: string
  /** As the PACS names it; undefined when the origin's key equals the destination's. */
  readonly source?: string | undefined
  readonly sourceId?: string | undefined
  readonly seriesId?: string | undefined
  /** Bytes, a hint only. */
  readonly expectedSize?: number | undefined
  /** Of the source row; another one queues the object again. */
  readonly sourceHash: string
}

/** A row of `objects`. From `size` on: what stands at the destination as far as we put it there. */
export interface LedgerObject {
  readonly studyId: string
  readonly position: number
  readonly kind: ObjectKind
  readonly path: string
  readonly source: string | null
  readonly sourceId: string | null
  readonly seriesId: string | null
  readonly expectedSize: number | null
  readonly sourceHash: string
  readonly state: ObjectState
  readonly verdict: "retry" | "missing" | "give-up" | null
  readonly tries: number
  readonly forced: 0 | 1
  readonly size: number | null
  readonly crc32c: string | null
  readonly generation: string | null
  readonly sourceEtag: string | null
  readonly copiedAt: string | null
  readonly wrongGeneration: string | null
  readonly missingSince: string | null
  readonly errorClass: string | null
  readonly errorMessage: string | null
  readonly warning: string | null
  /** From here: as its header says, of DICOM files whose header has been read. */
  readonly sopInstanceUid: string | null
  readonly transferSyntax: string | null
  readonly frames: number | null
  readonly seriesNo: number | null
  /** Its bytes are in the tar of its series; the raw copy was deleted on request. */
  readonly copyDeletedAt: string | null
  /** It is about to be, and nobody heard yet whether it is gone. */
  readonly copyDeletingSince: string | null
}

const COLUMNS = `study_id as studyId, position, kind, path, source, source_id as sourceId, series_id as seriesId,
  expected_size as expectedSize, source_hash as sourceHash, state, verdict, tries, forced, size, crc32c, generation,
  source_etag as sourceEtag, copied_at as copiedAt, wrong_generation as wrongGeneration,
  missing_since as missingSince, error_class as errorClass, error_message as errorMessage, warning,
  sop_instance_uid as sopInstanceUid, transfer_syntax as transferSyntax, frames, series_no as seriesNo,
  copy_deleted_at as copyDeletedAt, copy_deleting_since as copyDeletingSince`

/** Every object of a study, in its order. */
export function objectsOf(ledger: Ledger, studyId: string): LedgerObject[] {
  return ledger.db
    .query<LedgerObject, { studyId: string }>(
      `select ${COLUMNS} from objects where study_id = $studyId order by position`,
    )
    .all({ studyId })
}

/** What a receipt tells of an object. */
export type Receipted = Pick<
  LedgerObject,
  | "kind"
  | "path"
  | "state"
  | "size"
  | "crc32c"
  | "generation"
  | "sourceEtag"
  | "sopInstanceUid"
  | "transferSyntax"
  | "frames"
  | "copyDeletedAt"
> & {
  /** Of the series that the file belongs to, null where nobody knows it. */
  readonly studyUid: string | null
  readonly seriesUid: string | null
}

/** Every object that belongs to a study now, in its order; a study may have many thousands. */
export function receiptedObjects(ledger: Ledger, studyId: string): Receipted[] {
  return ledger.db
    .query<Receipted, { studyId: string }>(
      `select o.kind, o.path, o.state, o.size, o.crc32c, o.generation, o.source_etag as sourceEtag,
         o.sop_instance_uid as sopInstanceUid, o.transfer_syntax as transferSyntax, o.frames,
         o.copy_deleted_at as copyDeletedAt, c.study_uid as studyUid, c.series_uid as seriesUid
       from objects o left join cod_series c using (series_no)
       where o.study_id = $studyId and o.state <> 'retired' order by o.position`,
    )
    .all({ studyId })
}

export function objectAt(ledger: Ledger, studyId: string, position: number): LedgerObject | undefined {
  return (
    ledger.db
      .query<LedgerObject, { studyId: string; position: number }>(
        `select ${COLUMNS} from objects where study_id = $studyId and position = $position`,
      )
      .get({ studyId, position }) ?? undefined
  )
}

/** Whether a run tries it: waiting, failed for a passing reason, or missing and still looked for. */
export function isToTry({ state, verdict }: LedgerObject): boolean {
  return state === "pending" || ((state === "failed" || state === "missing") && verdict !== "give-up")
}

/**
 * Makes the ledger's objects of a study what the source lists now: new ones are queued, changed ones queued again,
 * those that are listed no longer retired. Belongs into a transaction.
 * @param kinds that the list speaks of; objects of other kinds are left alone
 * @returns whether anything changed
 */
export function planObjects(
  ledger: Ledger,
  tally: Tally,
  studyId: string,
  planned: readonly PlannedObject[],
  kinds: readonly ObjectKind[],
): boolean {
  const known = objectsOf(ledger, studyId)
  const byPath = new Map(known.map((object) => [object.path, object]))
  let position = (known.at(-1)?.position ?? -1) + 1
  let changed = false
  for (const object of planned) {
    const before = byPath.get(object.path)
    byPath.delete(object.path)
    if (before === undefined) insertObject(ledger, tally, studyId, position++, object)
    else if (before.state === "retired" || before.sourceHash !== object.sourceHash)
      requeue(ledger, tally, before, object)
    else continue
    changed = true
  }
  for (const gone of byPath.values()) {
    if (gone.state === "retired" || !kinds.includes(gone.kind)) continue
    moveObject(ledger, tally, gone, "retired")
    changed = true
  }
  if (changed) staleReceipt(ledger, studyId)
  return changed
}

/** Queues an object again, forgetting its failure but not what we put at the destination. */
export function queueAgain(ledger: Ledger, tally: Tally, object: LedgerObject, { forced = false } = {}) {
  if (object.state !== "pending") moveObject(ledger, tally, object, "pending")
  ledger.db
    .query(
      `update objects set verdict = null, next_try_at = null, missing_since = null, error_class = null,
         error_message = null, forced = $forced where study_id = $studyId and position = $position`,
    )
    .run({ studyId: object.studyId, position: object.position, forced: forced ? 1 : 0 })
}

/** The guarded move of one object between states, with its totals. */
export function moveObject(ledger: Ledger, tally: Tally, object: LedgerObject, to: ObjectState) {
  const { studyId, position } = object
  countMove(tally, object, to)
  ledger.db
    .query("update objects set state = $to, to_pack = 0 where study_id = $studyId and position = $position")
    .run({ studyId, position, to })
  if (object.seriesNo !== null) refreshSeries(ledger, tally, object.seriesNo)
}

/** What a move between states does to the totals. @param size of what stands at the destination after it */
export function countMove(
  tally: Tally,
  { state, size: before }: Pick<LedgerObject, "state" | "size">,
  to: ObjectState,
  size = before,
) {
  assertMove(state, to)
  tally.add(`objects.${state}`, -1, state === "copied" ? -(before ?? 0) : 0)
  tally.add(`objects.${to}`, 1, to === "copied" ? (size ?? 0) : 0)
}

/** What is written in a study's receipt has changed. */
export function staleReceipt(ledger: Ledger, studyId: string) {
  // The condition spares the disk a page for each object but the first.
  ledger.db
    .query("update studies set receipt_stale = 1 where study_id = $studyId and receipt_stale = 0")
    .run({ studyId })
}

/** Queues the objects of a study that has none yet. Belongs into a transaction. */
export function insertObjects(
  ledger: Ledger,
  tally: Tally,
  studyId: string,
  planned: readonly PlannedObject[],
) {
  for (const [position, object] of planned.entries()) insertObject(ledger, tally, studyId, position, object)
}

function insertObject(
  ledger: Ledger,
  tally: Tally,
  studyId: string,
  position: number,
  object: PlannedObject,
) {
  ledger.db
    .query(
      `insert into objects (study_id, position, kind, path, source, source_id, series_id, expected_size, source_hash, state)
       values ($studyId, $position, $kind, $path, $source, $sourceId, $seriesId, $expectedSize, $sourceHash, 'pending')`,
    )
    .run({ studyId, position, kind: object.kind, path: object.path, ...sourceColumns(object) })
  tally.add("objects.pending", 1)
}

function requeue(ledger: Ledger, tally: Tally, before: LedgerObject, object: PlannedObject) {
  ledger.db
    .query(
      `update objects set source = $source, source_id = $sourceId, series_id = $seriesId,
         expected_size = $expectedSize, source_hash = $sourceHash
       where study_id = $studyId and position = $position`,
    )
    .run({ studyId: before.studyId, position: before.position, ...sourceColumns(object) })
  queueAgain(ledger, tally, before)
}

function sourceColumns({ source, sourceId, seriesId, expectedSize, sourceHash }: PlannedObject) {
  return {
    source: source ?? null,
    sourceId: sourceId ?? null,
    seriesId: seriesId ?? null,
    expectedSize: expectedSize ?? null,
    sourceHash,
  }
}
