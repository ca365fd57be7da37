import { InvalidUri } from "../../cod/format/errors.ts"
import type { Receipted } from "../../ledger/objects.ts"
import { VERSION } from "../../support/version.ts"
import type { StudyIds } from "../layout.ts"

const TOOL = "vlm-eden-dataset-etl"

/** 1: without series. */
const RECEIPT_VERSION = 2
const READABLE_VERSIONS: readonly unknown[] = [1, RECEIPT_VERSION]

/** One object as a receipt tells it. */
export interface ReceiptEntry {
  readonly kind: string
  readonly path: string
  readonly size: number
  readonly crc32c: string
  readonly generation: string
  readonly source_etag: string | null
  /** From here, of DICOM files whose header was read: SOP Instance UID, place among the receipt's series from 0. */
  readonly instance_uid?: string
  readonly series?: number
  /** Null where nobody knows. */
  readonly transfer_syntax?: string | null
  readonly frames?: number | null
  /** It was deleted on request: its bytes are in its series. */
  readonly copy?: "deleted"
}

/** A DICOM series that files of the study belong to; UIDs as in their headers. */
export interface ReceiptSeries {
  readonly study_uid: string
  readonly series_uid: string
  /** Where it is packed, or will be; null when it can be nowhere. */
  readonly uri: string | null
}

/** What a receipt says of its study's objects; the rest of it may differ between two receipts of the same study. */
export interface ReceiptFacts {
  readonly objects: readonly ReceiptEntry[]
  /** In the order in which the objects name them. */
  readonly series: readonly ReceiptSeries[]
}

/** Where series are packed. */
export interface SeriesPlaces {
  /** @throws InvalidUri for UIDs that are no segments of a path */
  uriOf(uids: { readonly studyUid: string; readonly seriesUid: string }): string
}

/** What there is to say of objects that are all of a study, each at the destination. */
export function receiptFacts(objects: readonly Receipted[], places: SeriesPlaces | undefined): ReceiptFacts {
  const numbers = new Map<string, number>()
  const series: ReceiptSeries[] = []
  const numberOf = (studyUid: string, seriesUid: string) => {
    const name = JSON.stringify([studyUid, seriesUid])
    const known = numbers.get(name)
    if (known !== undefined) return known
    const uri = places === undefined ? null : uriOrNull(places, { studyUid, seriesUid })
    numbers.set(name, series.length)
    return series.push({ study_uid: studyUid, series_uid: seriesUid, uri }) - 1
  }
  const entries = objects.map((object): ReceiptEntry => {
    const { studyUid, seriesUid, sopInstanceUid, transferSyntax, frames, copyDeletedAt } = object
    const isKnown = studyUid !== null && seriesUid !== null && sopInstanceUid !== null
    return {
      ...entryOf(object),
      ...(isKnown && {
        instance_uid: sopInstanceUid,
        series: numberOf(studyUid, seriesUid),
        transfer_syntax: transferSyntax,
        frames,
      }),
      ...(copyDeletedAt !== null && { copy: "deleted" }),
    }
  })
  return { objects: entries, series }
}

/** Null for what cannot be packed: it is copied all the same, and has its receipt. */
export function uriOrNull(places: SeriesPlaces, uids: Parameters<SeriesPlaces["uriOf"]>[0]): string | null {
  try {
    return places.uriOf(uids)
  } catch (error) {
    if (error instanceof InvalidUri) return null
    throw error
  }
}

/** The bytes of a study's receipt. */
export function receiptBytes(study: StudyIds, cohort: number, { objects, series }: ReceiptFacts): Uint8Array {
  const document = {
    receipt_version: RECEIPT_VERSION,
    tool: `${TOOL} ${VERSION}`,
    study_id: study.studyId,
    organization_id: study.organizationId,
    cohort,
    series,
    objects,
  }
  return new TextEncoder().encode(`${JSON.stringify(document, undefined, 2)}\n`)
}

/** Without series it is what it was before receipts named any: none of them is written again for that. */
export function receiptHash({ objects, series }: ReceiptFacts): string {
  return new Bun.CryptoHasher("sha256")
    .update(JSON.stringify(series.length === 0 ? objects : { objects, series }))
    .digest("hex")
    .slice(0, 32)
}

/** A receipt as its bytes tell it; nothing is known yet of what its entries hold. */
export interface ReceiptDocument extends StudyIds {
  readonly entries: readonly Partial<ReceiptEntry>[]
  readonly series: readonly Partial<ReceiptSeries>[]
}

/** Undefined for bytes that are no receipt of this tool. */
export function readReceipt(bytes: Uint8Array): ReceiptDocument | undefined {
  const document = parsed(bytes)
  const { study_id: studyId, organization_id: organizationId, objects, series = [] } = document ?? {}
  const isOurs =
    READABLE_VERSIONS.includes(document?.receipt_version) && String(document?.tool).startsWith(`${TOOL} `)
  if (!isOurs || typeof studyId !== "string" || typeof organizationId !== "string") return undefined
  if (!Array.isArray(objects) || !Array.isArray(series)) return undefined
  // Series are named by their places: none may be left out.
  return { studyId, organizationId, entries: objects.filter(isObject), series: series.map(objectOrEmpty) }
}

/**
 * Whether these bytes are a receipt of this tool for this study that names nothing but objects which stand there now,
 * with this size and CRC32C: one that a lost ledger wrote, or that came with a restored destination.
 */
export function isCovered(
  bytes: Uint8Array,
  study: StudyIds,
  objects: readonly Pick<ReceiptEntry, "path" | "size" | "crc32c">[],
): boolean {
  const receipt = readReceipt(bytes)
  if (receipt?.studyId !== study.studyId || receipt.organizationId !== study.organizationId) return false
  const standing = new Map(objects.map((object) => [object.path, object]))
  return receipt.entries.every(({ path, size, crc32c }) => {
    const object = path === undefined ? undefined : standing.get(path)
    return object !== undefined && object.size === size && object.crc32c === crc32c
  })
}

function parsed(bytes: Uint8Array): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes))
    return isObject(value) ? value : undefined
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null
}

function objectOrEmpty(value: unknown): Record<string, unknown> {
  return isObject(value) ? value : {}
}

/** Of an object at the destination, of which all of this is known. */
function entryOf({ kind, path, size, crc32c, generation, sourceEtag }: Receipted) {
  return { kind, path, size: size!, crc32c: crc32c!, generation: generation!, source_etag: sourceEtag }
}
