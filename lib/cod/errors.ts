import type { Facts } from "../support/errors.ts"
import { CODError, type CODErrorOptions } from "./format/errors.ts"
import type { FoundLock } from "./locking/found.ts"

export * from "./format/errors.ts"
export * from "./thumbnail/errors.ts"

/** There is no series at this place: it has no metadata.json. */
export class CODObjectNotFoundError extends CODError {
  constructor(uri: string, cause?: unknown) {
    super(`there is no series at ${uri}`, { verdict: "missing", facts: { uri }, cause })
  }
}

/** A series does not have what was asked for: an instance of that key, or so many instances. */
export class InstanceNotFoundError extends CODError {
  constructor(seriesUri: string, asked: string | number) {
    const what = typeof asked === "number" ? `index ${asked}` : `key ${JSON.stringify(asked)}`
    super(`${seriesUri} has no instance with ${what}`, {
      verdict: "missing",
      facts: { series: seriesUri, asked },
    })
  }
}

/** An instance does not have the frame that was asked for. Frames count from 1. */
export class FrameNotFoundError extends CODError {
  constructor(uri: string, frame: number, frames: number) {
    super(`${uri} has ${frames} ${frames === 1 ? "frame" : "frames"}, there is no frame ${frame}`, {
      verdict: "missing",
      facts: { uri, frame, frames },
    })
  }
}

/** Nothing in an instance says where one of its frames ends and the next one begins. */
export class FramesNotSeparableError extends CODError {
  constructor(uri: string) {
    super(`${uri}: nothing tells its frames apart`, {
      facts: { uri },
      hint: "Its description does not fit its pixels, or it has several fragments a frame and no offset table: read it as a whole.",
    })
  }
}

/** What somebody told of a file (`Hints`) is not true of it. */
export class HintMismatchError extends CODError {
  /** Which of the hints it is. */
  readonly field: string

  constructor(field: string, hint: string | number, found: string | number | undefined, uri: string) {
    super(`hint mismatch for field ${field}. Hint: ${hint}; found: ${found ?? "nothing"}`, {
      facts: { field, hint, found, uri },
      hint: "Correct or leave out the hint; the file itself may be good.",
    })
    this.field = field
  }
}

/** A file is DICOM, but lacks what an instance has to have. */
export class InstanceValidationError extends CODError {}

/** Hashed UIDs were asked of an instance that was made without a `uidHashFunc`. */
export class UidHashFuncMissingError extends CODError {
  constructor(uri: string) {
    super(`hashed UIDs need a uidHashFunc, and ${uri} was opened without one`, {
      facts: { uri },
      hint: "Hand the function in where the instance or its series is opened.",
    })
  }
}

/** Instances have nothing in common by which they could be put in order. */
export class UnsortableSeriesError extends CODError {
  constructor(seriesUri: string) {
    super(`${seriesUri}: not every instance has an InstanceNumber, nor every one a SliceLocation`, {
      facts: { series: seriesUri },
      hint: "Ask with strictSorting: false for the order in which they are stored.",
    })
  }
}

/**
 * Bytes that the metadata says to be an instance are not: too few, or with another CRC32C. Nobody was writing the series
 * meanwhile, so that reading once more will not help.
 */
export class CorruptInstanceError extends CODError {
  constructor(message: string, facts: Facts, cause?: unknown) {
    super(message, {
      facts,
      cause,
      hint: "Look at the series with `cod check`; the instance has to be stored anew from its original.",
    })
  }
}

/** The series is being written by somebody, and what was read meanwhile does not fit together. */
export class SeriesBeingRewritten extends CODError {
  constructor(seriesUri: string, waitedMs: number, cause: unknown) {
    super(`${seriesUri} is being rewritten: tar and metadata did not agree for ${waitedMs / 1000} s`, {
      verdict: "retry",
      facts: { series: seriesUri, waitedMs },
      cause,
      hint: "Read it again later. If nobody writes it, a writer died: look at its locks with `cod info`.",
    })
  }
}

/** A series' tar is not what its metadata says: thrown by `integrityCheck`, which names the first finding. */
export class TarValidationError extends CODError {}

/**
 * Tar and metadata of a series that is to be written do not belong together, and no write of ours that was cut off explains
 * it. Nothing was written: whoever goes on might bury what can be saved.
 */
