import { type CheckOptions, type CheckReport, checkSeries, requireSound } from "./check.ts"
import { InstanceNotFoundError, UnsortableSeriesError } from "./errors.ts"
import { metadataUri, objectUri, seriesUri, tarUri } from "./format/layout.ts"
import type { InstanceRecord, SeriesMetadata } from "./format/metadata/types.ts"
import type { Instance, UidHashFunc } from "./instance.ts"
import type { LoadedMetadata } from "./metadata-cache.ts"
import type { Metrics } from "./metrics.ts"
import { type Extraction, extractInto } from "./reading/extract.ts"
import { instancesOf, type LoadedInstances, moveInto } from "./reading/instances.ts"
import { type PulledTar, pullTar } from "./reading/pull.ts"
import type { SeriesReader } from "./reading/reader.ts"
import { recordsOf } from "./reading/series.ts"
import { sharedWork } from "./reading/shared-work.ts"
import type { ByteView } from "./view.ts"

/** Which instance: itself, its key, or its place in the order. */
export type Which = Instance | string | number

/** A series as it can be read; `CODObject` is one that can also be written. */
export class StoredSeries implements AsyncDisposable {
  /** Counters: those handed in, or of this series alone. */
  readonly metrics: Metrics
  /** @internal */
  protected readonly reader: SeriesReader
  protected readonly uidHashFunc: UidHashFunc | undefined
  readonly #owned: Disposable
  readonly #pulls = sharedWork<PulledTar>()
  #known: LoadedInstances | undefined
  #pulled: PulledTar | undefined

  /** @param owned what goes with it: a store that was opened for it, temporary files */
  protected constructor(reader: SeriesReader, uidHashFunc: UidHashFunc | undefined, owned: Disposable) {
    this.metrics = reader.series.metrics
    this.reader = reader
    this.uidHashFunc = uidHashFunc
    this.#owned = owned
  }

  /** `gs://bucket/prefix`, `s3://bucket/prefix` or `file:///folder` */
  get datastore(): string {
    return this.series.place.datastore
  }

  /** As it was given, and as the objects' names have it: hashed in a hashed series. */
  get studyUid(): string {
    return this.series.place.studyUid
  }

  /** The same of the series. */
  get seriesUid(): string {
    return this.series.place.seriesUid
  }

  /** `D/studies/ST/series/SE` */
  get datastoreSeriesUri(): string {
    return seriesUri(this.series.place)
  }

  /** `D/studies/ST/series/SE.tar` */
  get tarUri(): string {
    return tarUri(this.series.place)
  }

  /** `D/studies/ST/series/SE/metadata.json` */
  get metadataUri(): string {
    return metadataUri(this.series.place)
  }

  /** `D/studies/ST/series/SE/index.sqlite` */
  get indexUri(): string {
    return objectUri(this.series.place, "index")
  }

  /** `D/studies/ST/series/SE/error.log`, where there is one */
  get errorLogUri(): string {
    return objectUri(this.series.place, "errorLog")
  }

  toString(): string {
    return `CODObject(${this.datastoreSeriesUri})`
  }

  /** The whole metadata document; instances that nobody understands are in it, too, and say why. */
  async getMetadata(signal?: AbortSignal): Promise<SeriesMetadata> {
    return (await this.current(signal)).series
  }

  /** Looks whether somebody wrote the series, and takes on the newest metadata. */
  async reload(signal?: AbortSignal): Promise<void> {
    await this.series.reload(signal)
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
    const records = strictSorting ? this.#inOrder(instances) : instances.inOrder()
    if (records === undefined) return instances.all()
    return new Map(records.map((record) => [record.key, instances.of(record)]))
  }

