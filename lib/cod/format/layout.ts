import { InvalidUri } from "./errors.ts"
import { isPathSegment } from "./uid.ts"

/**
 * Where one series stands. UIDs are hashed or not, as its objects' names have them.
 *
 * ```
 * D/studies/ST/series/SE.tar                 the DICOM files, members "instances/KEY.dcm"
 * D/studies/ST/series/SE/metadata.json       gzip
 * D/studies/ST/series/SE/index.sqlite        where each member of the tar begins
 * D/studies/ST/series/SE/thumbnail.jpg|mp4   of one frame, of several
 * D/studies/ST/series/SE/error.log           refuses writing
 * D/studies/ST/series/SE/.gradient.lock      who writes now; some writers call it .cod.lock
 * ```
 */
export interface SeriesPlace {
  /** `gs://bucket/prefix`, `s3://bucket` or `file:///folder`, without a slash at its end. */
  readonly datastore: string
  readonly studyUid: string
  readonly seriesUid: string
}

/** Keys of a series' objects, relative to its datastore. */
export interface SeriesKeys {
  /** Everything below the series but its tar, which stands beside this folder; ends with a slash. */
  readonly folder: string
  readonly tar: string
  readonly metadata: string
  readonly index: string
  readonly thumbnailJpg: string
  readonly thumbnailMp4: string
  readonly errorLog: string
}

/** Where a URI points: a series, and the instance whose member of the tar it names, if it names one. */
export interface SeriesReference extends SeriesPlace {
  readonly instanceKey?: string
}

/** Names of lock objects: ours and the Python package's. */
export const LOCK_NAMES = [".cod.lock", ".gradient.lock"] as const

/** Stands between a tar's own URI and the name of one of its members. */
const IN_TAR = ".tar://"

/** @throws InvalidUri when a UID cannot be a segment of a path */
export function seriesKeys(studyUid: string, seriesUid: string): SeriesKeys {
  const series = `${seriesPrefix(studyUid)}${seriesSegment(seriesUid)}`
  return {
    folder: `${series}/`,
    tar: `${series}.tar`,
    metadata: `${series}/metadata.json`,
    index: `${series}/index.sqlite`,
    thumbnailJpg: `${series}/thumbnail.jpg`,
    thumbnailMp4: `${series}/thumbnail.mp4`,
    errorLog: `${series}/error.log`,
  }
}

/** @throws InvalidUri when a UID cannot be a segment of a path */
export function lockKey(studyUid: string, seriesUid: string, lockName: string): string {
  return `${seriesKeys(studyUid, seriesUid).folder}${lockName}`
}

/**
 * What the keys of all series of a study begin with. Without its last slash study 1.2.3 would find those of 1.2.34.
 *
 * @throws InvalidUri when the UID cannot be a segment of a path
 */
export function seriesPrefix(studyUid: string): string {
  // Such a place could be read in two ways.
  if (studyUid === "studies") throw new InvalidUri('a study UID is not "studies"')
  return `studies/${segment(studyUid, "study UID")}/series/`
}

/** Name of an instance's member in the tar. @throws InvalidUri when the key cannot be a segment of a path */
export function memberName(key: string): string {
  return `instances/${segment(key, "instance key")}.dcm`
}

/** `D/studies/ST/series/SE`. @throws InvalidUri */
export function seriesUri(place: SeriesPlace): string {
  return `${datastoreOf(place.datastore)}/${seriesPrefix(place.studyUid)}${seriesSegment(place.seriesUid)}`
}

/** `D/studies/ST/series/SE.tar`. @throws InvalidUri */
export function tarUri(place: SeriesPlace): string {
  return objectUri(place, "tar")
}

/** `D/studies/ST/series/SE/metadata.json`. @throws InvalidUri */
export function metadataUri(place: SeriesPlace): string {
  return objectUri(place, "metadata")
}

/** URI of any object of the series. @throws InvalidUri */
export function objectUri(place: SeriesPlace, name: keyof SeriesKeys): string {
  return `${datastoreOf(place.datastore)}/${seriesKeys(place.studyUid, place.seriesUid)[name]}`
}

