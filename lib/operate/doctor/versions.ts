import { Database } from "bun:sqlite"
import { PINNED_BUN } from "../../support/version.ts"
import { fault, ok, type Result } from "./finding.ts"

/** The runtime must be the one that everything was tested with: what the design rests on was measured on it. */
export function checkBun(version: string): Result {
  if (version === PINNED_BUN) return ok(version)
  const which = Bun.semver.order(version, PINNED_BUN) < 0 ? "an older one" : "a newer one"
  return fault(
    `${version}, ${which} than ${PINNED_BUN}, which this program is tested with`,
    `npm install, then npm run NAME or node_modules/.bin/bun run NAME; or: npm install --global bun@${PINNED_BUN}`,
  )
}

/** STRICT tables came with 3.37, and the sqlite3 CLI needs to know them too. https://sqlite.org/stricttables.html */
const OLDEST_SQLITE = "3.38.0"

/** On Linux SQLite comes with Bun; on macOS it is the system's. */
export function checkSqlite(version = sqliteVersion()): Result {
  if (Bun.semver.order(version, OLDEST_SQLITE) >= 0) return ok(version)
  return fault(`${version}, older than ${OLDEST_SQLITE}`, "Update the system, or run this on Linux.")
}

function sqliteVersion(): string {
  using db = new Database(":memory:")
  return db.query<{ version: string }, []>("select sqlite_version() as version").get()!.version
}
