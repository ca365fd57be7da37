import { invalid } from "./gcs-errors.ts"
import type { Preconditions } from "./gcs-preconditions.ts"
import type { Principal } from "./roles.ts"

/** What an upload says of the object that it makes: the writable part of the object resource. */
export interface ObjectSpec {
  readonly name?: string
  readonly contentType?: string
  readonly contentEncoding?: string
  readonly cacheControl?: string
  readonly storageClass?: string
  readonly metadata?: Readonly<Record<string, string>>
  readonly md5Hash?: string
  readonly crc32c?: string
}

/** An object that is to be made, as soon as its bytes are there. */
export interface Upload {
  readonly bucket: string
  readonly key: string
  readonly spec: ObjectSpec
  readonly preconditions: Preconditions
  readonly principal: Principal
  /** Where neither the resource nor the request names one. */
  readonly contentType: string | undefined
}

const TEXTS = [
  "name",
  "contentType",
  "contentEncoding",
  "cacheControl",
  "storageClass",
  "md5Hash",
  "crc32c",
] as const

const STORAGE_CLASSES = new Set([
  "STANDARD",
  "NEARLINE",
  "COLDLINE",
  "ARCHIVE",
  "MULTI_REGIONAL",
  "REGIONAL",
  "DURABLE_REDUCED_AVAILABILITY",
])

const CUSTOM_METADATA_BYTES = 8192

/** @throws Refusal 400 for anything that is no object resource */
export function parseSpec(json: Uint8Array): ObjectSpec {
  if (json.byteLength === 0) return {}
  const value = parsedObject(json)
  const spec: Record<string, unknown> = {}
  for (const name of TEXTS) {
    const text = value[name]
    if (text === undefined || text === null) continue
    if (typeof text !== "string") throw invalid(`Invalid value for: ${name} is not a string.`)
    spec[name] = text
  }
  if (value.metadata !== undefined && value.metadata !== null) spec.metadata = customMetadata(value.metadata)
  if (spec.storageClass !== undefined && !STORAGE_CLASSES.has(spec.storageClass as string)) {
    throw invalid(`Invalid argument: storageClass ${JSON.stringify(spec.storageClass)}.`)
  }
  return spec
}

/**
 * The object's name: given as a parameter, in the resource, or the same in both.
 * https://cloud.google.com/storage/docs/objects#naming
 */
export function objectName(params: URLSearchParams, spec: ObjectSpec): string {
  const param = params.get("name") ?? undefined
  if (param !== undefined && spec.name !== undefined && param !== spec.name) {
    throw invalid(`Value '${spec.name}' in content does not agree with value '${param}'.`)
  }
  const name = param ?? spec.name
  if (name === undefined || name === "") throw invalid("Required parameter: name")
  const bytes = Buffer.byteLength(name)
  if (bytes > 1024 || /[\r\n]/.test(name) || !name.isWellFormed()) {
    throw invalid(`Invalid object name: ${JSON.stringify(name)}`)
  }
  if (name === "." || name === ".." || name.startsWith(".well-known/acme-challenge/")) {
    throw invalid(`Invalid object name: ${JSON.stringify(name)}`)
  }
  return name
}

/** The checksums of an `x-goog-hash` header. */
export function namedHashes(header: string | null): Pick<ObjectSpec, "md5Hash" | "crc32c"> {
  const hashes: { md5Hash?: string; crc32c?: string } = {}
  for (const part of header?.split(",") ?? []) {
    const [name, ...value] = part.trim().split("=")
    if (name === "crc32c") hashes.crc32c = value.join("=")
    else if (name === "md5") hashes.md5Hash = value.join("=")
    else throw invalid(`Invalid value for: x-goog-hash: ${header}`)
  }
  return hashes
}

function parsedObject(json: Uint8Array): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(json))
  } catch {
    throw invalid("Parse Error")
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw invalid("Parse Error")
  return value as Record<string, unknown>
}

function customMetadata(value: unknown): Record<string, string> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw invalid("Invalid value for: metadata is not an object.")
  }
  let bytes = 0
  const metadata: Record<string, string> = {}
  for (const [name, text] of Object.entries(value)) {
    if (typeof text !== "string") throw invalid(`Invalid value for: metadata.${name} is not a string.`)
    bytes += Buffer.byteLength(name) + Buffer.byteLength(text)
    metadata[name] = text
  }
  if (bytes > CUSTOM_METADATA_BYTES) {
    throw invalid(
      `The metadata for your object, ${bytes} bytes, is too large; limit ${CUSTOM_METADATA_BYTES}.`,
    )
  }
  return metadata
}
