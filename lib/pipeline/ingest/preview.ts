import { copiesOf, seriesWithCopies } from "../../ledger/cod/copies.ts"
import { type PackingWork, packingWork } from "../../ledger/cod/outlook.ts"
import { studiesToPack } from "../../ledger/cod/series.ts"
import { countWithoutThumbnail, type Undrawn } from "../../ledger/cod/thumbnails.ts"
import type { Ledger } from "../../ledger/open.ts"
import type { IngestOptions } from "./ingest.ts"

export interface IngestPreview extends PackingWork {
  /** Of series that are packed already. */
  readonly thumbnails: number
  /** Raw copies that would be deleted of what is packed already, if they turn out to be what the series have. */
  readonly copies?: { readonly series: number; readonly files: number; readonly bytes: number }
}

export interface PreviewOptions extends Pick<IngestOptions, "studyIds" | "limit" | "deleteCopies"> {
  /** Undefined where no thumbnails are made. */
  readonly draw: Undrawn | undefined
}

/** What an ingest would find to do, as far as the ledger knows; nothing is asked and nothing recorded. */
export function previewIngest(
  ledger: Ledger,
  { studyIds = [], limit, deleteCopies = false, draw }: PreviewOptions,
): IngestPreview {
  const newest = limit === undefined ? undefined : studiesToPack(ledger, limit)
  const work = packingWork(ledger, studyIds.length > 0 ? studyIds : newest)
  const thumbnails = draw === undefined ? 0 : countWithoutThumbnail(ledger, draw, studyIds)
  return { ...work, thumbnails, ...(deleteCopies && { copies: copiesToDelete(ledger, studyIds) }) }
}

function copiesToDelete(ledger: Ledger, studyIds: readonly string[]) {
  const copies = { series: 0, files: 0, bytes: 0 }
  for (const { seriesNo } of seriesWithCopies(ledger, studyIds)) {
    const files = copiesOf(ledger, seriesNo, studyIds)
    copies.series += 1
    copies.files += files.length
    copies.bytes += files.reduce((sum, { size }) => sum + size, 0)
  }
  return copies
}
