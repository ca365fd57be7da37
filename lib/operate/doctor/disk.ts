import { readdirSync, statSync } from "node:fs"
import { statfs } from "node:fs/promises"
import { dirname, join } from "node:path"
import { nearestFolder } from "../../storage/file-folders.ts"
import { bytes } from "../../support/text.ts"
import { fault, ok, type Result } from "./finding.ts"

/** Free space that the ledger's disk must have beside the size of the ledger, unless somebody says otherwise. */
export const LEDGER_RESERVE_BYTES = 1e9

/**
 * Room for what a night adds to the ledger and its write-ahead log; and for one copy of it, which a backup makes, and a
 * migration before it begins.
 */
export function checkLedgerDisk(ledgerPath: string, reserveBytes: number): Promise<Result> {
  const size = sizeOf(ledgerPath)
  return checkRoom(
    dirname(ledgerPath),
    reserveBytes + size,
    "Free space there, or let LEDGER_PATH name another disk.",
  )
}

/** Room for all that may lie in the spool, less what does already. */
export function checkSpoolDisk(folder: string, capacity: number): Promise<Result> {
  const { bytes: used } = spooled(folder)
  return checkRoom(
    folder,
    Math.max(0, capacity - used),
    "Free space there, let SPOOL_DIR name another disk, or set SPOOL_BYTES lower.",
  )
}

async function checkRoom(folder: string, needed: number, fix: string): Promise<Result> {
  const free = await freeBytes(folder)
  const told = `${bytes(free)} free in ${folder}`
  return free >= needed ? ok(told) : fault(`${told}, ${bytes(needed)} needed`, fix)
}

/** Of the disk that a folder is on, or will be when it is made. */
export async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(nearestFolder(folder))
  return bavail * bsize
}

/** What lies in the spool now; nothing where there is no such folder, or it is for others than whoever looks. */
export function spooled(folder: string): { readonly files: number; readonly bytes: number } {
  const sizes = filesIn(folder).map((name) => sizeOf(join(folder, name)))
  return { files: sizes.length, bytes: sizes.reduce((sum, size) => sum + size, 0) }
}

function filesIn(folder: string): string[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true })
    return entries.filter((entry) => entry.isFile()).map(({ name }) => name)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === "ENOENT" || code === "EACCES") return []
    throw error
  }
}

/** Bodies come and go while one looks. */
function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}
