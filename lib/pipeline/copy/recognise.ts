import { type Copied, isOwnAttempt } from "../../ledger/attempts.ts"
import type { LedgerObject } from "../../ledger/objects.ts"
import type { Ledger } from "../../ledger/open.ts"
import type { ObjectInfo, ObjectSource } from "../../storage/store.ts"
import { hexToBase64 } from "../../support/checksums.ts"
import { differenceOf, NOTHING_IN_COMMON } from "../../transfer/send.ts"
import type { StudyIds } from "../layout.ts"
import { originKeyOf } from "./source-of.ts"

/** What is known of an object that stands at the destination: it is done, or why that cannot be said. */
export type Recognition = { readonly copied: Copied } | { readonly unlike: Unlike }

/** Whether what stands at the destination is known to be the source's present bytes, without reading any. */
export async function recognise(
  { ledger, origin }: { readonly ledger: Ledger; readonly origin: ObjectSource },
  study: StudyIds,
  object: LedgerObject,
  standing: ObjectInfo,
  signal?: AbortSignal,
): Promise<Recognition> {
  const source = await origin.head(originKeyOf(study, object, origin.uri), signal)
  if (source === undefined || standing.crc32c === undefined) return { unlike: "no_common_checksum" }
  const recorded =
    object.generation === standing.generation &&
    object.sourceEtag !== null &&
    object.sourceEtag === source.etag
  const ours =
    isOwnAttempt(ledger, object, standing.metadata.attempt) && standing.metadata.source_etag === source.etag
  const unlike = unlikeness(standing, source)
  // What the ledger or our mark says is believed only where no checksum says otherwise.
  const believed = unlike === "no_common_checksum" && (recorded || ours)
  if (unlike !== undefined && !believed) return { unlike }
  const copied: Copied = {
    outcome: recorded ? "unchanged" : "adopted",
    ...identityOf(standing, standing.crc32c),
    sourceEtag: source.etag,
    bytes: 0,
    warning: object.warning ?? undefined,
  }
  return { copied }
}

/**
 * The raw copy of a packed file that was deleted on request is not brought again while the origin has the same bytes.
 * @returns undefined for an object that is not one of these, or changed
 */
export async function unchangedInSeries(
  { origin }: { readonly origin: ObjectSource },
  study: StudyIds,
  object: LedgerObject,
  signal?: AbortSignal,
): Promise<Copied | undefined> {
  const { copyDeletedAt, forced, size, crc32c, generation, sourceEtag, warning } = object
  if (copyDeletedAt === null || forced === 1) return undefined
  const source = await origin.head(originKeyOf(study, object, origin.uri), signal)
  if (source === undefined || source.size !== size) return undefined
  // A folder has no ETags, but the CRC32C of its files.
  const isSame = source.etag === undefined ? source.crc32c === crc32c : source.etag === sourceEtag
  if (!isSame) return undefined
  const known = { size, crc32c: crc32c!, generation: generation!, warning: warning ?? undefined }
  return { outcome: "unchanged", ...known, sourceEtag: source.etag, bytes: 0 }
}

/** Why an object that stands at the destination is not known to be the source's bytes. */
export type Unlike = "size_differs" | "checksum_differs" | "no_common_checksum"

/**
 * What a head of the source proves of what stands at the destination.
 * @returns undefined when they are the same
 */
export function unlikeness(standing: ObjectInfo, source: ObjectInfo): Unlike | undefined {
  if (standing.size !== source.size) return "size_differs"
  const { size, md5, crc32c } = source
  const difference = differenceOf(standing, { size, ...(md5 && { md5 }), ...(crc32c && { crc32c }) })
  if (difference === undefined) return undefined
  return difference === NOTHING_IN_COMMON ? "no_common_checksum" : "checksum_differs"
}

/**
 * Whether a listing of the source alone proves that the same bytes stand at the destination. A listing of S3 tells
 * size and ETag, but not the encryption on which it depends whether the ETag is an MD5. That need not be known where
 * the two are equal: an ETag that is none is 128 bits that have nothing to do with these bytes, and would equal their
 * MD5 only by a chance of 2^-128. Only where they differ does it take a head to know what the difference means.
 */
export function isProvenByListing(standing: ObjectInfo, listed: ObjectInfo): boolean {
  if (standing.size !== listed.size) return false
  if (unlikeness(standing, listed) === undefined) return true
  const { etag = "" } = listed
  return /^[0-9a-f]{32}$/i.test(etag) && standing.md5 === hexToBase64(etag)
}

/** What the ledger keeps of an object that stands at the destination. */
export function identityOf({ size, generation }: ObjectInfo, crc32c: string) {
  return { size, crc32c, generation }
}
