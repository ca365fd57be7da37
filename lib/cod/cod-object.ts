import { UsageError } from "../support/errors.ts"
import { type CheckReport, checkSeries, requireSound } from "./check.ts"
import { InstanceNotFoundError } from "./errors.ts"
import { metadataUri, parseSeriesUri, seriesUri, tarUri } from "./format/layout.ts"
import type { SeriesMetadata } from "./format/metadata/types.ts"
import type { Instance, UidHashFunc } from "./instance.ts"
import type { LoadedMetadata } from "./metadata-cache.ts"
import type { Metrics } from "./metrics.ts"
import { type Extraction, extractInto } from "./reading/extract.ts"
import { instancesOf, type LoadedInstances, moveInto } from "./reading/instances.ts"
import { sorted } from "./reading/order.ts"
import { pullTar } from "./reading/pull.ts"
import { openReader, type SeriesReader } from "./reading/reader.ts"
import { recordsOf } from "./reading/series.ts"
import { type SeriesAccess, seriesAt } from "./reading/series-at.ts"
import type { ByteView } from "./view.ts"

/** How a series is opened. */
export interface CODObjectAccess extends SeriesAccess {
  /** Whether to hold the series' lock. There is no default: `false` reads, also while somebody else writes. */
  readonly lock: false
  /** Whether the UIDs given here are hashed. A stored series says so itself, and that counts. */
  readonly hashedUids?: boolean
  /** For the hashed UIDs of its instances. */
  readonly uidHashFunc?: UidHashFunc | undefined
}

export interface CODObjectOptions extends CODObjectAccess {
  /** `gs://bucket/prefix`, `s3://bucket/prefix` or `file:///folder`; may be left out for a `store` that is the datastore. */
  readonly datastore?: string
  readonly studyUid: string
  readonly seriesUid: string
}

/** Which instance: itself, its key, or its place in the order. */
export type Which = Instance | string | number

/**
 * One series of a datastore: a tar of DICOM files and the metadata that tells where each lies. UIDs are used as they are
 * given, hashed or not.
 *
 * It has metadata as it was when the series was opened, and newer when what is read shows that somebody wrote meanwhile
 * (or by `reload`). What it opened itself (a store, temporary files) goes with `await using`; a store, cache or metrics
 * handed in stay their owner's.
 */
export class CODObject implements AsyncDisposable {
  readonly metrics: Metrics
  readonly #reader: SeriesReader
  readonly #uidHashFunc: UidHashFunc | undefined
  readonly #owned: Disposable
  #known: LoadedInstances | undefined

  private constructor(reader: SeriesReader, uidHashFunc: UidHashFunc | undefined, owned: Disposable) {
    this.metrics = reader.series.metrics
    this.#reader = reader
    this.#uidHashFunc = uidHashFunc
    this.#owned = owned
  }

  /**
   * Opens a series that is stored.
   * @throws CODObjectNotFoundError, InvalidMetadata, InvalidUri, UsageError, StorageError
   */
  static async open(options: CODObjectOptions, signal?: AbortSignal): Promise<CODObject> {
    requireLockChoice(options.lock)
    const { studyUid, seriesUid, datastore = options.store?.uri } = options
    if (datastore === undefined) throw new UsageError("a series needs a datastore, or a store that is one")
    const place = { datastore: datastore.replace(/\/+$/, ""), studyUid, seriesUid }
    using owned = new DisposableStack()
    const { series } = owned.use(seriesAt(place, options))
    await series.metadata(signal)
    return new CODObject(openReader(series), options.uidHashFunc, owned.move())
  }

  /**
   * Opens the series that a URI names: its own, or that of any of its objects or instances.
   * @throws as `open`
   */
  static async fromUri(uri: string, options: CODObjectAccess, signal?: AbortSignal): Promise<CODObject> {
    const { datastore, studyUid, seriesUid } = parseSeriesUri(uri)
    return await CODObject.open({ ...options, datastore, studyUid, seriesUid }, signal)
  }

  get datastore(): string {
    return this.#series.place.datastore
  }

  get studyUid(): string {
    return this.#series.place.studyUid
  }

  get seriesUid(): string {
    return this.#series.place.seriesUid
  }

