import { forEachLimit } from "../support/pool.ts"
import { CODObject, type CODObjectOptions } from "./cod-object.ts"
import { CODError, CODObjectNotFoundError, TooLarge } from "./errors.ts"
import type { InstanceEntry, StoredElement, StoredTags } from "./format/metadata/types.ts"
import { listSeries } from "./listing.ts"
import { parseRequest } from "./reading/dicomweb-request.ts"
import type { SeriesAccess } from "./reading/series-at.ts"

/** Of a study one dictionary, of a series one for each instance, of an instance one; of frames their bytes. */
export type DicomwebAnswer = StudyAttributes | StoredTags | readonly StoredTags[] | readonly Uint8Array[]

/** Null for an attribute that no series of the study has. */
export type StudyAttributes = Readonly<Record<string, StoredElement | null>>

export interface DicomwebAccess extends SeriesAccess {
  /** Told of an instance that is left out, because what the metadata says of it cannot be read; without it that is an error. */
  readonly onSkipped?: (key: string, error: CODError) => void
}

/** A study of a datastore, and what is below it. */
export interface StudyPlace {
  readonly datastore: string
  readonly studyUid: string
}
export type SeriesOfStudy = StudyPlace & { readonly seriesUid: string }
export type InstanceOfSeries = SeriesOfStudy & { readonly instanceKey: string }

/**
 * Answers as a DICOMweb server would (PS3.18, chapter 10) from `gs://`, `s3://` and `file://`:
 *
 * - `D/studies/S/metadata` as `retrieveStudy`
 * - `D/studies/S/series/E/metadata` as `retrieveSeries`, all at once
 * - `D/studies/S/series/E/instances/I/metadata` as `retrieveInstance`
 * - `D/studies/S/series/E/instances/I/frames/1,3` as `retrieveFrames`
 *
 * Nothing is locked. UIDs are those that the series is stored by, hashed where they are.
 * @throws InvalidUri for anything else; as these
 */
export async function handleRequest(
  uri: string,
  access: DicomwebAccess = {},
  signal?: AbortSignal,
): Promise<DicomwebAnswer> {
  const { datastore, studyUid, seriesUid, instanceKey, frames } = parseRequest(uri)
  if (seriesUid === undefined) return await retrieveStudy({ datastore, studyUid }, access, signal)
  const series = { datastore, studyUid, seriesUid }
  if (instanceKey === undefined) return await Array.fromAsync(retrieveSeries(series, access, signal))
  const instance = { ...series, instanceKey }
  if (frames === undefined) return await retrieveInstance(instance, access, signal)
  return await retrieveFrames(instance, frames, access, signal)
}

/**
 * The study's attributes, put together from all its series, among them the number of series (0020,1206) and instances
 * (0020,1208) and the modalities (0008,0061).
 * @throws CODObjectNotFoundError, InvalidMetadata, StorageError
 */
export async function retrieveStudy(
  { datastore, studyUid }: StudyPlace,
  access: DicomwebAccess = {},
  signal?: AbortSignal,
): Promise<StudyAttributes> {
  const found = new Map<string, SeriesAttributes>()
  const read = async (seriesUid: string, signal: AbortSignal) => {
    await using cod = await CODObject.open(optionsFor({ datastore, studyUid, seriesUid }, access), signal)
    found.set(seriesUid, await seriesAttributes(cod, access, signal))
  }
  await forEachLimit(withMetadata({ datastore, studyUid }, access, signal), AT_ONCE, read, signal)
  if (found.size === 0) throw new CODObjectNotFoundError(`${datastore}/studies/${studyUid}`)
  const series = [...found.keys()].toSorted().map((uid) => found.get(uid)!)
  return {
    ...Object.fromEntries(STUDY_TAGS.map((tag) => [tag, firstWithValue(series, tag)] as const)),
    "00080061": { vr: "CS", Value: [...new Set(series.flatMap(({ modalities }) => modalities))].toSorted() },
    "00201206": { vr: "IS", Value: [series.length] },
    "00201208": { vr: "IS", Value: [series.reduce((sum, { instances }) => sum + instances, 0)] },
  }
}

/**
 * The attributes of every instance, in order, each read when it is asked for.
 * @throws CODObjectNotFoundError, InvalidMetadata, StorageError
 */
