import type { ObjectStore } from "../storage/store.ts"
import { type CODObjectAccess, type CODObjectOptions, placeOf, requireLockChoice } from "./access.ts"
import type { CheckOptions, CheckReport } from "./check.ts"
import { CleanOpOnUnlockedCODObjectError, UnsyncedStateError } from "./errors.ts"
import { inMemory } from "./format/bytes.ts"
import { instanceUri, parseSeriesUri } from "./format/layout.ts"
import type { Instance } from "./instance.ts"
import { reacquireLocks } from "./locking/reacquire.ts"
import type { SeriesLock } from "./locking/series-lock.ts"
import { type Dirty, MaintainedSeries } from "./maintained-series.ts"
import type { LoadedMetadata } from "./metadata-cache.ts"
import { framesOfFile } from "./reading/file-frames.ts"
import type { LoadedInstances } from "./reading/instances.ts"
import type { SerializedCODObject } from "./serialize.ts"
import type { Which } from "./stored-series.ts"
import type { GeneratedThumbnail } from "./thumbnail/generate.ts"
import { ByteView } from "./view.ts"
import { withAdded } from "./writing/added-instances.ts"
import { inTurn } from "./writing/in-turn.ts"
import { bytesOf } from "./writing/pieces.ts"
import { openSession, type Session } from "./writing/session.ts"
import {
  type AppendOptions,
  type AppendResult,
  openWriter,
  type SeriesWriter,
  type SyncOptions,
} from "./writing/writer.ts"

/** What is not in the serialized series itself. */
export type DeserializeAccess = Omit<CODObjectAccess, "lock" | "lockNames" | "owner" | "hashedUids">

/**
 * One series of a datastore: a tar of DICOM files and the metadata that tells where each lies. UIDs are used as they are
 * given, hashed or not.
 *
 * Opened with `lock: false` it has metadata as it was then, and newer when what is read shows that somebody wrote meanwhile
 * (or by `reload`). Opened with `lock: true` nobody else writes: what is changed is kept here until `sync` stores it, and
 * the lock stands until `release`. What it opened itself (a store, temporary files) goes with `await using`, the lock not:
 * use `withCODObject` for one that goes by itself, and stays when something fails.
 */
export class CODObject extends MaintainedSeries {
  /** The lock that is held. */
  readonly lock: SeriesLock | undefined
  protected override readonly access: CODObjectAccess
  readonly #session: Session
  /** What is changed is changed one after the other. */
  readonly #turns = inTurn()
  #writer: SeriesWriter | undefined
  /** Instances that were handed in and are not stored yet, by key. */
  readonly #appended = new Map<string, Instance>()
  /** Told apart from generations, for what is derived from metadata. */
  #changes = 0

  private constructor(session: Session, access: CODObjectAccess) {
    super(session.reader, access.uidHashFunc, session)
    this.lock = session.lock
    this.#session = session
    this.access = access
    if (session.loaded === undefined) this.#writer = this.#openWriter(undefined)
  }

  /**
   * Opens a series; under its lock it may be one that is not stored yet.
   * @throws CODObjectNotFoundError, LockAcquisitionError, ErrorLogExistsError, InvalidMetadata, InvalidUri, UsageError,
   *   StorageError
   */
  static async open(options: CODObjectOptions, signal?: AbortSignal): Promise<CODObject> {
    requireLockChoice(options.lock)
    return new CODObject(await openSession(placeOf(options), options, undefined, signal), options)
  }

  /**
   * Opens the series that a URI names: its own, or that of any of its objects or instances.
   * @throws as `open`
   */
  static async fromUri(uri: string, options: CODObjectAccess, signal?: AbortSignal): Promise<CODObject> {
    const { datastore, studyUid, seriesUid } = parseSeriesUri(uri)
    return await CODObject.open({ ...options, datastore, studyUid, seriesUid }, signal)
  }

  /**
   * Goes on with a series whose lock was taken elsewhere: with that very lock.
   * @throws LockVerificationError when it is gone or another one; and as `open`
   */
  static async deserialize(
    serialized: SerializedCODObject,
    access: DeserializeAccess = {},
    signal?: AbortSignal,
  ): Promise<CODObject> {
    const { lock, hashedUids } = serialized
    const options = { ...access, ...serialized, hashedUids, lock: true }
    const place = placeOf(options)
    const held = (store: ObjectStore) => reacquireLocks(store, place, lock, access, signal)
    return new CODObject(await openSession(place, options, held, signal), options)
  }

  /** What is stored of it, as it was last read or written here; undefined as long as nothing is. */
  get stored(): LoadedMetadata | undefined {
    return this.series.seen
  }

  /** Whether something was changed that is not stored. */
  get isChanged(): boolean {
    return this.#writer?.isChanged ?? false
  }

  /** Whether a `sync` failed that may have stored the tar, and not the metadata that go with it: to be tried again. */
  get isHalfStored(): boolean {
    return this.#writer?.isHalfStored ?? false
  }

  /**
   * Takes instances in: each is new, the same as one that is there, in conflict with one of the same UID but other bytes
   * (which stay), or an error. Bytes stay what they are.
   * @throws TooLarge when the series would become too large: nothing was changed then
   */
  async append(
    instances: readonly Instance[],
    { dirty, ...options }: AppendOptions & Dirty = {},
    signal?: AbortSignal,
  ): Promise<AppendResult> {
    const result = await this.change("append", dirty, (writer) => writer.append(instances, options, signal))
    for (const instance of result.new) this.#appended.set(await this.keyOf(instance, signal), instance)
    return result
  }