export class TarDisagreesError extends TarValidationError {
  constructor(seriesUri: string, why: string, facts: Facts = {}, cause?: unknown) {
    super(`${seriesUri}: tar and metadata disagree: ${why}`, {
      facts: { series: seriesUri, ...facts },
      cause,
      hint: "Look at it with `cod check`, and mend it with `cod repair` before anything is added.",
    })
  }
}

/** What a write left is not what was written, by the store's own word: nobody may build on it before it was looked at. */
export class StoredDiffersError extends CODError {
  constructor(uri: string, wanted: Facts, found: Facts) {
    const differing = Object.keys(wanted).filter((name) => wanted[name] !== found[name])
    const words = differing.map((name) => `${name} ${found[name]} instead of ${wanted[name]}`)
    super(`${uri} was written, and the store holds something else: ${words.join(", ")}`, {
      facts: { uri, ...found },
      hint: "Look at the series with `cod check`, and mend it with `cod repair`.",
    })
  }
}

/** The metadata has an instance that the tar does not hold. */
export class TarMissingInstanceError extends TarValidationError {}

/** The tar holds an instance whose CRC32C is not the one that the metadata names. */
export class HashMismatchError extends TarValidationError {}

/** A repair would have to give instances up: their bytes are nowhere in the tar. Nothing was written. */
export class InstancesLostError extends CODError {
  /** Their keys, and what there is instead. */
  readonly lost: readonly { readonly key: string; readonly why: string }[]

  constructor(seriesUri: string, lost: readonly { readonly key: string; readonly why: string }[]) {
    const [first] = lost
    super(
      `${seriesUri}: the bytes of ${lost.length} instances are lost, ${first?.key} first: ${first?.why}`,
      {
        facts: { series: seriesUri, lost: lost.length },
        hint: "Put the tar back if there is a better one. To give them up say dropLost; the old metadata are kept.",
      },
    )
    this.lost = lost
  }
}

/** Somebody else holds the lock of a series, or took it at the same moment. */
export class LockAcquisitionError extends CODError {
  /** Undefined when it was gone again before it could be looked at. */
  readonly lock: FoundLock | undefined

  constructor(message: string, lock: FoundLock | undefined, options: CODErrorOptions) {
    super(message, { verdict: "retry", ...options })
    this.lock = lock
  }
}

/** A lock that we held is gone, or another one stands there: nothing may be written any more. */
export class LockVerificationError extends CODError {}

/** Locks could not be taken, and those that were taken already could not be given back: they hang. */
export class LocksLeftBehindError extends CODError {}

/** What is stored of a series is in doubt: somebody left an error log, and nobody writes before it is dealt with. */
export class ErrorLogExistsError extends CODError {
  constructor(seriesUri: string, cause?: unknown) {
    super(`${seriesUri} has an error log`, {
      facts: { series: seriesUri },
      cause,
      hint: "Read it with `cod error-log`, look at the series with `cod check`, then clear it or say overrideErrors.",
    })
  }
}

/** Something would be changed in a series whose lock is not held. */
export class CleanOpOnUnlockedCODObjectError extends CODError {
  constructor(operation: string, seriesUri: string, hint: string) {
    super(`${operation} needs the lock of ${seriesUri}`, { facts: { operation, series: seriesUri }, hint })
  }
}

/** What was changed here is not stored yet, and what was asked for goes by what is stored. */
export class UnsyncedStateError extends CODError {
  constructor(operation: string, seriesUri: string) {
    super(`${operation}: ${seriesUri} was changed and not synced`, {
      facts: { operation, series: seriesUri },
      hint: "Call sync() first.",
    })
  }
}

/** A field is there already, and was not to be overwritten. */
export class MetadataFieldExistsError extends CODError {
  constructor(seriesUri: string, field: string) {
    super(`${seriesUri} has a field ${JSON.stringify(field)} already`, {
      facts: { series: seriesUri, field },
    })
  }
}

/** One frame of an instance cannot be decoded; the others may be none the worse for it. */
export class UndecodableFrameError extends CODError {
  /** @param frame from 0 */
  constructor(
    why: string,
    { transferSyntax, frame, cause }: { transferSyntax: string; frame: number; cause?: unknown },
  ) {
    super(`frame ${frame} cannot be decoded: ${why}`, { facts: { transferSyntax, frame }, cause })
  }
}

/** Pixels in a transfer syntax that nobody here decodes. */
export class UnsupportedTransferSyntaxError extends CODError {
  constructor(transferSyntax: string) {
    super(`pixels in the transfer syntax ${transferSyntax} are not decoded here`, {
      facts: { transferSyntax },
    })
  }
}
