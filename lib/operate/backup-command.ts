import { listBackups } from "../ledger/backup.ts"
import { type BackupStart, requireLedger, withBackupDeps } from "../pipeline/deps.ts"
import { UsageError } from "../support/errors.ts"
import { type BackupReport, backUp } from "./backup.ts"
import { renderBackup, renderBackups, renderRestore } from "./backup-render.ts"
import { restoreBackup } from "./restore.ts"

/** A report and how people read it. */
export interface Told<R> {
  readonly report: R
  readonly text: string
}

/**
 * `backup`, `backup list`, `backup restore FILE`.
 * @throws UsageError for anything else
 */
export async function backupCommand(start: BackupStart, words: readonly string[]): Promise<Told<unknown>> {
  const [verb, file, ...more] = words
  const { path } = start.config.ledger
  if (verb === undefined) return told(await backUpNow(start), renderBackup)
  if (verb === "list" && file === undefined) return told(listBackups(path), renderBackups)
  if (verb === "restore" && file !== undefined && more.length === 0) {
    return told(restoreBackup(path, file, start), renderRestore)
  }
  throw new UsageError(`not understood: ${words.join(" ")}`, "Expected nothing, list, or restore FILE.")
}

async function backUpNow(start: BackupStart): Promise<BackupReport> {
  requireLedger(start.config.ledger.path)
  return await withBackupDeps(start, (deps) => backUp(deps, start, start.stop.requested))
}

function told<R>(report: R, render: (report: R) => string): Told<R> {
  return { report, text: render(report) }
}
