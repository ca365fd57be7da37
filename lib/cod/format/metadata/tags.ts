import { isUtf8 } from "node:buffer"
import { InvalidCompression, InvalidJson, InvalidMetadata } from "../errors.ts"
import { keepOrder, parseJson, stringifyJson } from "../json.ts"
import { isIndexKey } from "../json-tokens.ts"
import { compress, decompress } from "../zstd.ts"
import { isBase64, isObject } from "./checks.ts"
import type { StoredElement, StoredTags } from "./types.ts"

/**
 * DICOM JSON as an entry stores it: inline, or as the base64 of a zstd frame of its text.
 *
 * @throws InvalidMetadata, TooLarge
 */
export function readTags(stored: unknown, maxBytes: number): StoredTags {
  const value = typeof stored === "string" ? parsedTags(stored, maxBytes) : stored
  if (!isObject(value)) throw new InvalidMetadata("metadata is no DICOM JSON")
  for (const tag in value)
    if (!isElement(value[tag])) throw new InvalidMetadata("metadata has a tag without element")
  return value as StoredTags
}

/**
 * DICOM JSON as version 2.0 stores it: padded base64 of one zstd frame with its content size.
 */
export function storeTags(tags: StoredTags): string {
  return toBase64(compress(Buffer.from(stringifyJson(inTagOrder(tags)))))
}

/** Bytes of the JSON text in `stored`. @throws InvalidMetadata, TooLarge */
export function textOfStoredTags(stored: string, maxBytes: number): Buffer {
  if (!isBase64(stored)) throw new InvalidMetadata("metadata is not the padded base64 that it should be")
  return asBuffer(decompress(Buffer.from(stored, "base64"), maxBytes))
}

/**
 * Has `tags`, sequences included, written in the order of a data set, group 0002 behind it, where an object would not
 * keep an order: it sorts keys like "30040002" in front of "00080005".
 */
export function inTagOrder<T extends object>(tags: T): T {
  for (const element of Object.values(tags)) {
    const items = isObject(element) && element.vr === "SQ" ? element.Value : undefined
    if (Array.isArray(items)) items.filter(isObject).forEach(inTagOrder)
  }
  const keys = Object.keys(tags)
  return keys.some((tag) => isIndexKey(tag)) ? keepOrder(tags, keys.toSorted(byPlace)) : tags
}

function byPlace(a: string, b: string): number {
  const meta = Number(a.startsWith("0002")) - Number(b.startsWith("0002"))
  return meta === 0 ? (a < b ? -1 : 1) : meta
}

function parsedTags(stored: string, maxBytes: number): unknown {
  try {
    const bytes = textOfStoredTags(stored, maxBytes)
    if (isUtf8(bytes)) return parseJson(bytes.toString())
  } catch (cause) {
    if (!(cause instanceof InvalidCompression || cause instanceof InvalidJson)) throw cause
    throw new InvalidMetadata("metadata cannot be decoded", { cause })
  }
  throw new InvalidMetadata("metadata is not UTF-8")
}

function isElement(value: unknown): value is StoredElement {
  return isObject(value) && (value.Value === undefined || Array.isArray(value.Value))
}

function toBase64(bytes: Uint8Array): string {
  return asBuffer(bytes).toString("base64")
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
