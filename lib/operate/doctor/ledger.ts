import { accessSync, constants, existsSync, statSync } from "node:fs"
import { dirname, join } from "node:path"
import type { Integrity } from "../../ledger/integrity.ts"
import { openLedger } from "../../ledger/open.ts"
import { ledgerVersions } from "../../ledger/views.ts"
import { nearestFolder } from "../../storage/file-folders.ts"
import { fault, ok, type Result } from "./finding.ts"

/** Whether the ledger is of this program's version, can be written, and is whole. */
export async function checkLedger(path: string, signal: AbortSignal): Promise<Result> {
  const folder = nearestFolder(dirname(path))
  if (!statSync(folder).isDirectory())
    return fault(`${folder} is no folder`, "Let LEDGER_PATH name a file in a folder.")
  if (!isWritable(folder) || (existsSync(path) && !isWritable(path))) {
    return fault(
      `${path} cannot be written`,
      `Give the file and its folder to the user that runs this: chown -R USER ${dirname(path)}`,
    )
  }
  if (!existsSync(path)) return ok("not there yet; the first discover makes it")
  const version = versionOf(path)
  const { damage, orphans } = await integrityOf(path, signal)
  if (damage.length > 0) return fault(`damaged: ${damage.join("; ")}`, RESTORE)
  if (orphans > 0) return fault(`${orphans} rows refer to rows that are not there`, RESTORE)
  return ok(`version ${version}, whole`)
}

const INTEGRITY = join(import.meta.dir, "../../ledger/integrity.ts")

const RESTORE =
  "Stop what writes it, keep the file, put a backup in its place (bun run backup restore FILE), then: bun run verify " +
  "--repair. Without a backup it can be rebuilt from the receipts: bun run verify --rebuild-ledger FILE."

/** @throws LedgerUnusable newer, older or no ledger at all */
function versionOf(path: string): number {
  using ledger = openLedger(path, { readonly: true })
  return ledgerVersions(ledger).ledger_schema
}

/** In a process of its own: SQLite reads the whole file in one call, which nothing within this one could end. */
async function integrityOf(path: string, signal: AbortSignal): Promise<Integrity> {
  const child = Bun.spawn({
    cmd: [process.execPath, "--no-env-file", INTEGRITY, path],
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
    signal,
    killSignal: "SIGKILL",
  })
  return JSON.parse(await new Response(child.stdout).text())
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK)
    return true
  } catch {
    return false
  }
}
