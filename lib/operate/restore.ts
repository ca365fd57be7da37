import { existsSync } from "node:fs"
import { basename, join, resolve } from "node:path"
import { backupFolder } from "../ledger/backup.ts"
import { openLedger } from "../ledger/open.ts"
import { type Inspected, inspectBackup, requireReplaceable, swapIn } from "../ledger/restore.ts"
import { type Clock, systemClock } from "../support/clock.ts"
import { UsageError } from "../support/errors.ts"

export interface RestoreReport {
  readonly backup: string
  readonly holds: Inspected
  readonly ledger: string
  /** Where the replaced ledger stands; null where there was none, and in a dry run. */
  readonly kept: string | null
  readonly dry_run: boolean
}

/**
 * Puts a backup in the ledger's place after reading all of it; the replaced ledger is kept.
 * @param file a path, or the name of a backup beside the ledger
 * @throws UsageError, BackupRefused, HeldByAnother
 */
export function restoreBackup(
  ledgerPath: string,
  file: string,
  { dryRun = false, clock = systemClock }: { readonly dryRun?: boolean; readonly clock?: Clock } = {},
): RestoreReport {
  const path = pathOf(ledgerPath, file)
  const holds = inspectBackup(path)
  const backup = { path, ledgerId: holds.ledger_id }
  requireReplaceable(ledgerPath, backup, clock.now())
  const kept = dryRun ? undefined : swapIn(backup, ledgerPath, clock.now())
  // An older one is migrated now, and not by the first run at night.
  if (!dryRun) openLedger(ledgerPath, { clock })[Symbol.dispose]()
  return { backup: path, holds, ledger: ledgerPath, kept: kept ?? null, dry_run: dryRun }
}

function pathOf(ledgerPath: string, file: string): string {
  const found = [resolve(file), join(backupFolder(ledgerPath), basename(file))].find((path) =>
    existsSync(path),
  )
  if (found === undefined) {
    throw new UsageError(`there is no such backup: ${file}`, "See bun run backup list.")
  }
  if (found === resolve(ledgerPath)) {
    throw new UsageError(`this is the ledger itself: ${file}`, "Name a backup of it: bun run backup list.")
  }
  return found
}
