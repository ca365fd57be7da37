import { forEachLimit } from "../support/pool.ts"
import { CODObject } from "./cod-object.ts"
import { CODObjectNotFoundError, InvalidUri } from "./errors.ts"
import type { StoredElement, StoredTags } from "./format/metadata/types.ts"
import { isPathSegment } from "./format/uid.ts"
import { listSeries } from "./listing.ts"
import type { SeriesAccess } from "./reading/series-at.ts"

/** Of a study one dictionary, of a series one for each instance, of an instance one; of frames their bytes. */
export type DicomwebAnswer = StudyAttributes | StoredTags | readonly StoredTags[] | readonly Uint8Array[]

/** Null for an attribute that no series of the study has. */
export type StudyAttributes = Readonly<Record<string, StoredElement | null>>

/**
 * Answers as a DICOMweb server would (PS3.18, chapter 10) from `gs://`, `s3://` and `file://`:
 *
 * - `D/studies/S/metadata` the study's attributes, put together from all its series, among them the number of series
 *   (0020,1206) and instances (0020,1208) and the modalities (0008,0061)
 * - `D/studies/S/series/E/metadata` the attributes of every instance, in order
 * - `D/studies/S/series/E/instances/I/metadata` those of one instance
 * - `D/studies/S/series/E/instances/I/frames/1,3` frames, from 1, as they are stored: neither decoded nor in parts of MIME
 *
 * Nothing is locked. UIDs are those that the series is stored by, hashed where they are.
 * @throws InvalidUri for anything else, CODObjectNotFoundError, InstanceNotFoundError, FrameNotFoundError, StorageError
 */
export async function handleRequest(
  uri: string,
  access: SeriesAccess = {},
  signal?: AbortSignal,
): Promise<DicomwebAnswer> {
  const { datastore, studyUid, seriesUid, instanceKey, frames } = parseRequest(uri)
  if (seriesUid === undefined) return await studyAttributes(datastore, studyUid, access, signal)
  await using cod = await CODObject.open({ ...access, datastore, studyUid, seriesUid, lock: false }, signal)
  if (instanceKey === undefined) {
    const instances = await cod.getInstances({ strictSorting: false }, signal)
    return await Promise.all([...instances.values()].map((instance) => instance.metadata(signal)))
  }
  if (frames === undefined) return await (await cod.getInstance(instanceKey, signal)).metadata(signal)
  const answers: Uint8Array[] = []
  for (const frame of frames) {
    await using view = await cod.openFrame(instanceKey, frame, signal)
    answers.push(await view.bytes(signal))
  }
  return answers
}

interface Request {
  readonly datastore: string
  readonly studyUid: string
  readonly seriesUid?: string | undefined
  readonly instanceKey?: string | undefined
  readonly frames?: readonly number[] | undefined
}

const REQUEST = new RegExp(
  [
    /^(?<datastore>.+)\/studies\/(?<studyUid>[^/]+)/,
    /(?:\/series\/(?<seriesUid>[^/]+)(?:\/instances\/(?<instanceKey>[^/]+))?)?/,
    /(?:\/frames\/(?<frames>[^/]+)|(?<metadata>\/metadata))$/,
  ]
    .map(({ source }) => source)
    .join(""),
  "s",
)

function parseRequest(uri: string): Request {
  const groups = REQUEST.exec(uri)?.groups as Partial<Record<string, string>> | undefined
  const { datastore, studyUid, seriesUid, instanceKey, frames } = groups ?? {}
  const uids = [studyUid, seriesUid, instanceKey].filter((uid) => uid !== undefined)
  if (datastore === undefined || studyUid === undefined || !uids.every(isPathSegment)) throw notARequest(uri)
  if (frames === undefined) return { datastore, studyUid, seriesUid, instanceKey }
  if (instanceKey === undefined || !/^[1-9]\d{0,8}(?:,[1-9]\d{0,8})*$/.test(frames)) throw notARequest(uri)
  return { datastore, studyUid, seriesUid, instanceKey, frames: frames.split(",").map(Number) }
}

function notARequest(uri: string): InvalidUri {
  return new InvalidUri(
    "a request is D/studies/S[/series/E[/instances/I]]/metadata, or D/…/instances/I/frames/1,3",
    {
      facts: { uri },
    },
  )
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

async function studyAttributes(
  datastore: string,
  studyUid: string,
  access: SeriesAccess,
  signal: AbortSignal | undefined,
): Promise<StudyAttributes> {
  const found = new Map<string, SeriesAttributes>()
  const read = async ({ place }: { readonly place: { readonly seriesUid: string } }, signal: AbortSignal) => {
    const { seriesUid } = place
    await using cod = await CODObject.open({ ...access, datastore, studyUid, seriesUid, lock: false }, signal)
    found.set(seriesUid, await seriesAttributes(cod, signal))
  }
  await forEachLimit(withMetadata(datastore, studyUid, access, signal), AT_ONCE, read, signal)
  if (found.size === 0) throw new CODObjectNotFoundError(`${datastore}/studies/${studyUid}`)
  const series = [...found.keys()].toSorted().map((uid) => found.get(uid)!)
  return {
    ...Object.fromEntries(STUDY_TAGS.map((tag) => [tag, firstWithValue(series, tag)] as const)),
    "00080061": { vr: "CS", Value: [...new Set(series.flatMap(({ modalities }) => modalities))].toSorted() },
    "00201206": { vr: "IS", Value: [series.length] },
    "00201208": { vr: "IS", Value: [series.reduce((sum, { instances }) => sum + instances, 0)] },
  }
}

async function* withMetadata(
  datastore: string,
  studyUid: string,
  access: SeriesAccess,
  signal?: AbortSignal,
) {
  for await (const series of listSeries({ ...access, datastore, studyUid }, signal)) {
    if (series.objects.has("metadata.json")) yield series
  }
}

interface SeriesAttributes {
  readonly tags: StoredTags
  readonly modalities: readonly string[]
  readonly instances: number
}

/** Its first instance speaks for the series, and for the study: all have the same values there. */
async function seriesAttributes(cod: CODObject, signal?: AbortSignal): Promise<SeriesAttributes> {
  const instances = await cod.getInstances({ strictSorting: false }, signal)
  const [first] = instances.values()
  const tags = (await first?.metadata(signal)) ?? {}
  const modality = tags["00080060"]?.Value?.[0]
  return { tags, modalities: typeof modality === "string" ? [modality] : [], instances: instances.size }
}

function firstWithValue(series: readonly SeriesAttributes[], tag: string): StoredElement | null {
  const elements = series.flatMap(({ tags }) => tags[tag] ?? [])
  return elements.find(({ Value }) => Value !== undefined) ?? elements[0] ?? null
}
