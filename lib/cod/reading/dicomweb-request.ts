import { InvalidUri, TooLarge } from "../errors.ts"
import { isPathSegment } from "../format/uid.ts"

/** What of a datastore is asked for: the more is named, the less is meant. */
export interface Request {
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

/** Frames that one request may name. */
const MAX_FRAMES = 10_000

/** @throws InvalidUri, TooLarge */
export function parseRequest(uri: string): Request {
  const groups = REQUEST.exec(uri)?.groups as Partial<Record<string, string>> | undefined
  const { datastore, studyUid, seriesUid, instanceKey, frames } = groups ?? {}
  const uids = [studyUid, seriesUid, instanceKey].filter((uid) => uid !== undefined)
  if (datastore === undefined || studyUid === undefined || !uids.every(isPathSegment)) throw notARequest(uri)
  if (frames === undefined) return { datastore, studyUid, seriesUid, instanceKey }
  if (instanceKey === undefined || !/^[1-9]\d{0,8}(?:,[1-9]\d{0,8})*$/.test(frames)) throw notARequest(uri)
  const numbers = frames.split(",").map(Number)
  if (numbers.length > MAX_FRAMES) throw new TooLarge("the number of frames of a request", MAX_FRAMES)
  return { datastore, studyUid, seriesUid, instanceKey, frames: numbers }
}

function notARequest(uri: string): InvalidUri {
  return new InvalidUri(
    "a request is D/studies/S[/series/E[/instances/I]]/metadata, or D/…/instances/I/frames/1,3",
    { facts: { uri } },
  )
}
