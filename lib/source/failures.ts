import postgres from "postgres"
import { AppError, type Facts } from "../support/errors.ts"
import {
  DatabaseError,
  DatabaseRefused,
  DatabaseTimeout,
  DatabaseUnreachable,
  DatabaseUntrusted,
  SchemaMismatch,
  SnapshotLost,
} from "./errors.ts"

/** The database as messages name it. Its password is nowhere near. */
export interface Whereabouts {
  readonly host: string
  readonly port: number
  readonly name: string
  readonly user: string
}

/** What the driver or the server threw, as one of our own errors; anything else is passed on as it is. */
export function asDatabaseError(cause: unknown, where: Whereabouts): unknown {
  if (cause instanceof AppError || !(cause instanceof Error)) return cause
  const code = codeOf(cause)
  if (cause instanceof postgres.PostgresError) return fromServer(cause, where)
  if (code !== undefined && TRUST.test(code))
    return failure(DatabaseUntrusted, where, "cannot be trusted", cause)
  if (code !== undefined && CONNECTION.test(code))
    return failure(DatabaseUnreachable, where, "cannot be reached", cause)
  return cause
}

type FailureClass = new (message: string, facts: Facts, cause?: unknown) => DatabaseError

/** SQLSTATE (PostgreSQL documentation, appendix A) by its longest prefix here. */
const BY_STATE: Readonly<Record<string, readonly [FailureClass, string]>> = {
  "08": [DatabaseUnreachable, "lost the connection"],
  "25P03": [DatabaseTimeout, "ended a transaction that was idle for too long"],
  "25P04": [DatabaseTimeout, "ended a transaction that took too long"],
  "28": [DatabaseRefused, "refused the login"],
  "3D000": [DatabaseRefused, "refused the login"],
  "3F000": [SchemaMismatch, "lacks what the rules need"],
  "40001": [SnapshotLost, "gave up the snapshot"],
  "40P01": [SnapshotLost, "gave up the snapshot"],
  "42501": [DatabaseRefused, "refused to be read"],
  "42703": [SchemaMismatch, "lacks what the rules need"],
  "42804": [SchemaMismatch, "has another type than the rules need"],
  "42846": [SchemaMismatch, "has another type than the rules need"],
  "42883": [SchemaMismatch, "has another type than the rules need"],
  "42P01": [SchemaMismatch, "lacks what the rules need"],
  "53": [DatabaseUnreachable, "is short of resources"],
  "57014": [DatabaseTimeout, "cancelled a statement"],
  "57P": [DatabaseUnreachable, "is not available"],
  "58": [DatabaseUnreachable, "has trouble of its own"],
}

function fromServer(cause: postgres.PostgresError, where: Whereabouts): DatabaseError {
  const prefix = [5, 3, 2].map((length) => cause.code.slice(0, length)).find((start) => start in BY_STATE)
  const [Failure, what] = BY_STATE[prefix ?? ""] ?? [DatabaseError, "failed a statement"]
  return failure(Failure, where, what, cause)
}

const CONNECTION = /^(E[A-Z]+|CONNECT_TIMEOUT|CONNECTION_(CLOSED|ENDED|DESTROYED))$/
const TRUST = /CERT|TLS|SSL|HOSTNAME_MISMATCH|UNABLE_TO_VERIFY/

export function failure(
  Failure: FailureClass,
  { host, port, name, user }: Whereabouts,
  what: string,
  cause: Error,
): DatabaseError {
  const place = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`
  const facts = { host, port, database: name, user, code: codeOf(cause) }
  return new Failure(`the PACS database "${name}" at ${place} ${what}: ${cause.message}`, facts, cause)
}

function codeOf(error: Error): string | undefined {
  return "code" in error && typeof error.code === "string" ? error.code : undefined
}
