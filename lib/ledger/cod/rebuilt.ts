import type { Ledger } from "../open.ts"
import type { Tally } from "../tally.ts"
import { releaseSeries, type SeriesClaim } from "./claims.ts"
import { type Header, recordHeader } from "./headers.ts"
import { FILE_COLUMNS, type FileOfSeries, type PackedSeries, recordPacked } from "./instances.ts"

/** How a ledger that was lost learns again what is packed. All of this belongs into transactions. */

/** A header as it was told by somebody who has read it. */
export interface KnownHeader extends Omit<Header, "transferSyntax" | "frames"> {
  /** Null where nobody knows. */
  readonly transferSyntax: string | null
  readonly frames: number | null
}

type Place = Pick<FileOfSeries, "studyId" | "position">

export function recordKnownHeader(ledger: Ledger, tally: Tally, file: Place, header: KnownHeader) {
  const { transferSyntax, frames } = header
  recordHeader(ledger, tally, file, {
    ...header,
    transferSyntax: transferSyntax ?? "",
    frames: frames ?? 1,
  })
  const { studyId, position } = file
  ledger.db
    .query(
      `update objects set transfer_syntax = $transferSyntax, frames = $frames
       where study_id = $studyId and position = $position`,
    )
    .run({ studyId, position, transferSyntax, frames })
}

/** The raw copy of a file was deleted, nobody knows when. */
export function recordDeletedCopy(ledger: Ledger, { studyId, position }: Place) {
  ledger.db
    .query("update objects set copy_deleted_at = $now where study_id = $studyId and position = $position")
    .run({ studyId, position, now: ledger.now() })
}

/** Files that a receipt said to be of a series. */
export function receiptedFiles(ledger: Ledger, seriesNo: number): FileOfSeries[] {
  return filesWhere(ledger, "o.series_no = $seriesNo", { seriesNo })
}

/** The file that a key of the destination names; undefined where its series is known, or it is none of ours. */
export function fileWithoutSeries(
  ledger: Ledger,
  { studyId, path }: { readonly studyId: string; readonly path: string },
): FileOfSeries | undefined {
  const condition = "o.study_id = $studyId and o.path = $path and o.series_no is null and o.kind = 'dicom'"
  return filesWhere(ledger, condition, { studyId, path })[0]
}

export function countWithoutSeries(ledger: Ledger): number {
  return ledger.db
    .query<{ count: number }, []>(
      "select count(*) as count from objects where kind = 'dicom' and state = 'copied' and series_no is null",
    )
    .get()!.count
}

function filesWhere(
  ledger: Ledger,
  condition: string,
  values: Record<string, string | number>,
): FileOfSeries[] {
  return ledger.db
    .query<FileOfSeries, typeof values>(
      `select ${FILE_COLUMNS}
       from objects o join studies s using (study_id)
       where ${condition} and o.state = 'copied' order by o.study_id, o.position`,
    )
    .all(values)
}

/** A file that was found in its series, byte for byte, with what is stored of it there. */
export interface FoundFile extends KnownHeader {
  readonly file: Pick<FileOfSeries, "studyId" | "position" | "crc32c">
  readonly startByte: number
}

/** Records what was found of a series, as it stands there. @throws ClaimLost */
export function recordFound(
  ledger: Ledger,
  tally: Tally,
  claim: SeriesClaim,
  found: readonly FoundFile[],
  stored: Omit<PackedSeries, "files">,
) {
  for (const { file, startByte: _, ...header } of found) recordKnownHeader(ledger, tally, file, header)
  const files = found.map(({ file, startByte }) => ({ ...file, result: "same" as const, startByte }))
  recordPacked(ledger, tally, claim, { ...stored, files })
  releaseSeries(ledger, claim)
}
