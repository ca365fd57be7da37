import type { Receipted } from "../ledger/objects.ts"
import { VERSION } from "../support/version.ts"
import type { StudyIds } from "./layout.ts"

const TOOL = "vlm-eden-dataset-etl"

/** One object as a receipt tells it. */
export interface ReceiptEntry {
  readonly kind: string
  readonly path: string
  readonly size: number
  readonly crc32c: string
  readonly generation: string
  readonly source_etag: string | null
}

/** The bytes of a study's receipt; `objects` are all of it, each at the destination. */
export function receiptBytes(study: StudyIds, cohort: number, objects: readonly Receipted[]): Uint8Array {
  const document = {
    receipt_version: 1,
    tool: `${TOOL} ${VERSION}`,
    study_id: study.studyId,
    organization_id: study.organizationId,
    cohort,
    objects: objects.map(entryOf),
  }
  return new TextEncoder().encode(`${JSON.stringify(document, undefined, 2)}\n`)
}

/** Of what the receipt says of the objects; the rest of it may differ between two receipts of the same study. */
export function receiptHash(objects: readonly Receipted[]): string {
  return new Bun.CryptoHasher("sha256")
    .update(JSON.stringify(objects.map(entryOf)))
    .digest("hex")
    .slice(0, 32)
}

/** A receipt as its bytes tell it; nothing is known yet of what its entries hold. */
export interface ReceiptDocument extends StudyIds {
  readonly entries: readonly Partial<ReceiptEntry>[]
}

/** Undefined for bytes that are no receipt of this tool. */
export function readReceipt(bytes: Uint8Array): ReceiptDocument | undefined {
  const document = parsed(bytes)
  const { study_id: studyId, organization_id: organizationId, objects } = document ?? {}
  const isOurs = document?.receipt_version === 1 && String(document.tool).startsWith(`${TOOL} `)
  if (!isOurs || typeof studyId !== "string" || typeof organizationId !== "string") return undefined
  return Array.isArray(objects) ? { studyId, organizationId, entries: objects.filter(isObject) } : undefined
}

/**
 * Whether these bytes are a receipt of this tool for this study that names nothing but objects which stand there now,
 * with this size and CRC32C: one that a lost ledger wrote, or that came with a restored destination.
 */
export function isCovered(bytes: Uint8Array, study: StudyIds, objects: readonly Receipted[]): boolean {
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

function entryOf({ kind, path, size, crc32c, generation, sourceEtag }: Receipted) {
  return { kind, path, size, crc32c, generation, source_etag: sourceEtag }
}
