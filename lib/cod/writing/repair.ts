import { NotFound } from "../../storage/errors.ts"
import type { Generation, ObjectInfo, ObjectStore } from "../../storage/store.ts"
import { crc32cBase64 } from "../../support/checksums.ts"
import { checkIndex } from "../checking/beside.ts"
import { type ListedTar, listTar } from "../checking/tar.ts"
import { CODObjectNotFoundError, InstancesLostError, InvalidMetadata } from "../errors.ts"
import { memberName } from "../format/layout.ts"
import { parseSeriesMetadata } from "../format/metadata/series.ts"
import type { MetadataVersion, SeriesMetadata } from "../format/metadata/types.ts"
import type { UidHashFunc } from "../instance.ts"
import type { LoadedMetadata } from "../metadata-cache.ts"
import { wholeMetadata } from "../reading/metadata-bytes.ts"
import { nameOf } from "../reading/object-bytes.ts"
import type { Series } from "../reading/series.ts"
import { TAR_RECORD, tarRecordOf } from "../reading/tar-record.ts"
import { type Draft, draftOf } from "./draft.ts"
import { writeObject } from "./store-write.ts"
import { type LeftOver, type LostInstance, type Survey, surveySeries } from "./survey.ts"
import { type SyncOptions, type SyncTo, syncDraft, tarRecord, uploadIndex } from "./sync.ts"

export interface RepairOptions extends SyncOptions {
  /** Whether instances whose bytes are nowhere in the tar are to go from the metadata (false: nothing is written then). */
  readonly dropLost?: boolean | undefined
  /** Whether only to tell what would be done (false). */
  readonly dryRun?: boolean | undefined
}

/** What a repair found of a series, and did. Instances are told by their keys. */
export interface RepairReport {
  readonly series: string
  /** Where their entries say, with their CRC32C: the entries stay as they are. */
  readonly kept: readonly string[]
  /** Elsewhere in the tar than their entries said. */
  readonly moved: readonly string[]
  /** Had entries that could not be understood, or tags that could not be read: made anew of the files. */
  readonly remade: readonly string[]
  /** In the tar only: new entries, whose `original_path` is the URI of the tar's member. */
  readonly found: readonly string[]
  /** In the metadata only. One that is also in `found` has other bytes in the tar than its entry said. */
  readonly lost: readonly LostInstance[]
  /**
   * Members of the tar that are no instances. Where the tar is written anew, those whose name an instance has are gone, and
   * those without bytes (links); the others stand behind the instances.
   */
  readonly leftOver: readonly LeftOver[]
  /** What was written, or with `dryRun` would be. */
  readonly written: { readonly tar: boolean; readonly index: boolean; readonly metadata: boolean }
  /** Where the old metadata are kept when the new ones lack something of them. */
  readonly setAside: string | undefined
}

/** What a repair works on. */
export interface RepairOf {
  readonly series: Series
  readonly hashedUids?: boolean | undefined
  readonly uidHashFunc?: UidHashFunc | undefined
}

/** What is to be done, decided before anything is written. */
export interface RepairPlan {
  readonly report: RepairReport
  /** @returns the metadata that stands there now; undefined when it was not written */
  carryOut(store: ObjectStore, signal?: AbortSignal): Promise<LoadedMetadata | undefined>
}

/**
 * Finds out what of a series can be had, from its tar, and how it becomes a sound one. Nothing is written yet, and of a
 * sound series nothing will be.
 *
 * The tar is written anew only when something in it is where readers of tars do not come to, or they would take the wrong
 * member for an instance; else the index, and the metadata, where they are wrong. What the metadata have beside the
 * instances stays: fields, unknown keys, paths of duplicates, the version.
 * @throws CODObjectNotFoundError when there is neither metadata nor an instance to make them of; InstancesLostError;
 *   TooLarge; StorageError
 */
export async function planRepair(
  of: RepairOf,
  options: RepairOptions = {},
  signal?: AbortSignal,
): Promise<RepairPlan> {
  const { series } = of
  const before = await readBefore(series, signal)
  const tar = await listTar(series, signal, { search: Number.POSITIVE_INFINITY })
  const now = series.clock.now()
  const survey = await surveySeries({ ...of, document: before.document, tar, now }, signal)
  if (before.document === undefined && survey.instances.size === 0) throw nothingThere(series, before)
  if (survey.lost.length > 0 && options.dropLost !== true && options.dryRun !== true) {
    throw new InstancesLostError(series.uri, survey.lost)
  }
  const written = await whatToWrite(series, before, tar, survey, signal)
  const losesSomething = before.document === undefined || survey.remade.length + survey.lost.length > 0
  const aside = before.info !== undefined && losesSomething ? asideOf(series, before.info) : undefined
  return {
    report: reportOf(series, survey, written, aside && nameOf(aside)),
    async carryOut(store, signal) {
      if (aside !== undefined) await setAside(store, aside.key, before, signal)
      return await write({ series, store, before, tar, survey, written, now, options }, signal)
    },
  }
}

/** The same for a series that is open under its lock. With `dryRun` nothing is written, and no lock needed. */
export async function repairSeries(
  of: RepairOf,
  options: RepairOptions,
  writing: () => Promise<ObjectStore>,
  signal?: AbortSignal,
): Promise<RepairReport> {
  const { report, carryOut } = await planRepair(of, options, signal)
  if (options.dryRun === true) return report
  const written = await carryOut(await writing(), signal)
  if (written !== undefined) of.series.wrote(written)
  return report
}