  /** @throws InstanceNotFoundError, InvalidMetadata when its entry cannot be understood */
  async getInstance(key: string, signal?: AbortSignal): Promise<Instance> {
    return (await this.#instances(signal)).get(key)
  }

  /** By its place in the order, from 0. @throws InstanceNotFoundError, UnsortableSeriesError */
  async getInstanceByIndex(index: number, signal?: AbortSignal): Promise<Instance> {
    const instances = await this.#instances(signal)
    const record = this.#inOrder(instances)[index]
    if (record === undefined) throw new InstanceNotFoundError(this.datastoreSeriesUri, index)
    return instances.of(record)
  }

  /**
   * One DICOM file. Of a remote tar nothing is read but its bytes, at once, and they have the CRC32C of the metadata.
   * @throws InstanceNotFoundError, CorruptInstanceError, SeriesBeingRewritten, StorageError
   */
  async openInstance(which: Which, signal?: AbortSignal): Promise<ByteView> {
    return await (await this.find(which, signal)).open(signal)
  }

  /**
   * One frame of an instance as it is stored: native samples, or the fragments of its compressed image joined. Once the
   * tar is known to be the one that the metadata belongs to nothing else is read.
   * @param frame from 1, as in DICOM (PS3.18, section 10.1.2)
   * @throws FrameNotFoundError, and as `openInstance`
   */
  async openFrame(which: Which, frame: number, signal?: AbortSignal): Promise<ByteView> {
    const instance = await this.find(which, signal)
    return await this.reader.openFrame(instance, frame, signal)
  }

  /**
   * Downloads the whole tar into a temporary file, every instance in it checked; they are read from there from now on.
   * Nothing is downloaded again as long as the series is what it was then.
   * @returns the file's path
   * @throws CorruptInstanceError, SeriesBeingRewritten, NotFound for a series without instances, TooLarge
   */
  async pullTar(signal?: AbortSignal): Promise<string> {
    const pulled = await this.#pulls.join("tar", (shared) => this.#pullUnlessDone(shared), signal)
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
  async integrityCheck(
    options: Pick<CheckOptions, "onProgress"> = {},
    signal?: AbortSignal,
  ): Promise<CheckReport> {
    this.series.requireOpen()
    const report = await checkSeries(this.series, options, signal)
    requireSound(report, this.isLockedByUs)
    return report
  }

  /** Whether nobody else may write it now. */
  protected get isLockedByUs(): boolean {
    return false
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#owned[Symbol.dispose]()
  }

  async #pullUnlessDone(signal: AbortSignal): Promise<PulledTar> {
    const { generation } = await this.series.metadata(signal)
    if (this.#pulled?.loaded.generation !== generation) this.#pulled = await pullTar(this.series, signal)
    return this.#pulled
  }

  /** With room for all instances. */
  #temporaryFolder({ series }: LoadedMetadata): string {
    const { scratch } = this.series
    const path = scratch.newFile("instances")
    scratch.reserve(
      path,
      recordsOf(series).reduce((sum, { size }) => sum + size, 0),
    )
    return path
  }

  protected get series() {
    return this.reader.series
  }

  /** The metadata that counts here. */
  protected async current(signal?: AbortSignal): Promise<LoadedMetadata> {
    return await this.series.metadata(signal)
  }

  protected instancesIn(loaded: LoadedMetadata): LoadedInstances {
    return instancesOf(this.reader, loaded, this.uidHashFunc)
  }

  /** @throws UnsortableSeriesError */
  #inOrder(instances: LoadedInstances): readonly InstanceRecord[] {
    const records = instances.inOrder()
    if (records === undefined) throw new UnsortableSeriesError(this.datastoreSeriesUri)
    return records
  }

  /** Those of the metadata that was seen last. */
  async #instances(signal?: AbortSignal): Promise<LoadedInstances> {
    const loaded = await this.current(signal)
    if (this.#known?.loaded.generation === loaded.generation) return this.#known
    this.#known = this.instancesIn(loaded)
    return this.#known
  }

  protected async find(which: Which, signal?: AbortSignal): Promise<Instance> {
    if (typeof which === "number") return await this.getInstanceByIndex(which, signal)
    if (typeof which === "string") return await this.getInstance(which, signal)
    return await this.getInstance(which.record?.key ?? (await this.keyOf(which, signal)), signal)
  }

  /** What an instance from elsewhere is called here. */
  protected async keyOf(instance: Instance, signal?: AbortSignal): Promise<string> {
    const { hashedUids } = await this.getMetadata(signal)
    const belief = { trustHints: true }
    return hashedUids
      ? await instance.hashedInstanceUid(belief, signal)
      : await instance.instanceUid(belief, signal)
  }
}

function unreadable({ series }: LoadedMetadata): Extraction["failed"] {
  return [...series.instances.values()].flatMap((entry) =>
    entry.kind === "unreadable" ? [{ key: entry.key, error: entry.problem }] : [],
  )
}
