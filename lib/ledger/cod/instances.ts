import type { Ledger } from "../open.ts"
import type { Tally } from "../tally.ts"
import { assertSeriesClaimed, type SeriesClaim } from "./claims.ts"
import { refreshSeries } from "./series.ts"
import { recordThumbnail, type ThumbnailRecord } from "./thumbnails.ts"

/** A copied file that belongs into a series. */
export interface FileOfSeries {
  readonly studyId: string
  readonly position: number
  readonly organizationId: string
  /** Behind `{organization_id}/{study_id}/`. */
  readonly path: string
  readonly size: number
  readonly crc32c: string
  readonly instanceUid: string
  /** The raw copy was deleted on request: only the tar has it. */
  readonly copyDeletedAt: string | null
}

/** Of `FileOfSeries`, for a select from objects `o` and studies `s`. */
export const FILE_COLUMNS = `o.study_id as studyId, o.position, s.organization_id as organizationId, o.path, o.size,
  o.crc32c, o.sop_instance_uid as instanceUid, o.copy_deleted_at as copyDeletedAt`

/** Files that are to be packed into a series now, of a study or of all, in the order of studies and positions. */
export function filesToPack(ledger: Ledger, seriesNo: number, studyId?: string): FileOfSeries[] {
  const waiting = filesWhere(ledger, seriesNo, "o.to_pack = 1")
  return waiting.filter((file) => studyId === undefined || file.studyId === studyId)
}

/** Files of a series that stand in its tar by what the ledger knows. */
export function packedFiles(ledger: Ledger, seriesNo: number): FileOfSeries[] {
  return filesWhere(ledger, seriesNo, "o.to_pack = 0 and i.result in ('new', 'same') and i.crc32c = o.crc32c")
}

function filesWhere(ledger: Ledger, seriesNo: number, condition: string): FileOfSeries[] {
  return ledger.db
    .query<FileOfSeries, { seriesNo: number }>(
      `select ${FILE_COLUMNS}
       from cod_instances i join objects o using (study_id, position) join studies s using (study_id)
       where i.series_no = $seriesNo and o.series_no = i.series_no and o.state = 'copied' and ${condition}
       order by o.study_id, o.position`,
    )
    .all({ seriesNo })
}

/** `new`: packed now; `same`: it was there; `conflict`: other bytes of the same UID are there, and stay. */
export type InstanceResult = "new" | "same" | "conflict" | "error"

/** What became of one file. */
export interface PackedFile {
  readonly studyId: string
  readonly position: number
  /** Of the bytes that became this. */
  readonly crc32c: string
  readonly result: InstanceResult
  /** In the tar, of what stands there. */
  readonly startByte?: number | undefined
  /** Why it is not there. */
  readonly failure?:
    | {
        readonly verdict: "retry" | "give-up"
        readonly errorClass: string
        readonly errorMessage: string
      }
    | undefined
}

/** A series as it stands in the datastore. */
export interface PackedSeries {
  /** Undefined where whoever wrote it did not say to which tar its metadata belong. */
  readonly tarGeneration: string | undefined
  /** Undefined when it is not stored, for nothing could be. */
  readonly metadataGeneration: string | undefined
  readonly files: readonly PackedFile[]
  /** What came of its picture; undefined: it is as it was. */
  readonly thumbnail?: ThumbnailRecord | undefined
}

/** Records what was made of a series' files, under the claim. @throws ClaimLost */
export function recordPacked(ledger: Ledger, tally: Tally, claim: SeriesClaim, packed: PackedSeries) {
  assertSeriesClaimed(ledger, claim)
  const { seriesNo } = claim
  for (const file of packed.files) recordFile(ledger, tally, seriesNo, file)
  ledger.db
    .query(
      `update cod_series set tar_generation = $tarGeneration, metadata_generation = $metadataGeneration,
         packed_at = case when $metadataGeneration is null then packed_at else $now end, confirmed_at = null, tries = 0, verdict = null, error_class = null, error_message = null,
         next_try_at = null
       where series_no = $seriesNo`,
    )
    .run({
      seriesNo,
      tarGeneration: packed.tarGeneration ?? null,
      metadataGeneration: packed.metadataGeneration ?? null,
      now: ledger.now(),
    })
  if (packed.thumbnail !== undefined) recordThumbnail(ledger, claim, packed.thumbnail)
  refreshSeries(ledger, tally, seriesNo)
}

function recordFile(ledger: Ledger, tally: Tally, seriesNo: number, file: PackedFile) {
  const { studyId, position, crc32c, result, startByte, failure } = file
  const before = ledger.db
    .query<{ result: InstanceResult | null }, Record<string, string | number>>(
      `select result from cod_instances
       where series_no = $seriesNo and study_id = $studyId and position = $position`,
    )
    .get({ seriesNo, studyId, position })!.result
  if (before !== null) tally.add(`instances.${before}`, -1)
  tally.add(`instances.${result}`, 1)
  ledger.db
    .query(
      `update cod_instances set result = $result, crc32c = $crc32c, start_byte = $startByte, verdict = $verdict,
         error_class = $errorClass, error_message = $errorMessage
       where series_no = $seriesNo and study_id = $studyId and position = $position`,
    )
    .run({
      seriesNo,
      studyId,
      position,
      result,
      crc32c,
      startByte: startByte ?? null,
      verdict: failure?.verdict ?? null,
      errorClass: failure?.errorClass ?? null,
      errorMessage: failure?.errorMessage ?? null,
    })
  if (failure?.verdict === "retry") return
  // Other bytes that came meanwhile are still to be packed.
  ledger.db
    .query(
      `update objects set to_pack = 0
       where study_id = $studyId and position = $position and crc32c = $crc32c and series_no = $seriesNo`,
    )
    .run({ seriesNo, studyId, position, crc32c })
}
