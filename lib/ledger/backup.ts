import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
} from "node:fs"
import { basename, dirname, join } from "node:path"
import { asLedgerError } from "./errors.ts"
import type { Ledger } from "./open.ts"

/** One whole copy of a ledger, as it was at one moment. */
export interface Backup {
  readonly name: string
  readonly path: string
  /** ISO 8601, to the second. */
  readonly taken_at: string
  readonly bytes: number
}

/** So many stand beside the ledger. */
export const KEPT_BACKUPS = 7

/** Backups stand beside the ledger, for its owner alone. */
export function backupFolder(ledgerPath: string): string {
  return join(dirname(ledgerPath), "backups")
}

/** `ledger-2026-03-01T02-00-00Z.sqlite`: names sort by time, and every file system takes them. */
export function backupName(takenAt: Date): string {
  return `ledger-${takenAt.toISOString().slice(0, 19).replaceAll(":", "-")}Z.sqlite`
}

const NAME = /^ledger-(\d{4}-\d\d-\d\d)T(\d\d)-(\d\d)-(\d\d)Z\.sqlite$/

/** The backups beside a ledger, the newest first. */
export function listBackups(ledgerPath: string): Backup[] {
  const folder = backupFolder(ledgerPath)
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .filter((name) => NAME.test(name))
    .toSorted()
    .reverse()
    .map((name) => backupAt(join(folder, name)))
}

function backupAt(path: string): Backup {
  const name = basename(path)
  const [, day, hour, minute, second] = NAME.exec(name)!
  return { name, path, taken_at: `${day}T${hour}:${minute}:${second}Z`, bytes: statSync(path).size }
}

/**
 * Copies the ledger as it is now into one file without gaps, while others go on writing it. The file has its name once
 * it is whole and on the disk.
 * @throws LedgerUnusable damaged, or no space left
 */
export function takeBackup(ledger: Ledger): Backup {
  const folder = backupFolder(ledger.path)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const path = join(folder, backupName(ledger.clock.now()))
  copyWhole(ledger, path)
  return backupAt(path)
}

/** Removes all but the newest, and what a crash left unfinished. @returns the removed ones */
export function pruneBackups(ledgerPath: string): Backup[] {
  const old = listBackups(ledgerPath).slice(KEPT_BACKUPS)
  for (const { path } of old) rmSync(path, { force: true })
  for (const path of abandoned(backupFolder(ledgerPath))) rmSync(path, { force: true })
  return old
}

/** Nobody has written them for an hour. */
function abandoned(folder: string): string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .filter((name) => name.includes(UNFINISHED))
    .map((name) => join(folder, name))
    .filter((path) => (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0) < Date.now() - HOUR_MS)
}

const UNFINISHED = ".unfinished-"
const HOUR_MS = 3_600_000

/**
 * Copies a ledger to a path where nothing stands yet; where something does, that was copied within the same second and
 * is left.
 */
export function copyWhole(ledger: Pick<Ledger, "db" | "path">, path: string) {
  const unfinished = `${path}${UNFINISHED}${process.pid}`
  rmSync(unfinished, { force: true })
  try {
    ledger.db.query("vacuum into ?").run(unfinished)
    chmodSync(unfinished, 0o600)
    syncToDisk(unfinished)
    if (!existsSync(path)) linkSync(unfinished, path)
    syncToDisk(dirname(path))
  } catch (error) {
    throw asLedgerError(error, ledger.path)
  } finally {
    rmSync(unfinished, { force: true })
  }
}

/** SQLite does not wait for the disk when it writes such a copy. */
export function syncToDisk(path: string) {
  const file = openSync(path, "r")
  try {
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

/** Of the ledger as it stands, with what its WAL holds: at most so much is a copy of it. */
export function ledgerBytes(ledger: Ledger): number {
  return ledger.db
    .query<{ bytes: number }, []>(
      "select page_count * page_size as bytes from pragma_page_count, pragma_page_size",
    )
    .get()!.bytes
}
