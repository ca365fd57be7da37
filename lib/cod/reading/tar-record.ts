import type { Generation } from "../../storage/store.ts"
import { tarUri } from "../format/layout.ts"
import type { SeriesMetadata } from "../format/metadata/types.ts"
import type { Series } from "./series.ts"

/**
 * Name of the top-level field in which a writer of ours leaves which tar its metadata belongs to:
 * `{ "uri": "D/…/SE.tar", "generation": "1700000000000000", "size": 10240, "instances": "<SHA-256, hexadecimal>",
 * "offset_tables": "exact" }`.
 * The Python package keeps the field as it is when it writes the series itself; therefore the digest.
 */
export const TAR_RECORD = "tar_record"

/** What a writer of ours says of the tar that it wrote. */
export interface TarRecord {
  readonly uri: string
  readonly generation: Generation
  /** Bytes of the whole tar. */
  readonly size: number
  /** `instancesDigest` of the metadata that was written with it. */
  readonly instances: string
  /** `exact` when none of the offset tables is of the Python package's kind, whose native offsets are 8 too large. */
  readonly offset_tables?: "exact"
}

/**
 * SHA-256, in hexadecimal, of where all instances lie and what they are: a line of JSON `[key, startByte, size, crc32c]`
 * for each, ordered by key. An instance that cannot be understood counts with its key alone.
 */
export function instancesDigest({ instances }: SeriesMetadata): string {
  const hasher = new Bun.CryptoHasher("sha256")
  for (const key of [...instances.keys()].toSorted()) {
    const entry = instances.get(key)
    const line = entry?.kind === "instance" ? [key, entry.startByte, entry.size, entry.crc32c] : [key]
    hasher.update(`${JSON.stringify(line)}\n`)
  }
  return hasher.digest("hex")
}

/** The record in a series' metadata, where there is one and nobody else has written the series since. */
export function tarRecordOf(
  { place }: Pick<Series, "place">,
  metadata: SeriesMetadata,
): TarRecord | undefined {
  const field = metadata.fields.get(TAR_RECORD)
  if (!isTarRecord(field) || field.uri !== tarUri(place)) return undefined
  return field.instances === instancesDigest(metadata) ? field : undefined
}

function isTarRecord(field: unknown): field is TarRecord {
  if (typeof field !== "object" || field === null) return false
  const { uri, generation, size, instances } = field as Record<string, unknown>
  return (
    typeof uri === "string" &&
    typeof generation === "string" &&
    typeof size === "number" &&
    typeof instances === "string"
  )
}
