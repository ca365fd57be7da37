import {
  type Backup,
  backupFolder,
  backupName,
  KEPT_BACKUPS,
  ledgerBytes,
  listBackups,
  pruneBackups,
  takeBackup,
} from "../ledger/backup.ts"
import type { Ledger } from "../ledger/open.ts"
import { PreconditionFailed } from "../storage/errors.ts"
import type { ObjectInfo, ObjectStore } from "../storage/store.ts"
import { crc32cOfFile } from "../support/checksums.ts"
import { AppError } from "../support/errors.ts"

export interface BackupDeps {
  readonly ledger: Ledger
  /** Where backups are copied to; undefined where none is configured. */
  readonly store: ObjectStore | undefined
}

export interface BackupReport {
  readonly backup: Backup
  /** Removed, for they are older than the newest 7. */
  readonly removed: readonly string[]
  readonly copied_to: string | null
  readonly dry_run: boolean
}

/** The copy at LEDGER_BACKUP_URI is not the backup that stands here. */
export class BackupDiffers extends AppError {
  constructor(store: string, key: string) {
    super("another object stands where the backup would be copied to", {
      verdict: "give-up",
      facts: { store, key },
      hint: "Two ledgers may share LEDGER_BACKUP_URI: give each a prefix of its own.",
    })
  }
}

/**
 * Takes a backup beside the ledger, keeps the newest 7 there, and copies it to the store where there is one. Nothing at
 * the store is ever replaced or removed: a rule of the bucket may do that.
 * @throws LedgerUnusable, StorageError, BackupDiffers
 */
export async function backUp(
  { ledger, store }: BackupDeps,
  { dryRun = false }: { readonly dryRun?: boolean } = {},
  signal?: AbortSignal,
): Promise<BackupReport> {
  if (dryRun) return preview({ ledger, store })
  const backup = takeBackup(ledger)
  return { ...(await keep({ ledger, store }, backup, signal)), dry_run: false }
}

/**
 * The backup of today, UTC, unless it was taken; and its copy at the store, unless it is there.
 * @returns undefined when nothing was due
 * @throws as `backUp`
 */
export async function backupIfDue(deps: BackupDeps, signal?: AbortSignal): Promise<BackupReport | undefined> {
  const { ledger, store } = deps
  const [newest] = listBackups(ledger.path)
  if (newest?.taken_at.slice(0, 10) !== ledger.now().slice(0, 10)) return await backUp(deps, {}, signal)
  if (store === undefined || (await store.head(newest.name, signal)) !== undefined) return undefined
  return { ...(await keep(deps, newest, signal)), dry_run: false }
}

async function keep({ ledger, store }: BackupDeps, backup: Backup, signal: AbortSignal | undefined) {
  const removed = pruneBackups(ledger.path).map(({ name }) => name)
  if (store === undefined) return { backup, removed, copied_to: null }
  await copyTo(store, backup, signal)
  return { backup, removed, copied_to: `${store.uri}/${backup.name}` }
}

/** Created or found whole, by size and CRC32C; never replaced. */
async function copyTo(store: ObjectStore, { name, path }: Backup, signal: AbortSignal | undefined) {
  const file = Bun.file(path)
  const crc32c = await crc32cOfFile(path, signal)
  const stored = await create(store, name, { file, crc32c }, signal)
  if (stored?.size !== file.size || stored.crc32c !== crc32c) throw new BackupDiffers(store.uri, name)
}

async function create(
  store: ObjectStore,
  key: string,
  { file, crc32c }: { readonly file: ReturnType<typeof Bun.file>; readonly crc32c: string },
  signal: AbortSignal | undefined,
): Promise<ObjectInfo | undefined> {
  const contentType = "application/vnd.sqlite3"
  try {
    return await store.write(key, file, { ifGeneration: "absent", crc32c, contentType }, signal)
  } catch (error) {
    // It may have come there by an earlier try whose answer was lost.
    if (error instanceof PreconditionFailed) return await store.head(key, signal)
    throw error
  }
}

function preview({ ledger, store }: BackupDeps): BackupReport {
  const now = ledger.clock.now()
  const name = backupName(now)
  const path = `${backupFolder(ledger.path)}/${name}`
  return {
    backup: { name, path, taken_at: now.toISOString(), bytes: ledgerBytes(ledger) },
    removed: listBackups(ledger.path)
      .slice(KEPT_BACKUPS - 1)
      .map(({ name }) => name),
    copied_to: store === undefined ? null : `${store.uri}/${name}`,
    dry_run: true,
  }
}
