/**
 * Series as the Python package `cloud-optimized-dicom` 2.2.0 stored them, with what it reads back itself: the whole
 * collection where the checkout stands beside it, else the copies in `test/fixtures/cod`, which lack the six cases made
 * of other people's files.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"

/** One stored series. */
export interface GoldenCase {
  readonly name: string
  /** Path of the datastore's folder. */
  readonly folder: string
  /** The same as a URI, `file:///…` without a slash at its end. */
  readonly datastore: string
  readonly expected: GoldenSeries
  /** Keys of all stored objects, relative to the datastore, sorted. */
  readonly keys: readonly string[]
  /** An object's bytes as stored. */
  bytes(key: string): Uint8Array
}

/** `expected.json`: what 2.2.0 wrote and what it reads, in its own words. */
export interface GoldenSeries {
  /** The case in words. */
  readonly what: string
  readonly written_by: string
  /** As the series has them: the hashed ones where UIDs are hashed. */
  readonly study_uid: string
  readonly series_uid: string
  readonly hashed_uids: boolean
  /** What a sound integrity check must say, and what 2.2.0's own says. */
  readonly check: string
  readonly integrity_check: string
  /** By key. */
  readonly objects: Readonly<Record<string, GoldenObject>>
  /** Lower-case hexadecimal, by name of the file that went in. */
  readonly source_sha256: Readonly<Record<string, string>>
  /** How many instances each append found to be what. */
  readonly appends: readonly Readonly<Record<"new" | "same" | "conflict" | "errors", number>>[]
  /** All top-level keys of the metadata beside the UIDs and `cod`. */
  readonly metadata_fields: Readonly<Record<string, unknown>>
  /** By key in the metadata: the real or the hashed SOP Instance UID. */
  readonly instances: Readonly<Record<string, GoldenInstance>>
  /** The instances' keys as 2.2.0 sorts them. */
  readonly order: readonly string[]
}

export interface GoldenObject {
  readonly size: number
  /** Lower-case hexadecimal, of the bytes as stored. */
  readonly sha256: string
  readonly content_type: string
  readonly content_encoding: string | null
}

export interface GoldenInstance {
  /** The real UIDs, also where UIDs are hashed. */
  readonly instance_uid: string
  readonly series_uid: string
  readonly study_uid: string
  /** Bytes of the DICOM file, and their CRC32C (base64, big-endian) and SHA-256 (lower-case hexadecimal). */
  readonly size: number
  readonly crc32c: string
  readonly sha256: string
  /** In the tar. */
  readonly start_byte: number
  readonly transfer_syntax: string
  readonly has_pixeldata: boolean
  readonly number_of_frames: number
  /** As 2.2.0 wrote them: offsets of native frames are 8 bytes too large. */
  readonly offset_tables: {
    readonly CustomOffsetTable?: readonly number[]
    readonly CustomOffsetTableLengths?: readonly number[]
  }
  /**
   * Of the true frames, native slices or all fragments of a frame joined; null when there is one frame or nobody can
   * know.
   */
  readonly frames_sha256: readonly string[] | null
  /** Number of elements in the DICOM JSON, those of group 0002 among them. */
  readonly metadata_tags: number
  readonly original_path: string
  readonly dependencies: readonly string[]
  readonly diff_hash_dupe_paths: readonly string[]
  readonly modified_datetime: string
}

const WHOLE = join(import.meta.dir, "../../../shared/golden")
const COPIES = join(import.meta.dir, "../fixtures/cod/golden")

/** All cases that are there, by name. */
export function goldenCases(): GoldenCase[] {
  const root = existsSync(WHOLE) ? WHOLE : COPIES
  return readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => caseIn(root, name))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

/** A case whose images are generated: it is always there. */
export function goldenCase(name: string): GoldenCase {
  return caseIn(COPIES, name)
}

function caseIn(root: string, name: string): GoldenCase {
  const folder = join(root, name)
  const expected = JSON.parse(readFileSync(join(folder, "expected.json"), "utf8")) as GoldenSeries
  return {
    name,
    folder,
    datastore: pathToFileURL(folder).href,
    expected,
    keys: Object.keys(expected.objects).toSorted(),
    bytes: (key) => new Uint8Array(readFileSync(join(folder, key))),
  }
}
