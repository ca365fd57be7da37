import { Database, SQLiteError } from "bun:sqlite"
import { existsSync, linkSync, renameSync, rmSync } from "node:fs"
import { dirname } from "node:path"
import { AppError, HeldByAnother } from "../support/errors.ts"
import { isDead, type Owner } from "../support/owner.ts"
import { writeBackWal } from "../support/wal.ts"
import { copyWhole, syncToDisk } from "./backup.ts"
import { asLedgerError } from "./errors.ts"
import { integrityOf } from "./integrity.ts"
import { LEDGER_VERSION } from "./migrate.ts"

/** What can be told of a backup before it is put in the ledger's place. */
export interface Inspected {
  readonly ledger_id: string
  /** Of its schema; one older than this program's is migrated when it is opened. */
  readonly version: number
  readonly studies: number
  readonly complete: number
  readonly last_run_at: string | null
}

/** This file does not become the ledger. */
export class BackupRefused extends AppError {
  constructor(path: string, why: string, hint: string, cause?: unknown) {
    super(`the backup cannot be restored: ${path} ${why}`, { verdict: "give-up", hint, cause })
  }
}

/** Reads all of a backup. @throws BackupRefused no whole ledger, or newer than this program */
export function inspectBackup(path: string): Inspected {
  try {
    using db = new Database(path, { readonly: true, strict: true })
    const { version } = one<{ version: number }>(
      db,
      "select user_version as version from pragma_user_version",
    )
    if (version > LEDGER_VERSION) {
      const why = `has version ${version}, this program knows ${LEDGER_VERSION}`
      throw new BackupRefused(path, why, "Update the program.")
    }
    const { damage, orphans } = integrityOf(path)
    if (damage.length > 0 || orphans > 0) throw new BackupRefused(path, "is damaged", OTHER_BACKUP)
    return { ...one<Omit<Inspected, "version">>(db, WHAT_IT_HOLDS), version }
  } catch (cause) {
    if (cause instanceof BackupRefused) throw cause
    throw new BackupRefused(path, "is no ledger, or a damaged one", OTHER_BACKUP, cause)
  }
}

const OTHER_BACKUP = "See bun run backup list for others."

const WHAT_IT_HOLDS = `
  select ledger_id, (select count(*) from studies) as studies,
    (select count(*) from studies where completed_at is not null) as complete,
    (select max(started_at) from runs) as last_run_at
  from ledger`

function one<Row>(db: Database, sql: string): Row {
  const row = db.query<Row, []>(sql).get()
  if (row === null) throw new Error("the table ledger is empty")
  return row
}

/**
 * Refuses to replace a ledger that somebody works with, or another ledger than the one that was backed up: what it
 * created carries its id. A file that cannot be read is nobody's ledger.
 * @throws HeldByAnother, BackupRefused
 */
export function requireReplaceable(ledgerPath: string, backup: RestorableBackup, now: Date) {
  const present = existsSync(ledgerPath) ? readPresent(ledgerPath) : undefined
  if (present === undefined) return
  const run = present.openRuns.find((open) => mayBeAlive(open, now))
  if (run !== undefined) {
    throw new HeldByAnother(`run ${run.runId} (${run.script}) works with the ledger: ${ledgerPath}`, {
      facts: { host: run.host, pid: run.pid },
      hint: "Stop it, then start this again.",
    })
  }
  if (present.ledgerId !== backup.ledgerId) {
    throw new BackupRefused(
      backup.path,
      "is of another ledger than the one it would replace",
      "Check LEDGER_PATH; if it is meant so, move the present ledger away first.",
    )
  }
}

export interface RestorableBackup {
  readonly path: string
  readonly ledgerId: string
}

interface OpenRun extends Owner {
  readonly runId: number
  readonly script: string
  /** Absent in ledgers of a program that did not tell. */
  readonly alive_until?: string | null
}

/** Of whatever version it is, and without changing it. */
function readPresent(path: string): { readonly ledgerId: string; readonly openRuns: OpenRun[] } | undefined {
  try {
    using db = new Database(path, { readonly: true, strict: true })
    db.run("pragma busy_timeout = 5000")
    const { ledgerId } = one<{ ledgerId: string }>(db, "select ledger_id as ledgerId from ledger")
    const openRuns = db.query<OpenRun, []>(
      `select *, run_id as runId, boot_id as bootId, process_start as processStart
       from runs where ended_at is null`,
    )
    return { ledgerId, openRuns: openRuns.all() }
  } catch (error) {
    if (error instanceof SQLiteError && !error.code?.startsWith("SQLITE_BUSY")) return undefined
    throw asLedgerError(error, path)
  }
}

function mayBeAlive(run: OpenRun, now: Date): boolean {
  const lease = run.alive_until ?? undefined
  return !isDead(run) && (lease === undefined || lease > now.toISOString())
}

/**
 * Puts a backup in the ledger's place, in one step that others see or do not see. The replaced ledger is kept beside it.
 * @returns where it is kept; undefined when there was none
 */
export function swapIn(backup: RestorableBackup, ledgerPath: string, now: Date): string | undefined {
  const incoming = `${ledgerPath}.restored`
  rmSync(incoming, { force: true })
  copyOf(backup.path, incoming)
  // Copying takes its time: a run may have begun meanwhile.
  requireReplaceable(ledgerPath, backup, now)
  const kept = keepAside(ledgerPath, now)
  renameSync(incoming, ledgerPath)
  syncToDisk(dirname(ledgerPath))
  return kept
}

/** Through SQLite, so that what stands in a WAL beside the file is in the copy, too. */
function copyOf(backupPath: string, path: string) {
  try {
    using db = new Database(backupPath, { readonly: true, strict: true })
    copyWhole({ db, path: backupPath }, path)
  } catch (error) {
    throw asLedgerError(error, backupPath)
  }
}

/** A WAL belongs to its file: beside another one it would be taken for that one's and destroy it. */
function keepAside(ledgerPath: string, now: Date): string | undefined {
  if (!existsSync(ledgerPath)) {
    for (const end of COMPANIONS) rmSync(ledgerPath + end, { force: true })
    return undefined
  }
  // What SQLite cannot read it would clear away, and with it what a person might still find there.
  if (readPresent(ledgerPath) !== undefined) emptyWal(ledgerPath)
  const kept = `${ledgerPath}.replaced-${now.toISOString().replaceAll(":", "-")}`
  // A second name and no move: there is a ledger at its path at every moment.
  linkSync(ledgerPath, kept)
  for (const end of COMPANIONS) {
    if (existsSync(ledgerPath + end)) renameSync(ledgerPath + end, kept + end)
  }
  return kept
}

const COMPANIONS = ["-wal", "-shm"]

/** The last one to close a ledger writes its WAL into it. */
function emptyWal(ledgerPath: string) {
  try {
    using db = new Database(ledgerPath, { readwrite: true, strict: true })
    db.run("pragma busy_timeout = 5000")
    writeBackWal(db)
  } catch (error) {
    throw asLedgerError(error, ledgerPath)
  }
}
