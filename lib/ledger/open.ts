import { Database, SQLiteError } from "bun:sqlite"
import { chmodSync, existsSync, mkdirSync, statSync } from "node:fs"
import { dirname } from "node:path"
import { type Clock, systemClock } from "../support/clock.ts"
import { useWal } from "../support/wal.ts"
import { asLedgerError, LedgerUnusable } from "./errors.ts"
import { migrate } from "./migrate.ts"
import { applyTally, Tally } from "./tally.ts"

/** An open ledger. The modules of this folder are functions over it, one module per table. */
export interface Ledger extends Disposable {
  readonly path: string
  /** Random, made with the file: tells our objects at the destination from anybody else's. */
  readonly id: string
  readonly clock: Clock
  readonly db: Database
  /** Time now as the ledger writes it. */
  now(): string
  /**
   * One BEGIN IMMEDIATE transaction. Nested calls are part of the outer one: what fails in one of them fails all of it.
   * Changes of totals are collected in the tally and written once, at the end.
   * @throws LedgerUnusable, LedgerBusy
   */
  write<T>(work: (tally: Tally) => T): T
  /** Reads as of one moment. @throws LedgerUnusable, LedgerBusy */
  read<T>(work: () => T): T
}

export interface LedgerOptions {
  readonly clock?: Clock
  /** Never changes the file; a ledger that does not exist yet is an empty one in memory. For `--dry-run` and `status`. */
  readonly readonly?: boolean
  /** Refuses a ledger that does not exist, instead of making it (false). */
  readonly mustExist?: boolean
  /** How long a writer waits for another, in milliseconds. */
  readonly busyTimeoutMs?: number
}

/**
 * Opens the ledger, makes it when it is not there, migrates it when it is older than this program.
 * @param path of the SQLite file; its folder is made with mode 0700, the file with 0600.
 * @throws LedgerUnusable newer than this program, damaged, not writable, disk full
 * @throws LedgerBusy another process migrates it for longer than the busy timeout
 */
export function openLedger(path: string, options: LedgerOptions = {}): Ledger {
  refuseFolder(path)
  const clock = options.clock ?? systemClock
  const busyTimeoutMs = options.busyTimeoutMs ?? 30_000
  const readonly = options.readonly === true && existsSync(path)
  const inMemory = options.readonly === true && !readonly
  const mustExist = options.mustExist === true
  try {
    const db = inMemory ? new Database(":memory:", { strict: true }) : openFile(path, { readonly, mustExist })
    try {
      db.run(`pragma busy_timeout = ${busyTimeoutMs}`)
      refuseForeign(db, path)
      prepare(db, { readonly, busyTimeoutMs })
      migrate(db, path, { readonly, now: clock.now().toISOString() })
      return ledgerOver(db, path, clock)
    } catch (error) {
      db.close()
      throw error
    }
  } catch (error) {
    throw asLedgerError(error, path)
  }
}

/** SQLite would call it a failing disk. */
function refuseFolder(path: string) {
  if (!isFolder(path)) return
  throw new LedgerUnusable(`the ledger's path is a folder: ${path}`, "Let LEDGER_PATH name a file in it.")
}

function isFolder(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    // What may not be looked at, or lies below a file, is refused when it is opened.
    if (code === "EACCES" || code === "ENOTDIR") return false
    throw error
  }
}

function openFile(
  path: string,
  { readonly, mustExist }: { readonly readonly: boolean; readonly mustExist: boolean },
): Database {
  if (mustExist) return new Database(path, { create: false, readwrite: !readonly, readonly, strict: true })
  if (readonly) return new Database(path, { readonly: true, strict: true })
  makeFolder(dirname(path))
  const isNew = !existsSync(path)
  const db = new Database(path, { create: true, readwrite: true, strict: true })
  if (isNew) {
    chmodSync(path, 0o600)
    shapeFile(db)
  }
  return db
}

/**
 * Of a file that is still empty, else without effect. Rows of some 300 bytes fill pages of 8 kB better than those of 4:
 * a ledger of a million studies is 5 % smaller. And room that was freed can be given back without rewriting the file.
 */
function shapeFile(db: Database) {
  try {
    db.run("pragma page_size = 8192")
    db.run("pragma auto_vacuum = incremental")
  } catch (error) {
    // Another process makes the file at this moment, and shapes it.
    if (!(error instanceof SQLiteError && error.code?.startsWith("SQLITE_BUSY"))) throw error
  }
}

function makeFolder(folder: string) {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  } catch (cause) {
    throw new LedgerUnusable(
      `the ledger's folder cannot be made: ${folder}`,
      "Check LEDGER_PATH and its rights.",
      cause,
    )
  }
}

/** Somebody else's database is not to be turned into a ledger because LEDGER_PATH names it by mistake. */
function refuseForeign(db: Database, path: string) {
  const { tables, version } = db
    .query<{ tables: number; version: number }, []>(
      `select (select count(*) from sqlite_schema) as tables, user_version as version from pragma_user_version`,
    )
    .get()!
  const ours = db.query("select 1 from sqlite_schema where name = 'ledger'").get() !== null
  if ((tables > 0 || version > 0) && !ours) {
    throw new LedgerUnusable(`not a ledger, but another SQLite database: ${path}`, "Check LEDGER_PATH.")
  }
}

/** More than there are different ones in this folder. */
const STATEMENTS = 500

function prepare(db: Database, { readonly, busyTimeoutMs }: { readonly: boolean; busyTimeoutMs: number }) {
  // A copy has more statements than Bun's 20: going round, each would be compiled anew every time.
  Database.MAX_QUERY_CACHE_SIZE = STATEMENTS
  db.run("pragma foreign_keys = on")
  if (readonly) return
  useWal(db, busyTimeoutMs)
  // With NORMAL a commit may roll back after power loss, and an effect would be forgotten.
  db.run("pragma synchronous = full")
}

function ledgerOver(db: Database, path: string, clock: Clock): Ledger {
  const id = db.query<{ ledger_id: string }, []>("select ledger_id from ledger").get()?.ledger_id
  if (id === undefined) throw new LedgerUnusable(`not a ledger: ${path}`, "Check LEDGER_PATH.")
  // Made once: making one costs as much as a small transaction.
  const transaction = db.transaction((work: () => unknown) => work())
  let outer: Tally | undefined
  // A nested write that failed has left some of its changes: the outer one must not commit them.
  let broken: { readonly error: unknown } | undefined

  function write<T>(work: (tally: Tally) => T): T {
    if (outer !== undefined) return nested(outer, work)
    const tally = new Tally()
    outer = tally
    const whole = () => {
      const result = work(tally)
      if (broken !== undefined) throw broken.error
      applyTally(db, tally)
      return result
    }
    try {
      return transaction.immediate(whole) as T
    } catch (error) {
      throw asLedgerError(error, path)
    } finally {
      outer = undefined
      broken = undefined
    }
  }

  function nested<T>(tally: Tally, work: (tally: Tally) => T): T {
    try {
      return work(tally)
    } catch (error) {
      broken = { error }
      throw error
    }
  }

  function read<T>(work: () => T): T {
    try {
      return db.inTransaction ? work() : (transaction.deferred(work) as T)
    } catch (error) {
      throw asLedgerError(error, path)
    }
  }

  return {
    path,
    id,
    clock,
    db,
    now: () => clock.now().toISOString(),
    write,
    read,
    [Symbol.dispose]: () => db.close(),
  }
}
