import {
  CODError,
  CODObjectNotFoundError,
  FrameNotFoundError,
  InstanceNotFoundError,
  ThumbnailMissingError,
  TooLarge,
  UndecodableFrameError,
  UnsupportedTransferSyntaxError,
} from "../../cod/index.ts"
import { NotFound, StorageError } from "../../storage/errors.ts"
import { AppError, UsageError } from "../../support/errors.ts"

/** 404: there is no such thing. 502: there is, and it cannot be shown. 503: nobody can tell at the moment. */
export type NotShownStatus = 404 | 502 | 503

/** Something of a series cannot be shown. The message is for whoever looks at the page: few words, no URI, no key. */
export class NotShown extends AppError {
  readonly status: NotShownStatus

  constructor(message: string, status: NotShownStatus, cause?: unknown) {
    super(message, { verdict: status === 404 ? "missing" : status === 503 ? "retry" : "give-up", cause })
    this.status = status
  }
}

/**
 * Why something is not shown, in words for a page. What is no failure that we know is a defect, and thrown.
 * @param timedOut the time was over that this may take
 */
export function notShown(error: unknown, timedOut: boolean): NotShown {
  if (error instanceof NotShown) return error
  if (timedOut) return new NotShown("The datastore does not answer.", 503, error)
  for (const [kind, message, status] of KNOWN) {
    if (error instanceof kind) return new NotShown(message, status, error)
  }
  throw error
}

/** The more special ones first. */
const KNOWN: readonly (readonly [new (...given: never[]) => Error, string, NotShownStatus])[] = [
  [CODObjectNotFoundError, "The series is not in the datastore.", 404],
  [NotFound, "It is not in the datastore.", 404],
  [ThumbnailMissingError, "The series has no thumbnail.", 404],
  [InstanceNotFoundError, "The series has no such image.", 404],
  [FrameNotFoundError, "The image has no such frame.", 404],
  [TooLarge, "It is too large to be shown here.", 502],
  [UnsupportedTransferSyntaxError, "Nobody here decodes its transfer syntax.", 502],
  [UndecodableFrameError, "The frame cannot be decoded.", 502],
  [CODError, "What is stored of it is damaged.", 502],
  [StorageError, "The datastore cannot be reached.", 503],
  // Of the configuration: the ledger is bound to another datastore, or to another key of UIDs.
  [UsageError, "The configured datastore cannot be used.", 503],
]
