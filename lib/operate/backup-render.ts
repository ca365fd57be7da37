import type { Backup } from "../ledger/backup.ts"
import { bytes, count, plural, safe, table } from "../support/text.ts"
import type { BackupReport } from "./backup.ts"
import type { RestoreReport } from "./restore.ts"

export function renderBackup({ backup, removed, copied_to, dry_run }: BackupReport): string {
  const did = (done: string, would: string) => (dry_run ? would : done)
  return [
    `${did("backed up to", "would back up to")} ${safe(backup.path)}, ${did("", "at most ")}${bytes(backup.bytes)}`,
    ...(copied_to === null ? [] : [`${did("copied to", "would copy it to")} ${safe(copied_to)}`]),
    ...removed.map((name) => `${did("removed", "would remove")} ${safe(name)}`),
  ].join("\n")
}

export function renderBackups(backups: readonly Backup[]): string {
  if (backups.length === 0) return "no backups yet: bun run backup"
  return table(
    ["backup", "taken", "size"],
    backups.map(({ name, taken_at, bytes: size }) => [name, taken_at, bytes(size)]),
  )
}

export function renderRestore({ backup, holds, ledger, kept, dry_run }: RestoreReport): string {
  const { studies, complete, last_run_at, version } = holds
  return [
    `${dry_run ? "would restore" : "restored"} ${safe(backup)}`,
    `  it holds ${plural(studies, "study", "studies")}, ${count(complete)} complete; its last run began ${last_run_at ?? "never"}; version ${version}`,
    ...(dry_run ? [`  ${safe(ledger)} would be kept beside it`] : []),
    ...(kept === null ? [] : [`  the replaced ledger is ${safe(kept)}`]),
    ...(dry_run ? [] : ["What was copied since then is found again: bun run discover, then bun run copy."]),
  ].join("\n")
}
