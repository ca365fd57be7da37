import { AppError, type Facts, type Verdict } from "../../support/errors.ts"

/** What an error of this library may be told beside its message. */
export interface CODErrorOptions {
  readonly verdict?: Verdict
  readonly facts?: Facts
  /** One sentence: what to do next. */
  readonly hint?: string
  readonly cause?: unknown
}

/** Base of every error that this library throws on purpose. Unless said otherwise trying again changes nothing. */
export class CODError extends AppError {
  constructor(message: string, options: CODErrorOptions = {}) {
    super(message, { ...options, verdict: options.verdict ?? "give-up" })
  }
}

/** A URI, or a name that is to become part of one, that names nothing in a datastore or leads out of it. */
export class InvalidUri extends CODError {}

/** A UID that we would write and that is not one (DICOM PS3.5, section 9.1). */
export class InvalidUid extends CODError {}

/** Bytes that are no tar, or one that cannot be read. */
export class InvalidTar extends CODError {}

/** Bytes that are no index of a tar, or one that does not hold together. */
export class InvalidIndex extends CODError {}

/** A series' metadata document, or one part of it, that cannot be understood. */
export class InvalidMetadata extends CODError {}

/** JSON text that is not JSON, or nested deeper than anybody nests. */
export class InvalidJson extends CODError {}

/** Compressed bytes (gzip, zstd, deflate) that cannot be decompressed. */
export class InvalidCompression extends CODError {}

/** Bytes that are no DICOM file, or one that cannot be read. */
export class InvalidDicom extends CODError {}

/** Something is larger than we are willing to hold: hostile, or meant for another tool. */
export class TooLarge extends CODError {
  /** `limit` in bytes, unless `what` says what it counts. */
  constructor(what: string, limit: number, options: CODErrorOptions = {}) {
    super(`${what} exceeds the limit of ${limit}`, { ...options, facts: { ...options.facts, limit } })
  }
}
