import { type Database, SQLiteError } from "bun:sqlite"

const PAUSE_MS = 5

/**
 * Turns a database's journal to WAL. Two processes that turn the journal of a new file at one moment are in each
 * other's way, and SQLite tells them SQLITE_BUSY at once, whatever their busy timeout (sqlite.org/c3ref/busy_handler.html).
 * @throws SQLiteError SQLITE_BUSY after `waitMs`
 */
export function useWal(db: Database, waitMs: number) {
  const deadline = performance.now() + waitMs
  for (;;) {
    try {
      db.run("pragma journal_mode = wal")
      return
    } catch (error) {
      const busy = error instanceof SQLiteError && error.code?.startsWith("SQLITE_BUSY")
      if (!busy || performance.now() >= deadline) throw error
      Bun.sleepSync(PAUSE_MS)
    }
  }
}

/** Brings all that the WAL holds into the file, for one that is to be moved. */
export function writeBackWal(db: Database) {
  db.run("pragma wal_checkpoint(truncate)")
}