/** `D/studies/ST/series/SE.tar://instances/KEY.dcm`. @throws InvalidUri */
export function instanceUri(place: SeriesPlace, key: string): string {
  return `${seriesUri(place)}${IN_TAR}${memberName(key)}`
}

/**
 * The series that a URI points to: its own, its tar's, a member's of the tar, or that of any object in its folder.
 * Of several `/studies/…/series/…` the last counts: a datastore may stand below a folder of that name.
 *
 * @throws InvalidUri when it is of another scheme, names no series, or a segment leads elsewhere
 */
export function parseSeriesUri(uri: string): SeriesReference {
  const inTar = splitTarUri(uri)
  const place = placeOf(inTar === undefined ? uri : inTar.tar, uri)
  if (inTar === undefined) return place
  const [, key] = /^instances\/([^/]+)\.dcm$/.exec(inTar.member) ?? []
  if (key === undefined)
    throw new InvalidUri("the member of a series' tar is instances/KEY.dcm", { facts: { uri } })
  return { ...place, instanceKey: segment(key, "instance key") }
}

/**
 * The two halves of `ANYTHING.tar://MEMBER`, the tar as a URI or path of its own; undefined for what is in no tar.
 *
 * @throws InvalidUri when it names a tar within a tar, or no member
 */
export function splitTarUri(uri: string): { readonly tar: string; readonly member: string } | undefined {
  const at = uri.indexOf(IN_TAR)
  if (at === -1) return undefined
  const member = uri.slice(at + IN_TAR.length)
  if (member === "" || at === 0 || member.includes(IN_TAR)) {
    throw new InvalidUri("a member of a tar is named TAR.tar://MEMBER, once", { facts: { uri } })
  }
  return { tar: uri.slice(0, at + ".tar".length), member }
}

/** Whether it is read over a network: by its scheme, for a local file may well be called "httpfoo.dcm". */
export function isRemote(uri: string): boolean {
  return /^(?:https?|gs|s3):\/\//i.test(uri)
}

function placeOf(uri: string, whole: string): SeriesPlace {
  const [, datastore, studyUid, last] = /^(.+)\/studies\/([^/]*)\/series\/([^/]*)(?:\/.*)?$/s.exec(uri) ?? []
  if (datastore === undefined || studyUid === undefined || last === undefined) {
    throw new InvalidUri("a series' URI is DATASTORE/studies/UID/series/UID", { facts: { uri: whole } })
  }
  const seriesUid = last.endsWith(".tar") ? last.slice(0, -".tar".length) : last
  const place = { datastore: datastoreOf(datastore), studyUid, seriesUid }
  seriesKeys(studyUid, seriesUid)
  return place
}

/** Without slashes at its end. */
function datastoreOf(datastore: string): string {
  const trimmed = datastore.replace(/\/+$/, "")
  const [, bucket, path] = /^(?:(?:gs|s3):\/\/([^/]+)|file:\/\/)((?:\/.*)?)$/s.exec(trimmed) ?? []
  const segments = path?.split("/").slice(1)
  const isSafe = (name: string) => isPathSegment(name)
  if (segments?.every(isSafe) && (bucket === undefined ? segments.length > 0 : isSafe(bucket))) return trimmed
  throw new InvalidUri("a datastore is gs://BUCKET/PREFIX, s3://BUCKET/PREFIX or file:///FOLDER", {
    facts: { datastore },
  })
}

function seriesSegment(uid: string): string {
  // Its folder would be the tar of the series whose UID is the rest.
  if (uid.endsWith(".tar")) throw new InvalidUri("a series UID does not end in .tar", { facts: { uid } })
  return segment(uid, "series UID")
}

function segment(text: string, what: string): string {
  if (isPathSegment(text)) return text
  throw new InvalidUri(`${what} is not safe as one segment of a path: ${JSON.stringify(text.slice(0, 80))}`)
}
