import { crc32cBase64 } from "../support/checksums.ts"
import { TooLarge, UidHashFuncMissingError } from "./errors.ts"
import { type DicomFile, dicomJson, pixeldataOf } from "./format/dicom/index.ts"
import type { InstanceRecord, StoredTags } from "./format/metadata/types.ts"
import { HINT_FIELDS, type Hints } from "./hints.ts"
import {
  factsOf,
  type InstanceFacts,
  MAX_PARSED_BYTES,
  requireRecorded,
  type WholeFile,
} from "./reading/facts.ts"
import { mapFile } from "./reading/file-bytes.ts"
import { type InstanceFile, instanceFile, type Whereabouts } from "./reading/instance-file.ts"
import { uriOpener } from "./reading/open-uri.ts"
import { openScratch, type Scratch } from "./reading/scratch.ts"
import type { SeriesAccess } from "./reading/series-at.ts"
import { sharedWork } from "./reading/shared-work.ts"
import type { ByteView } from "./view.ts"

/** From a real UID to the one that stands in its place. */
export type UidHashFunc = (uid: string) => string

export interface InstanceOptions extends SeriesAccess {
  /**
   * Where the DICOM file is: a local path, `gs:// s3:// file://`, or `TAR.tar://instances/UID.dcm` in any of these.
   * `store` is used for what is remote and stays its owner's; without it one is opened for each fetch, and closed.
   */
  readonly dicomUri: string
  /**
   * A local file of the same bytes, which is read instead. Whoever says so keeps it as it is until the series that the
   * instance is appended to is synced: it is packed from there. With hints of everything only its headers are read before it
   * is uploaded, and then its bytes are held against the hint of their CRC32C.
   */
  readonly localCopy?: string | undefined
  /** URIs that are superfluous once the instance is stored in a series. */
  readonly dependencies?: readonly string[]
  readonly hints?: Hints
  readonly uidHashFunc?: UidHashFunc | undefined
}

/** What a series knows of an instance of its own. */
export interface StoredInstance {
  readonly record: InstanceRecord
  readonly home: Whereabouts
  /** The series', and gone with it. */
  readonly scratch: Scratch
}

/** How much one wants to know before it is believed. */
export interface Belief {
  /** Take a hint at face value rather than read the file (false). */
  readonly trustHints?: boolean
}

/**
 * One DICOM file, wherever it is. Nothing is read before it has to be. Temporary files go with `cleanup()`, which leaves it
 * as it was at first, or at the end of `await using`, after which nothing is fetched any more. For an instance of a series
 * they belong to the series.
 */
export class Instance implements AsyncDisposable {
  /** Where the file was when it was first heard of. Never changes. */
  readonly originalPath: string
  readonly dependencies: readonly string[]
  readonly hints: Hints
  readonly uidHashFunc: UidHashFunc | undefined
  readonly localCopy: string | undefined
  readonly #scratch: Scratch
  readonly #file: InstanceFile
  // Who asks for several facts asks for them at once.
  readonly #lessons = sharedWork<InstanceFacts>()
  #record: InstanceRecord | undefined
  #facts: InstanceFacts | undefined
  #metadata: StoredTags | undefined

