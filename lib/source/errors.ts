import { AppError, type Facts, type Verdict } from "../support/errors.ts"

/** Base of what the PACS database can answer when it does not do what it was asked. */
export class DatabaseError extends AppError {
  constructor(
    message: string,
    facts: Facts,
    cause?: unknown,
    { verdict = "stop", hint }: { verdict?: Verdict; hint?: string } = {},
  ) {
    super(message, { verdict, facts, cause, hint })
  }
}

/** The server or the way to it failed: a refused connection, an unknown host, a restart, too many clients. */
export class DatabaseUnreachable extends DatabaseError {
  constructor(message: string, facts: Facts, cause?: unknown) {
    super(message, facts, cause, {
      verdict: "retry",
      hint:
        "Check SOURCE_DATABASE_HOST and SOURCE_DATABASE_PORT, that this machine may connect to it, and that it " +
        "speaks TLS if SOURCE_DATABASE_SSLMODE demands that.",
    })
  }
}

/** The connection stands, and nothing comes over it. */
export class DatabaseSilent extends DatabaseUnreachable {}

/** The server does not let this role in, or does not let it read a table. */
export class DatabaseRefused extends DatabaseError {
  constructor(message: string, facts: Facts, cause?: unknown) {
    super(message, facts, cause, {
      hint:
        "Check SOURCE_DATABASE_NAME, SOURCE_DATABASE_USER and SOURCE_DATABASE_PASS, and that the role may select " +
        "from the tables that README lists.",
    })
  }
}

/** The server's certificate does not prove what SOURCE_DATABASE_SSLMODE wants proved. */
export class DatabaseUntrusted extends DatabaseError {
  constructor(message: string, facts: Facts, cause?: unknown) {
    super(message, facts, cause, {
      hint: "Check SOURCE_DATABASE_SSLMODE, and that SOURCE_DATABASE_CA is the authority that signed its certificate.",
    })
  }
}

/** A table or column that the rules need is not there, or is of another type. */
export class SchemaMismatch extends DatabaseError {
  constructor(message: string, facts: Facts, cause?: unknown) {
    super(message, facts, cause, {
      hint: "Check that SOURCE_DATABASE_NAME is the PACS database, and its schema against the tables that README lists.",
    })
  }
}

/** A statement took longer than it may. */
export class DatabaseTimeout extends DatabaseError {
  constructor(message: string, facts: Facts, cause?: unknown) {
    super(message, facts, cause, {
      verdict: "retry",
      hint: "Check the load of the database, and that the indexes on study_id and series_id that README lists exist.",
    })
  }
}

/** A standby removed the rows that the snapshot still needed: only a new snapshot helps. */
export class SnapshotLost extends DatabaseError {
  constructor(message: string, facts: Facts, cause?: unknown) {
    super(message, facts, cause, {
      verdict: "retry",
      hint: "On a standby, a longer max_standby_streaming_delay or hot_standby_feedback = on prevents this.",
    })
  }
}
