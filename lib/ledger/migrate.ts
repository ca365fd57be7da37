import type { Database } from "bun:sqlite"
import { chmodSync, renameSync, rmSync } from "node:fs"
import { LedgerUnusable } from "./errors.ts"
import tables from "./migrations/001_tables.sql" with { type: "text" }
import views from "./migrations/002_views.sql" with { type: "text" }
import schedule from "./migrations/003_schedule.sql" with { type: "text" }
import dailyAttempts from "./migrations/004_daily_attempts.sql" with { type: "text" }
import cod from "./migrations/005_cod.sql" with { type: "text" }
import thumbnails from "./migrations/006_thumbnails.sql" with { type: "text" }
import page from "./migrations/007_page.sql" with { type: "text" }

/** In order; a ledger's `user_version` counts how many of them it has. Published ones are never edited. */
const MIGRATIONS: readonly string[] = [tables, views, schedule, dailyAttempts, cod, thumbnails, page]

/** The version that this program gives a ledger. */
export const LEDGER_VERSION = MIGRATIONS.length

/**
 * Brings an older ledger up to this program in one transaction, after a copy of it was set aside; refuses a newer one.
 * Two processes may start at once: whoever gets the write lock second finds nothing left to do.
 */
export function migrate(db: Database, path: string, { readonly, now }: { readonly: boolean; now: string }) {
  const found = version(db)
  if (found > LEDGER_VERSION) {
    throw new LedgerUnusable(
      `the ledger is newer than this program: ${path} has version ${found}, this program knows ${LEDGER_VERSION}`,
      "Update the program; an older one could misread it.",
    )
  }
  if (found === LEDGER_VERSION) return
  if (readonly) {
    throw new LedgerUnusable(
      `the ledger is older than this program: ${path}`,
      "Run any script that writes (discover, copy) once; it migrates the ledger.",
    )
  }
  if (found > 0) setAside(db, path, found)
  db.transaction(() => {
    const from = version(db)
    for (const migration of MIGRATIONS.slice(from)) db.run(migration)
    if (from === 0) {
      db.query("insert into ledger (ledger_id, created_at) values (?, ?)").run(crypto.randomUUID(), now)
    }
    db.run(`pragma user_version = ${LEDGER_VERSION}`)
  }).immediate()
}

function version(db: Database): number {
  return db.query<{ user_version: number }, []>("pragma user_version").get()?.user_version ?? 0
}

/** The copy gets its name only once it is whole: a crash leaves none that could be taken for one. */
function setAside(db: Database, path: string, found: number) {
  const copy = `${path}.before-migration-${found}`
  const unfinished = `${copy}.${process.pid}`
  rmSync(unfinished, { force: true })
  db.query("vacuum into ?").run(unfinished)
  chmodSync(unfinished, 0o600)
  // Versions only grow: one that still is the same was the same while it was copied.
  if (version(db) === found) renameSync(unfinished, copy)
  else rmSync(unfinished)
}