  /**
   * Stores what was changed: the tar, its index, and at last the metadata, which is what counts. Nothing is asked for when
   * nothing was changed.
   * @throws LockVerificationError when the lock is not ours any more: nothing was written then; StorageError
   */
  async sync(options: SyncOptions = {}, signal?: AbortSignal): Promise<void> {
    await this.#turns(async () => {
      if (!this.isChanged) return
      await this.#requireLock("sync").verify(signal)
      const { tarStorageClass, metadataVersion } = this.access
      try {
        const written = await this.#writer!.sync({ tarStorageClass, metadataVersion, ...options }, signal)
        if (written !== undefined) this.series.wrote(written)
        this.#moveAppended()
        await this.#writer!.removeOldThumbnail(signal)
      } finally {
        this.#changes += 1
      }
    })
  }

  /**
   * What another process needs to go on under the same lock. Only one of them may.
   * @throws UnsyncedStateError, CleanOpOnUnlockedCODObjectError
   */
  serialize(): SerializedCODObject {
    this.requireSynced("serialize")
    const { datastore, studyUid, seriesUid } = this
    const hashedUids = this.#writer?.metadata.hashedUids ?? this.#session.loaded?.series.hashedUids ?? false
    return { datastore, studyUid, seriesUid, hashedUids, lock: this.#requireLock("serialize").serialize() }
  }

  /** Gives the lock back; what was not synced is lost. @throws LockVerificationError when it was not ours any more */
  async release(signal?: AbortSignal): Promise<void> {
    await this.#turns(async () => this.lock?.release(signal))
  }

  override async openFrame(which: Which, frame: number, signal?: AbortSignal): Promise<ByteView> {
    const { record } = await this.find(which, signal)
    const added = this.#writer?.addedBytes(record!.key)
    if (added === undefined) return await super.openFrame(which, frame, signal)
    const bytes = await bytesOf(added).read(0, added.size, signal)
    return new ByteView(inMemory(framesOfFile(bytes, record!.key).bytes(frame)))
  }

  override async pullTar(signal?: AbortSignal): Promise<string> {
    this.requireSynced("pullTar")
    return await super.pullTar(signal)
  }

  protected override get madeThumbnail(): GeneratedThumbnail | undefined {
    return this.#writer?.thumbnail
  }

  protected override get isLockedByUs(): boolean {
    return this.lock !== undefined
  }

  override async integrityCheck(
    options: Pick<CheckOptions, "onProgress"> = {},
    signal?: AbortSignal,
  ): Promise<CheckReport> {
    this.requireSynced("integrityCheck")
    return await super.integrityCheck(options, signal)
  }

  /** @throws UnsyncedStateError */
  protected requireSynced(operation: string): void {
    if (this.isChanged) throw new UnsyncedStateError(operation, this.datastoreSeriesUri)
  }

  protected override async lockedStore(operation: string, signal?: AbortSignal): Promise<ObjectStore> {
    await this.#requireLock(operation).verify(signal)
    return this.#session.store!
  }

  protected override async atOnce<T>(operation: string, work: () => Promise<T>): Promise<T> {
    return await this.#turns(async () => {
      this.requireSynced(operation)
      const result = await work()
      // What comes next begins with what is stored now.
      this.#writer = undefined
      return result
    })
  }

  protected override async current(signal?: AbortSignal): Promise<LoadedMetadata> {
    if (this.#writer === undefined) return await super.current(signal)
    return { generation: `changed ${this.#changes} times`, series: this.#writer.metadata }
  }

  protected override instancesIn(loaded: LoadedMetadata): LoadedInstances {
    return withAdded(super.instancesIn(loaded), this.reader, (key) => this.#writer?.addedBytes(key))
  }

  /** Those that were handed in are in the series now. */
  #moveAppended(): void {
    for (const [key, instance] of this.#appended) {
      // It may have been taken out again.
      if (this.#writer?.metadata.instances.has(key) !== true) continue
      const open = (signal?: AbortSignal) => this.reader.openInstance(key, signal)
      instance.moveTo({ uri: instanceUri(this.series.place, key), open })
    }
    this.#appended.clear()
  }

  protected override async change<T>(
    operation: string,
    dirty: boolean | undefined,
    change: (writer: SeriesWriter) => T | Promise<T>,
  ): Promise<T> {
    const hint = "Open it with lock: true, or say dirty: true for a change that stays here."
    if (dirty !== true) this.#requireLock(operation, hint)
    return await this.#turns(async () => {
      this.#writer ??= this.#openWriter(await super.current())
      try {
        return await change(this.#writer)
      } finally {
        this.#changes += 1
      }
    })
  }

  #requireLock(
    operation: string,
    hint = "Open the series with lock: true for what is to be stored.",
  ): SeriesLock {
    if (this.lock !== undefined) return this.lock
    throw new CleanOpOnUnlockedCODObjectError(operation, this.datastoreSeriesUri, hint)
  }

  #openWriter(loaded: LoadedMetadata | undefined): SeriesWriter {
    const { reader, store } = this.#session
    return openWriter({
      series: reader.series,
      // Where nothing can be written there is no lock, and without one nothing is synced.
      store: store!,
      loaded,
      hashedUids: this.access.hashedUids ?? false,
      afterCrash: this.access.afterCrash,
      storedInstance: (key, signal) => this.getInstance(key, signal),
    })
  }
}

export type { CODObjectAccess, CODObjectOptions } from "./access.ts"
export type { Dirty } from "./maintained-series.ts"
export type { Which } from "./stored-series.ts"
