import { isUtf8 } from "node:buffer"
import { InvalidCompression, InvalidJson, InvalidMetadata, TooLarge } from "../errors.ts"
import { gunzip, gzip, isGzip } from "../gzip.ts"
import { parseJson, stringifyJson } from "../json.ts"
import { endOfValue, expectEnd, goThroughObject, textOfValue } from "../json-members.ts"
import { isPathSegment } from "../uid.ts"
import { understandInstance } from "./instance.ts"
import { instanceText } from "./instance-text.ts"
import { LazyMap } from "./lazy-map.ts"
import { DEFAULT_LIMITS } from "./limits.ts"
import type { MetadataVersion, SeriesMetadata } from "./types.ts"

export { DEFAULT_LIMITS } from "./limits.ts"

const UID_NAMES = {
  plain: ["study_uid", "series_uid"],
  hashed: ["deid_study_uid", "deid_series_uid"],
} as const
const RESERVED: readonly string[] = [...UID_NAMES.plain, ...UID_NAMES.hashed, "cod"]

/**
 * Reads a metadata.json, gzip or plain. Instances are understood one by one, when they are asked for.
 *
 * @throws InvalidMetadata, TooLarge for the document as a whole; a faulty instance is an `UnreadableInstance` in it
 */
export function parseSeriesMetadata(bytes: Uint8Array, limits = DEFAULT_LIMITS): SeriesMetadata {
  try {
    const document = plainBytes(bytes, limits.documentBytes)
    const { fields, cod, instances } = divide(document)
    const value = (start: number) => parseJson(textOfValue(document, start), { inOrder: true })
    const custom = new Map(fields.entries().map(([name, start]) => [name, value(start)]))
    return {
      ...takeUids(custom),
      instances: new LazyMap(instances, (key, start) =>
        understandInstance(key, () => textOfValue(document, start), limits.tagsBytes),
      ),
      fields: custom,
      unknown: new Map(cod.entries().map(([name, start]) => [name, value(start)])),
    }
  } catch (cause) {
    if (!(cause instanceof InvalidCompression || cause instanceof InvalidJson)) throw cause
    throw new InvalidMetadata(`a series' metadata cannot be read: ${cause.message}`, {
      facts: cause.facts,
      cause,
    })
  }
}

/**
 * A metadata.json, gzip. Instances are written as `version`, but for those that cannot be told in it; what they hold
 * beside it stays as it was, except that there is no NaN in what we write.
 *
 * @throws InvalidMetadata when a field has a reserved name, InvalidJson when its value is nothing that JSON can tell
 */
export function encodeSeriesMetadata(
  series: SeriesMetadata,
  { version = "2.0" }: { readonly version?: MetadataVersion } = {},
): Uint8Array {
  const [study, own] = series.hashedUids ? UID_NAMES.hashed : UID_NAMES.plain
  const instances = Array.from(series.instances, ([key, entry]) => member(key, instanceText(entry, version)))
  const members = [
    member(study, stringifyJson(series.studyUid)),
    member(own, stringifyJson(series.seriesUid)),
    member("cod", objectText([member("instances", objectText(instances)), ...membersOf(series.unknown)])),
    ...membersOf(checkedFields(series)),
  ]
  return gzip(Buffer.from(objectText(members)))
}

/**
 * A name for a field of a user's own.
 *
 * @throws InvalidMetadata for the names of what the format itself writes there
 */
export function requireFieldName(name: string): string {
  if (!RESERVED.includes(name)) return name
  throw new InvalidMetadata("a field of this name would replace a part of the format", {
    facts: { field: name },
  })
}

function plainBytes(bytes: Uint8Array, maxBytes: number): Buffer {
  const plain = isGzip(bytes) ? gunzip(bytes, maxBytes) : bytes
  if (plain.length > maxBytes) throw new TooLarge("bytes of a series' metadata", maxBytes)
  if (!isUtf8(plain)) throw new InvalidMetadata("a series' metadata is not UTF-8")
  return Buffer.from(plain.buffer, plain.byteOffset, plain.length)
}

/** Where everything begins: what is beside `cod`, what is in it, and each instance. Of what is there twice, the last. */
function divide(document: Buffer) {
  const fields = new Map<string, number>()
  let cod: Map<string, number> | undefined
  let instances = new Map<string, number>()
  const noting = (starts: Map<string, number>) => (key: string, start: number) => {
    starts.set(key, start)
    return endOfValue(document, start)
  }
  const intoCod = (key: string, start: number) => {
    if (key !== "instances") return noting(cod ?? new Map())(key, start)
    instances = new Map()
    return goThroughObject(document, start, noting(instances))
  }
  const end = goThroughObject(document, 0, (key, start) => {
    if (key !== "cod") return noting(fields)(key, start)
    cod = new Map()
    instances = new Map()
    return goThroughObject(document, start, intoCod)
  })
  expectEnd(document, end)
  if (cod === undefined) throw new InvalidMetadata("a series' metadata has no cod")
  return { fields, cod, instances }
}

/** A series is hashed when it says so by the names of its UIDs. */
function takeUids(
  fields: Map<string, unknown>,
): Pick<SeriesMetadata, "studyUid" | "seriesUid" | "hashedUids"> {
  const hashedUids = fields.has(UID_NAMES.hashed[0])
  const [study, own] = hashedUids ? UID_NAMES.hashed : UID_NAMES.plain
  return { studyUid: takeUid(fields, study), seriesUid: takeUid(fields, own), hashedUids }
}

function takeUid(fields: Map<string, unknown>, name: string): string {
  const uid = fields.get(name)
  if (typeof uid !== "string" || !isPathSegment(uid)) {
    throw new InvalidMetadata(
      `a series' metadata has no ${name}, or none that is safe as one segment of a path`,
    )
  }
  fields.delete(name)
  return uid
}

/** Names of the other kind do no harm, if they came: only the one by which a series says that it is hashed. */
function checkedFields({ fields, hashedUids }: SeriesMetadata): ReadonlyMap<string, unknown> {
  const allowed: readonly string[] = hashedUids ? UID_NAMES.plain : [UID_NAMES.hashed[1]]
  for (const name of fields.keys()) if (!allowed.includes(name)) requireFieldName(name)
  return fields
}

function membersOf(values: ReadonlyMap<string, unknown>): string[] {
  const told = values.entries().filter(([, value]) => value !== undefined)
  return Array.from(told, ([key, value]) => member(key, stringifyJson(value)))
}

function member(key: string, text: string): string {
  return `${stringifyJson(key)}: ${text}`
}

function objectText(members: readonly string[]): string {
  return `{${members.join(", ")}}`
}