/** The metadata as they were found. */
interface Before {
  /** Undefined where there is none that can be read. */
  readonly document: SeriesMetadata | undefined
  /** Undefined where there is none at all. */
  readonly info: ObjectInfo | undefined
  readonly bytes: Uint8Array
  readonly problem?: InvalidMetadata
}

async function readBefore({ metadataJson }: Series, signal?: AbortSignal): Promise<Before> {
  try {
    const { info, bytes } = await wholeMetadata(metadataJson, undefined, signal)
    try {
      return { info, bytes, document: parseSeriesMetadata(bytes) }
    } catch (error) {
      if (!(error instanceof InvalidMetadata)) throw error
      return { info, bytes, document: undefined, problem: error }
    }
  } catch (error) {
    if (!(error instanceof NotFound)) throw error
    return { info: undefined, bytes: new Uint8Array(0), document: undefined }
  }
}

function nothingThere({ uri }: Series, { problem }: Before): Error {
  return problem ?? new CODObjectNotFoundError(uri)
}

function reportOf(
  { uri }: Series,
  { instances: _, hashedUids: __, ...found }: Survey,
  written: RepairReport["written"],
  setAside: string | undefined,
): RepairReport {
  return { series: uri, ...found, written, setAside }
}

async function whatToWrite(
  series: Series,
  { document }: Before,
  tar: ListedTar | undefined,
  survey: Survey,
  signal?: AbortSignal,
): Promise<RepairReport["written"]> {
  const rewritten = tar !== undefined && !isInOrder(tar, survey)
  const { moved, remade, found, lost } = survey
  const isChanged = document === undefined || [moved, remade, found, lost].some(({ length }) => length > 0)
  const isStale = tar !== undefined && !rewritten && (await checkIndex(series, tar, signal)).length > 0
  return { tar: rewritten, index: rewritten || isStale, metadata: rewritten || isChanged }
}

/** Whether every reader of tars gets from this one what the metadata will mean. */
function isInOrder({ scan }: ListedTar, { instances }: Survey): boolean {
  const { members, behind, trailing, endBlocks } = scan
  if (endBlocks === 0 || behind.length > 0 || trailing !== undefined) return false
  const lastByName = new Map(members.map((member) => [member.name, member]))
  return instances.values().every(({ key, startByte }) => {
    const member = lastByName.get(memberName(key))
    return member?.type === "file" && member.start === startByte
  })
}

/** Beside it, under a name that tells which generation it was: the same one is never kept twice. */
function asideOf(series: Series, { generation }: ObjectInfo) {
  const { source, key } = series.object("folder")
  return { source, key: `${key}metadata.before-repair-${generation.replace(/[^\w-]/g, "-")}.json` }
}

async function setAside(
  store: ObjectStore,
  key: string,
  { bytes, info }: Before,
  signal?: AbortSignal,
): Promise<void> {
  const { contentEncoding } = info!
  const options = {
    ifGeneration: "absent",
    crc32c: crc32cBase64(bytes),
    contentType: "application/json",
    ...(contentEncoding !== undefined && { contentEncoding }),
  } as const
  await writeObject(store, key, bytes, options, signal)
}

interface Writing {
  readonly series: Series
  readonly store: ObjectStore
  readonly before: Before
  readonly tar: ListedTar | undefined
  readonly survey: Survey
  readonly written: RepairReport["written"]
  readonly now: Date
  readonly options: RepairOptions
}

async function write(work: Writing, signal?: AbortSignal): Promise<LoadedMetadata | undefined> {
  const { series, store, before, tar, written, now, options } = work
  const { document } = before
  const draft = draftFor(work)
  const to: SyncTo = {
    series,
    store,
    draft,
    // Nothing may be appended behind it as it stands: what is written anew is packed anew.
    stored: tar && { info: tar.info, members: inTarOrder(tar), open: undefined },
    record: document && tarRecordOf(series, document),
    now,
    onTar() {},
  }
  const { tarStorageClass, metadataVersion = versionOf(document) } = options
  if (!written.tar && written.index) await uploadIndex(to, tar!.info, tar!.scan.members, signal)
  if (!written.metadata) return undefined
  draft.fields.delete(TAR_RECORD)
  if (!written.tar && tar !== undefined) draft.fields.set(TAR_RECORD, tarRecord(to, tar.info))
  return await syncDraft(to, { tarStorageClass, metadataVersion }, signal)
}

function draftFor({ series: { place }, before, survey, written }: Writing): Draft {
  const { document, info } = before
  const generation: Generation | undefined = info?.generation
  const stored = document && generation ? { generation, series: document } : undefined
  const draft = draftOf(stored, { ...place, hashedUids: survey.hashedUids })
  const changed = { ...draft.changed, tar: written.tar, metadata: written.metadata }
  return { ...draft, generation, instances: new Map(survey.instances), changed }
}

function inTarOrder({ all }: ListedTar) {
  return all.toSorted((a, b) => a.headerStart - b.headerStart)
}

/** A series that is all of the old version has readers who need it so. */
function versionOf(document: SeriesMetadata | undefined): MetadataVersion {
  const versions = [...(document?.instances.values() ?? [])].map((entry) =>
    entry.kind === "instance" ? entry.version : undefined,
  )
  return versions.length > 0 && versions.every((version) => version === "1.0") ? "1.0" : "2.0"
}