  /** `D/studies/ST/series/SE` */
  get datastoreSeriesUri(): string {
    return seriesUri(this.#series.place)
  }

  get tarUri(): string {
    return tarUri(this.#series.place)
  }

  get metadataUri(): string {
    return metadataUri(this.#series.place)
  }

  get indexUri(): string {
    return `${this.datastoreSeriesUri}/index.sqlite`
  }

  get errorLogUri(): string {
    return `${this.datastoreSeriesUri}/error.log`
  }

  toString(): string {
    return `CODObject(${this.datastoreSeriesUri})`
  }

  /** The whole metadata document; instances that nobody understands are in it, too, and say why. */
  async getMetadata(signal?: AbortSignal): Promise<SeriesMetadata> {
    return (await this.#series.metadata(signal)).series
  }

  /** Looks whether somebody wrote the series, and takes on the newest metadata. */
  async reload(signal?: AbortSignal): Promise<void> {
    await this.#series.reload(signal)
  }

  /** A field that somebody put beside the instances, `thumbnail` for one; undefined when there is none of that name. */
  async getMetadataField(name: string, signal?: AbortSignal): Promise<unknown> {
    return (await this.getMetadata(signal)).fields.get(name)
  }

  /**
   * All instances by key, in the order of InstanceNumber, or else SliceLocation.
   * @param options.strictSorting false: in the order in which they are stored when neither is complete
   * @throws UnsortableSeriesError
   */
  async getInstances(
    { strictSorting = true }: { readonly strictSorting?: boolean } = {},
    signal?: AbortSignal,
  ): Promise<ReadonlyMap<string, Instance>> {
    const instances = await this.#instances(signal)
    const records = recordsOf(instances.loaded.series)
    const inOrder = sorted(records, this.datastoreSeriesUri, strictSorting)
    return new Map(inOrder.map((record) => [record.key, instances.of(record)]))
  }

  /** @throws InstanceNotFoundError, InvalidMetadata when its entry cannot be understood */
  async getInstance(key: string, signal?: AbortSignal): Promise<Instance> {
    return (await this.#instances(signal)).get(key)
  }

  /** By its place in the order, from 0. @throws InstanceNotFoundError, UnsortableSeriesError */
  async getInstanceByIndex(index: number, signal?: AbortSignal): Promise<Instance> {
    const instance = [...(await this.getInstances({}, signal)).values()][index]
    if (instance === undefined) throw new InstanceNotFoundError(this.datastoreSeriesUri, index)
    return instance
  }

  /**
   * One DICOM file. Of a remote tar nothing is read but its bytes, at once, and they have the CRC32C of the metadata.
   * @throws InstanceNotFoundError, CorruptInstanceError, SeriesBeingRewritten, StorageError
   */
  async openInstance(which: Which, signal?: AbortSignal): Promise<ByteView> {
    return await (await this.#find(which, signal)).open(signal)
  }

  /**
   * One frame of an instance as it is stored: native samples, or the fragments of its compressed image joined. Once the
   * tar is known to be the one that the metadata belongs to nothing else is read.
   * @param frame from 1, as in DICOM (PS3.18, section 10.1.2)
   * @throws FrameNotFoundError, and as `openInstance`
   */
  async openFrame(which: Which, frame: number, signal?: AbortSignal): Promise<ByteView> {
    const instance = await this.#find(which, signal)
    return await this.#reader.openFrame(instance, frame, signal)
  }

  /**
   * Downloads the whole tar into a temporary file, every instance in it checked; they are read from there from now on.
   * @returns the file's path
   * @throws CorruptInstanceError, SeriesBeingRewritten, NotFound for a series without instances, TooLarge
   */
  async pullTar(signal?: AbortSignal): Promise<string> {
    const pulled = await pullTar(this.#series, signal)
    moveInto(pulled, (await this.#instances(signal)).all().values())
    return pulled.path
  }

  /**
   * Writes every instance into a file of its own, `KEY.dcm` where that is a safe name, and checked. They are there from
   * now on.
   * @param folder where; without it a folder for temporary files
   */
  async extractLocally(folder?: string, signal?: AbortSignal): Promise<Extraction> {
    const { loaded, all } = await this.#instances(signal)
    const target = folder ?? this.#temporaryFolder(loaded)
    const { extracted, failed } = await extractInto(target, all(), signal)
    return { extracted, failed: [...failed, ...unreadable(loaded)] }
  }

  /**
   * Compares everything that is stored of the series with everything else, once, however long somebody writes it.
   * @returns what is to be noted of a series that is sound
   * @throws TarMissingInstanceError, HashMismatchError, TarValidationError for the first thing that is wrong
   */
  async integrityCheck(signal?: AbortSignal): Promise<CheckReport> {
    const report = await checkSeries(this.#series, {}, signal)
    requireSound(report)
    return report
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#owned[Symbol.dispose]()
  }

  /** With room for all instances. */
  #temporaryFolder({ series }: LoadedMetadata): string {
    const { scratch } = this.#series
    const path = scratch.newFile("instances")
    scratch.reserve(
      path,
      recordsOf(series).reduce((sum, { size }) => sum + size, 0),
    )
    return path
  }

  get #series() {
    return this.#reader.series
  }

  /** Those of the metadata that was seen last. */
  async #instances(signal?: AbortSignal): Promise<LoadedInstances> {
    const loaded = await this.#series.metadata(signal)
    if (this.#known?.loaded.generation === loaded.generation) return this.#known
    this.#known = instancesOf(this.#reader, loaded, this.#uidHashFunc)
    return this.#known
  }

  async #find(which: Which, signal?: AbortSignal): Promise<Instance> {
    if (typeof which === "number") return await this.getInstanceByIndex(which, signal)
    if (typeof which === "string") return await this.getInstance(which, signal)
    return await this.getInstance(which.record?.key ?? (await this.#keyOf(which, signal)), signal)
  }

  /** What an instance from elsewhere is called here. */
  async #keyOf(instance: Instance, signal?: AbortSignal): Promise<string> {
    const { hashedUids } = await this.getMetadata(signal)
    const belief = { trustHints: true }
    return hashedUids
      ? await instance.hashedInstanceUid(belief, signal)
      : await instance.instanceUid(belief, signal)
  }
}

function requireLockChoice(lock: unknown): void {
  if (lock === false) return
  const said = lock === undefined ? "was not said" : `is ${JSON.stringify(lock)}`
  throw new UsageError(
    `whether to lock the series ${said}: a lock keeps other writers out, reading needs none`,
    "Say lock: false to read the series, also while somebody else writes it.",
  )
}

function unreadable({ series }: LoadedMetadata): Extraction["failed"] {
  return [...series.instances.values()].flatMap((entry) =>
    entry.kind === "unreadable" ? [{ key: entry.key, error: entry.problem }] : [],
  )
}
