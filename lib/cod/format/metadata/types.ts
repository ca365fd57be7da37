import type { InvalidMetadata } from "../errors.ts"
import type { OffsetTables } from "../offset-tables.ts"

/** Versions of an instance's entry: 1.0 holds its DICOM JSON inline, 2.0 compressed. */
export type MetadataVersion = "1.0" | "2.0"

/** One element of the DICOM JSON model (PS3.18, annex F) as it is stored. */
export interface StoredElement {
  readonly vr: string
  readonly Value?: readonly unknown[]
  readonly InlineBinary?: string
  /** A string by the standard, but the Python package writes an object. */
  readonly BulkDataURI?: unknown
}

/** Elements by tag, eight hexadecimal digits in capitals ("0020000D"). What others wrote may hold anything. */
export type StoredTags = Readonly<Record<string, StoredElement>>

/** What a series' metadata says of one instance. */
export interface InstanceValues {
  /** Real UIDs of the DICOM file, also where `key` is hashed; in version 1.0 those of the tags. */
  readonly instanceUid: string | undefined
  readonly seriesUid: string | undefined
  readonly studyUid: string | undefined
  /** Whether the file has (7FE0,0010); pixels as floating point do not count. */
  readonly hasPixeldata: boolean
  /** Possibly of a place where the series stood before: derive the tar from the series' own place. */
  readonly uri: string
  /** First byte of the DICOM file within the tar. */
  readonly startByte: number
  /** One behind the last byte; some writers meant the last byte itself. `startByte + size` is right for all. */
  readonly endByte: number
  /** Bytes of the DICOM file as stored. */
  readonly size: number
  /** Of the DICOM file as stored; base64 as GCS writes it. */
  readonly crc32c: string
  /** Both or neither. */
  readonly offsetTables: OffsetTables
  readonly originalPath: string
  /** URIs that its user declared superfluous once it is stored. */
  readonly dependencies: readonly string[]
  /** URIs of later arrivals with the same UID and other bytes. */
  readonly diffHashDupePaths: readonly string[]
  /** ISO 8601, as a rule local time without zone. */
  readonly modifiedDatetime: string | undefined
}

/** An instance that we understand. */
export interface InstanceRecord extends InstanceValues {
  readonly kind: "instance"
  /** In the map of instances and in the tar ("instances/KEY.dcm"): the SOP Instance UID or its hash. */
  readonly key: string
  readonly version: MetadataVersion
  /** Keys that we do not know; written again. */
  readonly unknown: ReadonlyMap<string, unknown>
  /** The entry's JSON text as it stood. */
  readonly json: string
  /** Made here: what we never write, NaN for instance, need not be looked for in it, nor in its tags. */
  readonly clean: boolean
  /**
   * DICOM JSON, decompressed at the call: again at each call unless it is small.
   *
   * @throws InvalidMetadata, TooLarge when what is stored cannot be read
   */
  tags(): StoredTags
}

/** An instance that we do not understand: the others of its series are none the worse for it. */
export interface UnreadableInstance {
  readonly kind: "unreadable"
  readonly key: string
  readonly problem: InvalidMetadata
  /** The entry's JSON text as it stood, and as it is written again. */
  readonly json: string
}

export type InstanceEntry = InstanceRecord | UnreadableInstance

/** A series' metadata document. */
export interface SeriesMetadata {
  /** As the document has them: hashed when `hashedUids`. */
  readonly studyUid: string
  readonly seriesUid: string
  readonly hashedUids: boolean
  /** In the document's order. An entry is understood when it is asked for. */
  readonly instances: ReadonlyMap<string, InstanceEntry>
  /** What users put beside `cod`, thumbnail included, in the document's order. */
  readonly fields: ReadonlyMap<string, unknown>
  /** What stands in `cod` beside the instances. */
  readonly unknown: ReadonlyMap<string, unknown>
}

/** What a reader of metadata is willing to hold. */
export interface MetadataLimits {
  /** Bytes of a document when decompressed. */
  readonly documentBytes: number
  /** Bytes of one instance's DICOM JSON when decompressed. */
  readonly tagsBytes: number
}
