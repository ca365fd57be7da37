import { readFileSync } from "node:fs"
import { setImmediate } from "node:timers/promises"
import { checkServerIdentity } from "node:tls"
import postgres, { type PostgresType, type Sql, type TransactionSql } from "postgres"
import { Aborted, AppError } from "../support/errors.ts"
import { DatabaseSilent } from "./errors.ts"
import { asDatabaseError, failure, type Whereabouts } from "./failures.ts"

/** How the PACS database is reached. */
export interface PacsSettings extends Whereabouts {
  /** A name, an address, or the folder of a Unix socket. */
  readonly host: string
  readonly password: string
  /** As libpq names them. Only `verify-ca` and `verify-full` prove who answers. */
  readonly sslMode: "disable" | "prefer" | "require" | "verify-ca" | "verify-full"
  /** A PEM file with the authority that signed the server's certificate; without it, the usual ones. */
  readonly caPath?: string | undefined
}

/** How long the database may take. */
export interface TimeLimits {
  readonly connectMs: number
  /** For one statement, also one that fetches a batch of a cursor. */
  readonly statementMs: number
  /** For what still runs when the database is closed. */
  readonly closeMs: number
}

/** A read-only transaction: `sql` makes statements, `run` sends them. */
export interface Reading {
  readonly sql: TransactionSql
  run<T>(statement: PromiseLike<T>): Promise<T>
}

/**
 * A client with up to `max` connections, none of them open yet.
 *
 * It works behind pgbouncer in transaction mode: nothing is prepared by name, no session is given settings,
 * and the startup message holds no parameter that pgbouncer would refuse.
 */
export function connect(settings: PacsSettings, limits: TimeLimits, max: number): Sql {
  const { name, user, password } = settings
  return postgres({
    ...address(settings),
    database: name,
    user,
    password,
    max,
    ssl: tlsOptions(settings),
    prepare: false,
    fetch_types: false,
    connect_timeout: limits.connectMs / 1000,
    idle_timeout: 60,
    connection: { application_name: "vlm-eden-dataset-etl" },
    types: TYPES,
    // Notices are the database's talk with its administrators; stdout belongs to a script's report.
    onnotice: () => {},
  })
}

function address({ host, port }: PacsSettings): { host: string; port: number; path?: string } {
  if (host.startsWith("/")) return { host: "localhost", port, path: `${host}/.s.PGSQL.${port}` }
  // Its types do not tell, but only arrays keep the driver from taking an IPv6 address apart at its colons.
  return { host: [host] as unknown as string, port: [port] as unknown as number }
}

/** ISO 8601 in UTC, to the microsecond, given what the transaction sets `timezone` and `datestyle` to. */
const INSTANT: PostgresType = {
  to: 1184,
  from: [1184],
  serialize: (text: string) => text,
  parse: (text: string) => text.replace(" ", "T").replace(/\+00$/, "+00:00"),
}

const TYPES: Record<string, PostgresType> = { instant: INSTANT }

function tlsOptions({ host, sslMode, caPath }: PacsSettings) {
  switch (sslMode) {
    case "disable":
      return false
    case "prefer":
    case "require":
      return sslMode
    case "verify-ca":
      return { ...authority(caPath), rejectUnauthorized: true, checkServerIdentity: () => undefined }
    case "verify-full":
      return {
        ...authority(caPath),
        rejectUnauthorized: true,
        // By what was asked for: TLS over an open socket does not know it, and takes an address for `localhost`.
        checkServerIdentity: (_: string, certificate: Parameters<typeof checkServerIdentity>[1]) =>
          checkServerIdentity(host, certificate),
      }
  }
}

function authority(caPath: string | undefined) {
  return caPath === undefined ? {} : { ca: readFileSync(caPath, "utf8") }
}

/**
 * Runs `work` in one read-only REPEATABLE READ transaction: all it reads is of one moment, and the server
 * refuses to write. Rejects with the signal's reason as soon as that aborts; the caller then ends the client.
 * @throws DatabaseError, or what `work` throws
 */
export async function readOnly<T>(
  client: Sql,
  where: Whereabouts,
  limits: TimeLimits,
  work: (reading: Reading) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  if (signal?.aborted) throw reasonOf(signal)
  using watch = watchdog(where, signal)
  // The driver's own timer is started anew whenever a proxy takes a connection and drops it.
  using connecting = watch.expect(2 * limits.connectMs)
  let closed = false
  const transaction = client.begin("isolation level repeatable read read only", async (sql) => {
    connecting[Symbol.dispose]()
    const run: Reading["run"] = async (statement) => {
      using _ = watch.expect(limits.statementMs + GRACE_MS)
      try {
        return await watch.unlessBarked(statement)
      } catch (cause) {
        throw asDatabaseError(cause, where)
      }
    }
    try {
      await run(sql`
        select set_config('statement_timeout', ${String(limits.statementMs)}, true),
          set_config('timezone', 'UTC', true), set_config('datestyle', 'ISO', true)`)
      return await work({ sql, run })
    } finally {
      // The driver would send COMMIT or ROLLBACK also to a connection that is closed, which ends the process:
      // https://github.com/porsager/postgres/issues/1208. Who never comes back to it is not answered either.
      await setImmediate()
      if (closed) await new Promise(() => {})
    }
  })
  // The driver forgets statements that were still waiting for their turn when the connection ended.
  transaction.catch((reason) => {
    closed = true
    watch.bark(reason)
  })
  try {
    return (await watch.unlessBarked(transaction)) as T
  } catch (cause) {
    throw asDatabaseError(cause, where)
  }
}

/** What the server's own timeout has to act and to tell, before we believe that nobody is there. */
const GRACE_MS = 15_000

/** Barks when the signal aborts, when what was expected within some time did not come, or when told to. */
function watchdog(where: Whereabouts, signal: AbortSignal | undefined) {
  const waiting = new Set<(reason: unknown) => void>()
  let barked: { readonly reason: unknown } | undefined
  const bark = (reason: unknown) => {
    barked ??= { reason }
    for (const reject of waiting) reject(barked.reason)
  }
  const abort = () => bark(reasonOf(signal))
  signal?.addEventListener("abort", abort, { once: true })
  return {
    bark,
    /**
     * Settles as `work` does, or rejects with the reason. No race with a promise of the watchdog's own: that would keep
     * what each statement gave for as long as the transaction lasts.
     */
    async unlessBarked<T>(work: PromiseLike<T>): Promise<T> {
      if (barked !== undefined) throw barked.reason
      const { promise, resolve, reject } = Promise.withResolvers<T>()
      waiting.add(reject)
      work.then(resolve, reject)
      try {
        return await promise
      } finally {
        waiting.delete(reject)
      }
    },
    expect(ms: number): Disposable {
      const silence = new Error(`no answer within ${ms} ms`)
      const timer = setTimeout(() => bark(failure(DatabaseSilent, where, "is silent", silence)), ms)
      return { [Symbol.dispose]: () => clearTimeout(timer) }
    },
    [Symbol.dispose]: () => signal?.removeEventListener("abort", abort),
  }
}

function reasonOf(signal: AbortSignal | undefined): AppError {
  return signal?.reason instanceof AppError ? signal.reason : new Aborted(undefined, signal?.reason)
}
