import { beginAttempts, settleObject } from "../../ledger/attempts.ts"
import { claimStudy, releaseClaim } from "../../ledger/claims.ts"
import { recordDeletedCopy, recordKnownHeader } from "../../ledger/cod/rebuilt.ts"
import type { SeriesUids } from "../../ledger/cod/series.ts"
import { type ObjectKind, objectsOf, type PlannedObject } from "../../ledger/objects.ts"
import type { Ledger } from "../../ledger/open.ts"
import { recordReceipt, recordReceiptIntent } from "../../ledger/receipts.ts"
import { recordStudy, studyById } from "../../ledger/studies.ts"
import type { StudyIds } from "../layout.ts"
import {
  type ReceiptDocument,
  type ReceiptEntry,
  type ReceiptSeries,
  receiptHash,
} from "../receipts/receipt-document.ts"

/** A receipt of which every entry is whole. */
export interface UsableReceipt extends StudyIds {
  readonly entries: readonly (ReceiptEntry & { readonly kind: ObjectKind })[]
  readonly series: readonly ReceiptSeries[]
}

/** Undefined where an entry lacks something, or two are of one path. */
export function usableReceipt({
  studyId,
  organizationId,
  entries,
  series,
}: ReceiptDocument): UsableReceipt | undefined {
  const named = series.filter(isSeries)
  const whole = entries.filter((entry) => isWhole(entry, named.length))
  const paths = new Set(whole.map(({ path }) => path))
  const isUsable =
    whole.length > 0 &&
    whole.length === entries.length &&
    paths.size === entries.length &&
    named.length === series.length
  return isUsable ? { studyId, organizationId, entries: whole, series: named } : undefined
}

function isSeries(series: Partial<ReceiptSeries>): series is ReceiptSeries {
  const { study_uid, series_uid, uri } = series
  return (
    typeof study_uid === "string" &&
    typeof series_uid === "string" &&
    (typeof uri === "string" || uri === null)
  )
}

function isWhole(
  entry: Partial<ReceiptEntry>,
  seriesCount: number,
): entry is UsableReceipt["entries"][number] {
  const { kind, path, size, crc32c, generation, source_etag, instance_uid, series, copy } = entry
  const { transfer_syntax = null, frames = null } = entry
  const isOfSeries =
    typeof instance_uid === "string" && Number.isSafeInteger(series) && series! >= 0 && series! < seriesCount
  return (
    (isOfSeries || (instance_uid === undefined && series === undefined)) &&
    (transfer_syntax === null || typeof transfer_syntax === "string") &&
    (frames === null || Number.isSafeInteger(frames)) &&
    (copy === undefined || copy === "deleted") &&
    (kind === "metadata" || kind === "report" || kind === "dicom") &&
    typeof path === "string" &&
    path !== "" &&
    Number.isSafeInteger(size) &&
    typeof crc32c === "string" &&
    typeof generation === "string" &&
    (typeof source_etag === "string" || source_etag === null)
  )
}

/** No source row has it: a discovery queues all of it again, and the copy finds it unchanged by asking both sides. */
const UNKNOWN_SOURCE = ""

/** In which series files of a receipt belong, by their places in it; undefined for one that is elsewhere. */
export type SeriesOfReceipt = (series: ReceiptSeries) => SeriesUids | undefined

/**
 * Records a study as its receipt tells it: every object as done, and the receipt itself. Belongs into a transaction.
 * @param generation of the receipt
 * @returns false when another receipt of the study was recorded before
 */
export function recordReceipted(
  ledger: Ledger,
  run: { readonly runId: number; readonly cohortId: number; readonly seriesOf: SeriesOfReceipt },
  { studyId, organizationId, entries, series }: UsableReceipt,
  generation: string,
): boolean {
  return ledger.write((tally) => {
    if (studyById(ledger, studyId) !== undefined) return false
    const study = {
      studyId,
      organizationId,
      dicomStudyUid: null,
      modalities: null,
      doctorRank: null,
      newestSignedAt: null,
      listsOrigin: false,
      sourceHash: UNKNOWN_SOURCE,
      objects: entries.map(plannedOf),
    }
    recordStudy(ledger, study, run.cohortId)
    const places = series.map(run.seriesOf)
    const claim = claimStudy(ledger, run.runId, studyId)!
    for (const attempt of beginAttempts(ledger, claim, objectsOf(ledger, studyId))) {
      const { position } = attempt.object
      const { size, crc32c, source_etag, ...entry } = entries[position]!
      const identity = { size, crc32c, generation: entry.generation, sourceEtag: source_etag ?? undefined }
      settleObject(ledger, tally, claim, attempt, { outcome: "adopted", ...identity, bytes: 0 })
      const uids = entry.series === undefined ? undefined : places[entry.series]
      const { instance_uid, transfer_syntax = null, frames = null } = entry
      const known = { instanceUid: instance_uid!, transferSyntax: transfer_syntax, frames }
      if (uids !== undefined) recordKnownHeader(ledger, tally, { studyId, position }, { ...uids, ...known })
      if (entry.copy === "deleted") recordDeletedCopy(ledger, { studyId, position })
    }
    const hash = receiptHash({ objects: entries, series })
    recordReceiptIntent(ledger, claim, hash)
    recordReceipt(ledger, claim, { hash, generation })
    releaseClaim(ledger, claim, { seconds: 0 })
    return true
  })
}

function plannedOf({ kind, path }: UsableReceipt["entries"][number]): PlannedObject {
  return { kind, path, sourceHash: UNKNOWN_SOURCE, ...idsOf(kind, path) }
}

/** The ids that the path is made of: a discovery that finds the study no longer eligible asks for its reports. */
function idsOf(kind: ObjectKind, path: string): Pick<PlannedObject, "sourceId" | "seriesId"> {
  if (kind === "report") return { sourceId: /^reports\/([^/]+)\.txt$/.exec(path)?.[1] }
  const [, seriesId, sourceId] = /^dicom_files\/([^/]+)\/(?:-?\d+_)?([^/]+)\.dcm$/.exec(path) ?? []
  return { sourceId, seriesId }
}