  /** @param stored @internal for a series' own instances, which it makes itself */
  constructor(options: InstanceOptions, stored?: StoredInstance) {
    const { dicomUri, localCopy, dependencies = [], hints = {}, uidHashFunc } = options
    this.#scratch = stored?.scratch ?? openScratch(options)
    const uri = localCopy ?? dicomUri
    const home = stored?.home ?? { uri, open: uriOpener(uri, options, this.#scratch) }
    this.#file = instanceFile(home, options, this.#scratch)
    this.#record = stored?.record
    this.originalPath = stored?.record.originalPath ?? dicomUri
    this.dependencies = stored?.record.dependencies ?? [...dependencies]
    this.hints = hints
    this.uidHashFunc = uidHashFunc
    this.localCopy = localCopy
  }

  /**
   * What the metadata of its series says, when it is an instance of one: as it was when it was got from there, or, after
   * somebody put another file in its place, when that was read.
   */
  get record(): InstanceRecord | undefined {
    return this.#record
  }

  /** Where the bytes are right now: changes when the file is fetched, extracted, or its tar is pulled. */
  get dicomUri(): string {
    return this.#file.uri
  }

  /** Whether the bytes are somewhere else than where they were at first. */
  get isMoved(): boolean {
    return this.#file.isMoved
  }

  /** Brings a remote file, or a remote tar's member, into a temporary file. Local ones stay where they are. */
  async fetch(signal?: AbortSignal): Promise<void> {
    await this.#file.fetch(signal)
  }

  /**
   * The file's bytes. A remote object is fetched first; of a remote tar only this member is read, and checked against its
   * CRC32C. Hints are verified when the file is read for the first time.
   * @throws HintMismatchError, CorruptInstanceError, SeriesBeingRewritten, InvalidDicom, NotFound, StorageError
   */
  async open(signal?: AbortSignal): Promise<ByteView> {
    const view = await this.#file.open(signal)
    const isPromised =
      this.#facts === undefined && Object.values(this.hints).some((hint) => hint !== undefined)
    if (!isPromised) return view
    try {
      await this.#learn(view, signal)
      return view
    } catch (error) {
      await view[Symbol.asyncDispose]()
      throw error
    }
  }

  /** @internal Whether `size`, `crc32c` and the UIDs can be told, on trust, without reading the file. */
  get isKnown(): boolean {
    return this.#facts !== undefined || HINT_FIELDS.every((field) => this.hints[field] !== undefined)
  }

  /** @internal Begins to read a small remote file of which nothing is known, because `readWhole` is going to be called. */
  expectWhole(signal?: AbortSignal): void {
    if (!this.isKnown) this.#file.expect(this.hints.size, signal)
  }

  /**
   * @internal Reads the file once for everything that has to be known of it, and verifies what was said of it. A small remote
   * one makes no temporary file.
   */
  async readWhole(signal?: AbortSignal): Promise<WholeFile> {
    const { crc32c: known } = this.hints
    if (this.localCopy !== undefined && this.isKnown && known !== undefined) {
      const bytes = mapFile(this.localCopy)
      return { bytes, ...this.#learnFrom(bytes, known) }
    }
    const { bytes, crc32c } = await this.#file.whole(this.hints.size, signal)
    return { bytes, ...this.#learnFrom(bytes, crc32c) }
  }

  /**
   * Reads the file and compares it with the hints, and with the metadata of its series.
   * @throws as `open`; InstanceValidationError when it lacks a UID, or is not what the metadata says
   */
  async validate(signal?: AbortSignal): Promise<void> {
    await this.#parsed(() => {}, signal)
  }

  /** Bytes. */
  async size(belief?: Belief, signal?: AbortSignal): Promise<number> {
    return await this.#fact("size", belief, signal)
  }

  /** CRC32C of the whole file, base64 as GCS writes it. */
  async crc32c(belief?: Belief, signal?: AbortSignal): Promise<string> {
    return await this.#fact("crc32c", belief, signal)
  }

  /** The real SOP Instance UID. */
  async instanceUid(belief?: Belief, signal?: AbortSignal): Promise<string> {
    return await this.#fact("instanceUid", belief, signal)
  }

  async seriesUid(belief?: Belief, signal?: AbortSignal): Promise<string> {
    return await this.#fact("seriesUid", belief, signal)
  }

  async studyUid(belief?: Belief, signal?: AbortSignal): Promise<string> {
    return await this.#fact("studyUid", belief, signal)
  }

  /** @throws UidHashFuncMissingError */
  async hashedInstanceUid(belief?: Belief, signal?: AbortSignal): Promise<string> {
    const hash = this.#hashFunc()
    return hash(await this.instanceUid(belief, signal))
  }

  /** @throws UidHashFuncMissingError */
  async hashedSeriesUid(belief?: Belief, signal?: AbortSignal): Promise<string> {
    const hash = this.#hashFunc()
    return hash(await this.seriesUid(belief, signal))
  }

  /** @throws UidHashFuncMissingError */
  async hashedStudyUid(belief?: Belief, signal?: AbortSignal): Promise<string> {
    const hash = this.#hashFunc()
    return hash(await this.studyUid(belief, signal))
  }

  /** Whether the file has (7FE0,0010); pixels as floating point do not count. */
  async hasPixeldata(signal?: AbortSignal): Promise<boolean> {
    return this.record?.hasPixeldata ?? "7FE00010" in (await this.metadata(signal))
  }

  /**
   * The file's elements in the DICOM JSON model (PS3.18, annex F), by tag. From the metadata of its series without
   * reading the file.
   */
  async metadata(signal?: AbortSignal): Promise<StoredTags> {
    if (this.record !== undefined) return this.record.tags()
    const metadata =
      this.#metadata ?? (await this.#parsed((file) => dicomJson(file, { uri: this.dicomUri }), signal))
    this.#metadata = metadata
    return metadata
  }

  /** CRC32C of the value of (7FE0,0010), base64; undefined for a file without one. */
  async pixeldataHash(signal?: AbortSignal): Promise<string | undefined> {
    const hash = (file: DicomFile) => {
      const value = pixeldataOf(file)
      return value && crc32cBase64(value)
    }
    return await this.#parsed(hash, signal)
  }

  /** @internal For the series that it belongs to: the bytes are there now. */
  moveTo(whereabouts: Whereabouts): void {
    this.#file.moveTo(whereabouts)
  }

  /** @internal For the series that it belongs to: this is the file that was read. */
  became(record: InstanceRecord): void {
    if (record.size === this.#record?.size && record.crc32c === this.#record.crc32c) return
    this.#record = record
    this.#facts = undefined
  }

  /** Deletes the temporary files that were made for it; `dicomUri` is what it was at first. */
  async cleanup(): Promise<void> {
    this.#file.goHome()
    if (this.#record === undefined) this.#scratch.clear()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cleanup()
    if (this.#record === undefined) this.#scratch[Symbol.dispose]()
  }

  async #fact<F extends keyof InstanceFacts>(
    field: F,
    { trustHints = false }: Belief = {},
    signal?: AbortSignal,
  ): Promise<InstanceFacts[F]> {
    const known: Partial<InstanceFacts> | undefined = this.#facts ?? this.#record
    const told = known?.[field]
    if (told !== undefined) return told
    const hint = this.hints[field] as InstanceFacts[F] | undefined
    if (trustHints && hint !== undefined) return hint
    const learn = (shared: AbortSignal) => this.#parsed((_, facts) => facts, shared)
    this.#facts ??= await this.#lessons.join("facts", learn, signal)
    return this.#facts[field]
  }

  /** Opens the file, parses it, and remembers what it is. Who asks one thing of a remote file asks another. */
  async #parsed<T>(use: (file: DicomFile, facts: InstanceFacts) => T, signal?: AbortSignal): Promise<T> {
    if (this.#record === undefined) await this.fetch(signal)
    await using view = await this.#file.open(signal)
    const { file, facts } = await this.#learn(view, signal)
    return use(file, facts)
  }

  async #learn(view: ByteView, signal?: AbortSignal) {
    if (view.size > MAX_PARSED_BYTES) throw new TooLarge(this.dicomUri, MAX_PARSED_BYTES)
    return this.#learnFrom(await view.bytes(signal))
  }

  #learnFrom(bytes: Uint8Array, crc32c?: string) {
    const learnt = factsOf(bytes, this.hints, this.dicomUri, crc32c)
    if (this.#record !== undefined) requireRecorded(this.#record, learnt.facts, this.dicomUri)
    this.#facts = learnt.facts
    return learnt
  }

  #hashFunc(): UidHashFunc {
    if (this.uidHashFunc === undefined) throw new UidHashFuncMissingError(this.dicomUri)
    return this.uidHashFunc
  }
}
