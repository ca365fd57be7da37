import type { ObjectStore } from "../storage/store.ts"
import type { CODObjectAccess } from "./access.ts"
import { recordsOf } from "./reading/series.ts"
import { ShownSeries } from "./thumbnail/shown-series.ts"
import { type DependencyOptions, type DependencyReport, deleteDependencies } from "./writing/dependencies.ts"
import { clearErrorLog, readErrorLog, uploadErrorLog } from "./writing/error-log.ts"
import { type RepairOptions, type RepairReport, repairSeries } from "./writing/repair.ts"
import { storeFor, writable } from "./writing/session.ts"
import { type UpgradeReport, upgradeMetadata } from "./writing/upgrade.ts"

/** Of an operation that changes a series without holding its lock: it stays here, and can never be synced. */
export interface Dirty {
  readonly dirty?: boolean
}

/**
 * A series as it can be looked after. What is taken out of it, and its fields, are changed here and stored by `sync`; all else
 * is done to what is stored, at once.
 */
export abstract class MaintainedSeries extends ShownSeries {
  /** @internal How it was opened. */
  protected abstract readonly access: CODObjectAccess

  /** Takes instances out. @throws InstanceNotFoundError for a key that is not there: nothing was changed then */
  async remove(keys: readonly string[], { dirty }: Dirty = {}): Promise<void> {
    await this.change("remove", dirty, (writer) => writer.remove(keys))
  }

  /** Takes all other instances out. @throws as `remove` */
  async truncate(keys: readonly string[], { dirty }: Dirty = {}): Promise<void> {
    await this.change("truncate", dirty, (writer) => writer.truncate(keys))
  }

  /** @throws InvalidMetadata for a name of the format's own, MetadataFieldExistsError */
  async addMetadataField(
    name: string,
    value: unknown,
    { dirty, overwriteExisting = true }: Dirty & { readonly overwriteExisting?: boolean } = {},
  ): Promise<void> {
    await this.change("addMetadataField", dirty, (writer) =>
      writer.setField(name, value, { overwrite: overwriteExisting }),
    )
  }

  /** @returns whether it was there */
  async removeMetadataField(name: string, { dirty }: Dirty = {}): Promise<boolean> {
    return await this.change("removeMetadataField", dirty, (writer) => writer.removeField(name))
  }

  /**
   * Puts right, from the tar, what a crash, another writer or damage left: see `repair`, which also opens what this cannot
   * be opened for. With `dryRun` it tells what it would do, and needs no lock.
   * @throws InstancesLostError, UnsyncedStateError, CleanOpOnUnlockedCODObjectError, LockVerificationError, StorageError
   */
  async repair(options: RepairOptions = {}, signal?: AbortSignal): Promise<RepairReport> {
    const { tarStorageClass, metadataVersion, hashedUids, uidHashFunc } = this.access
    const of = { series: this.series, hashedUids, uidHashFunc }
    const all = { tarStorageClass, metadataVersion, ...options }
    return await this.atOnce("repair", async () => {
      if (options.dryRun !== true) await this.lockedStore("repair", signal)
      return await repairSeries(of, all, () => this.lockedStore("repair", signal), signal)
    })
  }

  /**
   * Stores all entries in version 2.0, with everything else that they hold.
   * @throws UnsyncedStateError, CleanOpOnUnlockedCODObjectError, LockVerificationError, StorageError
   */
  async upgrade(signal?: AbortSignal): Promise<UpgradeReport> {
    return await this.atOnce("upgrade", async () =>
      upgradeMetadata(this.series, await this.lockedStore("upgrade", signal), signal),
    )
  }

  /**
   * Deletes what the instances declare superfluous now that they are stored (`dependencies`), once the series was found
   * sound. What differs from what is stored stays, unless `validateHash` is false; so do members of tars, and what nobody
   * can delete here. With `dryRun` it tells what it would do, and needs no lock.
   * @throws as `integrityCheck`; CleanOpOnUnlockedCODObjectError, LockVerificationError
   */
  async deleteDependencies(options: DependencyOptions = {}, signal?: AbortSignal): Promise<DependencyReport> {
    const lockedStore = () => this.lockedStore("deleteDependencies", signal)
    return await this.atOnce("deleteDependencies", async () => {
      if (options.dryRun !== true) await lockedStore()
      await this.integrityCheck({}, signal)
      const records = recordsOf(await this.getMetadata(signal))
      const own = options.dryRun === true ? writable(this.access.store) : await lockedStore()
      const of = { records, datastore: this.datastore, places: { own, access: this.access.access } }
      return await deleteDependencies(of, options, signal)
    })
  }

  /**
   * Declares what is stored to be in doubt: nobody opens the series to write any more, and the Python package does not open
   * it at all, also for reading, until the log is cleared.
   * @throws ErrorLogExistsError, CleanOpOnUnlockedCODObjectError, LockVerificationError, StorageError
   */
  async uploadErrorLog(message: string, signal?: AbortSignal): Promise<void> {
    await uploadErrorLog(this.series, await this.lockedStore("uploadErrorLog", signal), message, signal)
  }

  /** What somebody wrote of the series who found it in doubt; undefined when nobody did. */
  async errorLog(signal?: AbortSignal): Promise<string | undefined> {
    return await readErrorLog(this.series, signal)
  }

  /**
   * Deletes the error log. It needs no lock, for a series that has one is not locked.
   * @returns whether there was one
   * @throws UsageError where nothing can be written; StorageError
   */
  async clearErrorLog(signal?: AbortSignal): Promise<boolean> {
    using target = storeFor(this.series.place, this.access)
    return await clearErrorLog(this.series, target.store, signal)
  }

  /**
   * The store to write to, when the lock stands.
   * @throws CleanOpOnUnlockedCODObjectError, LockVerificationError, StorageError
   */
  protected abstract lockedStore(operation: string, signal?: AbortSignal): Promise<ObjectStore>

  /**
   * Does what goes by what is stored and changes that, while nothing else is changed.
   * @throws UnsyncedStateError
   */
  protected abstract atOnce<T>(operation: string, work: () => Promise<T>): Promise<T>
}
