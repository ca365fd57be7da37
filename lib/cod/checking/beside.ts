import { CODError } from "../errors.ts"
import { compareIndex } from "../format/index/compare.ts"
import { MAX_INDEX_BYTES, readIndex } from "../format/index/read.ts"
import type { SeriesMetadata } from "../format/metadata/types.ts"
import { nameOf, wholeObject } from "../reading/object-bytes.ts"
import { lookFor } from "../reading/presence.ts"
import type { Series } from "../reading/series.ts"
import { locksOf } from "../reading/settle.ts"
import { thumbnailOf } from "../reading/thumbnail.ts"
import { type Finding, finding } from "./finding.ts"
import type { ListedTar } from "./tar.ts"

/** Locks and an error log. */
export async function checkHindrances(series: Series, signal?: AbortSignal): Promise<Finding[]> {
  const errorLog = series.object("errorLog")
  const [locks, log] = await Promise.all([locksOf(series, signal), lookFor(errorLog, signal)])
  return [
    ...locks.map((name) =>
      finding("locked", `${series.uri}/${name}`, "somebody writes the series, or did not end it"),
    ),
    ...(log === undefined ? [] : [finding("error-log", nameOf(errorLog), `${log.size} bytes`)]),
  ]
}

/** The index against the tar that it is of. */
export async function checkIndex(series: Series, tar: ListedTar, signal?: AbortSignal): Promise<Finding[]> {
  const index = series.object("index")
  const where = nameOf(index)
  if ((await lookFor(index, signal)) === undefined) return [finding("index-missing", where, "there is none")]
  try {
    const { bytes } = await wholeObject(index, MAX_INDEX_BYTES, signal)
    const { missing, extra, wrong, tarSize } = compareIndex(readIndex(bytes), tar.scan.members, tar.size)
    const differences = [
      ...(missing.length > 0 ? [`lacks ${missing.length} members`] : []),
      ...(extra.length > 0 ? [`has ${extra.length} that are not there`] : []),
      ...(wrong.length > 0 ? [`has ${wrong.length} at a wrong place`] : []),
      ...(tarSize === undefined ? [] : [`is of a tar of ${tarSize} bytes, not ${tar.size}`]),
    ]
    return differences.length === 0 ? [] : [finding("index-stale", where, differences.join(", "))]
  } catch (error) {
    if (error instanceof CODError) return [finding("index-stale", where, error.message)]
    throw error
  }
}

/** The thumbnail that the metadata describes, and those that are there. */
export async function checkThumbnail(
  series: Series,
  metadata: SeriesMetadata,
  signal?: AbortSignal,
): Promise<Finding[]> {
  const { described, stored } = await thumbnailOf(series, metadata, signal)
  if (described === undefined) {
    return stored.map((uri) => finding("thumbnail-left-over", uri, "the metadata describes no thumbnail"))
  }
  const where = described.uri ?? series.uri
  const left = stored.filter((uri) => uri !== described.uri)
  return [
    ...(stored.includes(described.uri ?? "") ? [] : [finding("thumbnail-stale", where, "it is not there")]),
    ...(described.stale === undefined ? [] : [finding("thumbnail-stale", where, described.stale)]),
    ...left.map((uri) => finding("thumbnail-left-over", uri, `the metadata describes ${where}`)),
  ]
}
