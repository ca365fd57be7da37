import { resolve } from "node:path"
import { pathToFileURL } from "node:url"
import { isPathSegment } from "../../cod/format/uid.ts"
import { CODError, parseSeriesUri, type SeriesPlace } from "../../cod/index.ts"
import { type AppError, UsageError } from "../../support/errors.ts"
import { safe } from "../../support/text.ts"

/** One instance of a series. */
export interface InstanceTarget {
  readonly place: SeriesPlace
  readonly key: string
}

/** What a listing is of. */
export type ListTarget =
  | { readonly kind: "datastore"; readonly datastore: string }
  | { readonly kind: "study"; readonly datastore: string; readonly studyUid: string }
  | { readonly kind: "series"; readonly place: SeriesPlace }

/** The series that a word names: by its own URI, or by that of its tar, its metadata or its folder. @throws UsageError */
export function seriesTarget(uri: string): SeriesPlace {
  const key = keyIn(uri)
  if (key !== undefined) {
    throw new UsageError(
      `this is for a whole series, and "${safe(uri)}" names one instance`,
      `Leave out "#${safe(key)}", or use cat or tags for this instance.`,
    )
  }
  const { datastore, studyUid, seriesUid } = parsed(uri)
  return { datastore, studyUid, seriesUid }
}

/**
 * `SERIES#KEY`, where the key is everything behind the first `#` as it is; or the URI of the member of the tar,
 * `SERIES.tar://instances/KEY.dcm`, as metadata has it.
 * @throws UsageError
 */
export function instanceTarget(uri: string): InstanceTarget {
  const key = keyIn(uri)
  const { instanceKey, ...place } = parsed(key === undefined ? uri : uri.slice(0, uri.indexOf("#")))
  const asked = key ?? instanceKey
  if (asked !== undefined && asked !== "") return { place, key: asked }
  throw new UsageError(
    `"${safe(uri)}" does not say which instance: expected URI#KEY`,
    `bun scripts/cod.ts ls ${safe(key === undefined ? uri : uri.slice(0, -1))} lists the keys.`,
  )
}

/** `DATASTORE`, `DATASTORE/studies/UID`, or a series. @throws UsageError */
export function listTarget(uri: string): ListTarget {
  const trimmed = uri.replace(/\/+$/, "")
  if (/\/studies\/[^/]+\/series\/./.test(trimmed)) return { kind: "series", place: seriesTarget(trimmed) }
  const [, before, studyUid] = /^(.+)\/studies(?:\/([^/]+)(?:\/series)?)?$/s.exec(trimmed) ?? []
  const datastore = before ?? trimmed
  if (!/^(?:gs|s3|file):\/\/./.test(datastore) || (studyUid !== undefined && !isPathSegment(studyUid))) {
    throw notUnderstood(uri)
  }
  return studyUid === undefined ? { kind: "datastore", datastore } : { kind: "study", datastore, studyUid }
}

function keyIn(uri: string): string | undefined {
  const at = uri.indexOf("#")
  return at === -1 ? undefined : uri.slice(at + 1)
}

function parsed(uri: string): ReturnType<typeof parseSeriesUri> {
  try {
    return parseSeriesUri(uri)
  } catch (error) {
    if (!(error instanceof CODError)) throw error
    throw notUnderstood(uri, error)
  }
}

function notUnderstood(uri: string, cause?: AppError): UsageError {
  const why = cause === undefined ? "" : `: ${safe(cause.message)}`
  return new UsageError(`"${safe(uri)}" is not understood${why}`, safe(expectationFor(uri)))
}

function expectationFor(uri: string): string {
  if (!/^[a-z][a-z0-9+.-]*:/i.test(uri)) {
    return `A local folder is written as ${pathToFileURL(resolve(uri)).href}.`
  }
  if (!/^(?:gs|s3|file):\/\/(?!\/\/)/.test(uri) || (uri.startsWith("file:") && !uri.startsWith("file:///"))) {
    return "It begins with gs://BUCKET, s3://BUCKET or file:///FOLDER."
  }
  return "Expected DATASTORE/studies/STUDY_UID/series/SERIES_UID; bun scripts/cod.ts ls DATASTORE lists all series."
}