export async function* retrieveSeries(
  series: SeriesOfStudy,
  access: DicomwebAccess = {},
  signal?: AbortSignal,
): AsyncGenerator<StoredTags> {
  await using cod = await CODObject.open(optionsFor(series, access), signal)
  const entries = (await cod.getMetadata(signal)).instances
  for (const entry of entries.values()) if (entry.kind === "unreadable") tagsOf(entry, access)
  for (const key of (await cod.getInstances({ strictSorting: false }, signal)).keys()) {
    const tags = tagsOf(entries.get(key)!, access)
    if (tags !== undefined) yield tags
  }
}

/** The attributes of one instance. @throws CODObjectNotFoundError, InstanceNotFoundError, InvalidMetadata, StorageError */
export async function retrieveInstance(
  { instanceKey, ...series }: InstanceOfSeries,
  access: SeriesAccess = {},
  signal?: AbortSignal,
): Promise<StoredTags> {
  await using cod = await CODObject.open(optionsFor(series, access), signal)
  return await (await cod.getInstance(instanceKey, signal)).metadata(signal)
}

/** Bytes of all frames of one answer. */
const MAX_ANSWER_BYTES = 2 ** 31

/**
 * Frames, from 1, as they are stored: neither decoded nor in parts of MIME.
 * @throws TooLarge, InstanceNotFoundError, FrameNotFoundError, FramesNotSeparableError, CODObjectNotFoundError,
 *   StorageError
 */
export async function retrieveFrames(
  { instanceKey, ...series }: InstanceOfSeries,
  frames: readonly number[],
  access: SeriesAccess = {},
  signal?: AbortSignal,
): Promise<readonly Uint8Array[]> {
  await using cod = await CODObject.open(optionsFor(series, access), signal)
  const answers: Uint8Array[] = []
  let bytes = 0
  for (const frame of frames) {
    await using view = await cod.openFrame(instanceKey, frame, signal)
    bytes += view.size
    if (bytes > MAX_ANSWER_BYTES) throw new TooLarge("the frames of a request", MAX_ANSWER_BYTES)
    answers.push(await view.bytes(signal))
  }
  return answers
}

function optionsFor(series: SeriesOfStudy, { onSkipped: _, ...access }: DicomwebAccess): CODObjectOptions {
  return { ...access, ...series, lock: false }
}

/** @returns undefined when it cannot be read, and somebody was told */
function tagsOf(entry: InstanceEntry, { onSkipped }: DicomwebAccess): StoredTags | undefined {
  try {
    if (entry.kind === "unreadable") throw entry.problem
    return entry.tags()
  } catch (error) {
    if (onSkipped === undefined || !(error instanceof CODError)) throw error
    onSkipped(entry.key, error)
    return undefined
  }
}

/** What of a study is told: its own attributes and those of its patient. */
const STUDY_TAGS = [
  "00100010",
  "00100020",
  "00100030",
  "00100040",
  "00080020",
  "00080030",
  "00080050",
  "00080090",
  "0020000D",
  "00081030",
] as const

/** So many series are read at a time. */
const AT_ONCE = 4

async function* withMetadata(
  study: StudyPlace,
  access: SeriesAccess,
  signal?: AbortSignal,
): AsyncGenerator<string> {
  for await (const { place, objects } of listSeries({ ...access, ...study }, signal)) {
    if (objects.has("metadata.json")) yield place.seriesUid
  }
}

interface SeriesAttributes {
  readonly tags: StoredTags
  readonly modalities: readonly string[]
  readonly instances: number
}

/** One instance speaks for the series, and for the study: all have the same values there. */
async function seriesAttributes(
  cod: CODObject,
  access: DicomwebAccess,
  signal?: AbortSignal,
): Promise<SeriesAttributes> {
  const { instances } = await cod.getMetadata(signal)
  const readable = instances.values().map((entry) => tagsOf(entry, access))
  const tags = readable.find((tags) => tags !== undefined) ?? {}
  const modality = tags["00080060"]?.Value?.[0]
  return { tags, modalities: typeof modality === "string" ? [modality] : [], instances: instances.size }
}

function firstWithValue(series: readonly SeriesAttributes[], tag: string): StoredElement | null {
  const elements = series.flatMap(({ tags }) => tags[tag] ?? [])
  return elements.find(({ Value }) => Value !== undefined) ?? elements[0] ?? null
}
