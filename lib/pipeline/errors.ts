import { AppError, type Facts } from "../support/errors.ts"

/** The PACS names a source that cannot be one: another bucket, a path out of the bucket, a control character. */
export class InvalidSource extends AppError {
  constructor(message: string, facts: Facts) {
    super(message, { verdict: "give-up", facts, hint: "Mend file_path in the PACS." })
  }
}

/** Something else stands at the destination, and it was not us who put it there. It is never overwritten. */
export class DestinationConflict extends AppError {
  constructor(message: string, facts: Facts) {
    super(message, {
      verdict: "give-up",
      facts,
      hint: "Look at both; then remove the one at the destination, or replace it with copy STUDY_ID --force.",
    })
  }
}

/** Something stands at the destination and we may not look at it (the right to create objects only). */
export class DestinationExistsUnreadable extends AppError {
  constructor(message: string, facts: Facts, cause: unknown) {
    super(message, {
      verdict: "give-up",
      facts,
      cause,
      hint: "Grant storage.objects.get on the destination, then run copy --retry-failed.",
    })
  }
}

/** Neither the origin nor the database has it. */
export class SourceMissing extends AppError {
  constructor(message: string, facts: Facts) {
    super(message, { verdict: "missing", facts })
  }
}
