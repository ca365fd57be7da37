import { type LedgerObject, objectAt } from "../objects.ts"
import type { Ledger } from "../open.ts"
import type { Tally } from "../tally.ts"
import { ensureSeries, refreshSeries } from "./series.ts"

/** What the header of a DICOM file says of it: where it belongs, and what readers want to know before they read it. */
export interface Header {
  readonly studyUid: string
  readonly seriesUid: string
  readonly instanceUid: string
  readonly transferSyntax: string
  /** 1 where the file does not tell. */
  readonly frames: number
}

/** A header, or why the file has none that says where it belongs. */
export type HeaderResult = Header | { readonly error: string }

/**
 * Records what became of a file's bytes: other bytes than before have another header, and are to be packed. The same
 * bytes are not packed again. Belongs into the transaction that records the copy.
 * @param object as it was before the copy
 */
export function recordCopiedBytes(
  ledger: Ledger,
  tally: Tally,
  object: LedgerObject,
  copied: {
    readonly outcome: "copied" | "adopted" | "unchanged"
    readonly size: number
    readonly crc32c: string
    readonly header?: HeaderResult | undefined
  },
  { toPack }: { readonly toPack: boolean },
) {
  const { studyId, position } = object
  const isSame = object.size === copied.size && object.crc32c === copied.crc32c
  // What was brought anew stands there again.
  const isUnchanged = isSame && copied.outcome === "unchanged"
  if (!isSame) forgetHeader(ledger, object)
  ledger.db
    .query(
      `update objects set to_pack = $toPack, copy_deleting_since = null,
         copy_deleted_at = case when $isUnchanged then copy_deleted_at end
       where study_id = $studyId and position = $position`,
    )
    .run({
      studyId,
      position,
      isUnchanged,
      toPack: toPack && !isPacked(ledger, object, copied.crc32c) ? 1 : 0,
    })
  if (copied.header !== undefined) recordHeader(ledger, tally, object, copied.header)
  else if (object.seriesNo !== null) refreshSeries(ledger, tally, object.seriesNo)
}

/** Records what the header of an object's present bytes says. Belongs into a transaction. */
export function recordHeader(
  ledger: Ledger,
  tally: Tally,
  { studyId, position }: Pick<LedgerObject, "studyId" | "position">,
  result: HeaderResult,
) {
  const update = ledger.db.query(
    `update objects set sop_instance_uid = $instanceUid, transfer_syntax = $transferSyntax, frames = $frames,
       series_no = $seriesNo, header_error = $error, to_pack = case when $error is null then to_pack else 0 end
     where study_id = $studyId and position = $position`,
  )
  if ("error" in result) {
    const { error } = result
    update.run({ studyId, position, error, ...NO_HEADER })
    return
  }
  const { studyUid, seriesUid, ...facts } = result
  const seriesNo = ensureSeries(ledger, tally, { studyUid, seriesUid })
  update.run({ studyId, position, ...facts, seriesNo, error: null })
  ledger.db
    .query(
      `insert into cod_instances (series_no, study_id, position) values ($seriesNo, $studyId, $position)
       on conflict do nothing`,
    )
    .run({ seriesNo, studyId, position })
  refreshSeries(ledger, tally, seriesNo)
}

const NO_HEADER = { instanceUid: null, transferSyntax: null, frames: null, seriesNo: null }

/** Files of a study that are at the destination and of which nobody knows yet to which series they belong. */
export function unreadHeaders(ledger: Ledger, studyId: string): LedgerObject[] {
  return ledger.db
    .query<{ position: number }, { studyId: string }>(
      `select position from objects indexed by objects_to_pack
       where study_id = $studyId and to_pack = 1 and series_no is null order by position`,
    )
    .all({ studyId })
    .map(({ position }) => objectAt(ledger, studyId, position)!)
}

/** Files of a study that no series can hold, and why. */
export function unpackableFiles(
  ledger: Ledger,
  studyId: string,
): { readonly path: string; readonly error: string }[] {
  return ledger.db
    .query<{ path: string; error: string }, { studyId: string }>(
      `select path, header_error as error from objects
       where study_id = $studyId and header_error is not null and state = 'copied' order by position`,
    )
    .all({ studyId })
}

function forgetHeader(ledger: Ledger, { studyId, position }: LedgerObject) {
  ledger.db
    .query(
      `update objects set sop_instance_uid = null, transfer_syntax = null, frames = null, series_no = null,
         header_error = null where study_id = $studyId and position = $position`,
    )
    .run({ studyId, position })
}

/** Whether just these bytes stand in their series, or are known not to go there. */
function isPacked(ledger: Ledger, { studyId, position, seriesNo }: LedgerObject, crc32c: string): boolean {
  if (seriesNo === null) return false
  const row = ledger.db
    .query(
      `select 1 from cod_instances where series_no = $seriesNo and study_id = $studyId and position = $position
         and crc32c = $crc32c and (result in ('new', 'same') or verdict = 'give-up')`,
    )
    .get({ seriesNo, studyId, position, crc32c })
  return row !== null
}
