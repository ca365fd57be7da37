import { type SeriesInfo, seriesInfo } from "../../cod/index.ts"
import { bytes, count, safe, table } from "../../support/text.ts"
import { withStoreOf } from "./open-series.ts"
import type { CodStart } from "./start.ts"
import { seriesTarget } from "./target.ts"
import { syntaxName } from "./transfer-syntaxes.ts"

/** `cod info URI`: what there is to say of a series without reading its instances. */
export async function info(start: CodStart, [uri = ""]: readonly string[]): Promise<0> {
  const place = seriesTarget(uri)
  const found = await withStoreOf(place, start, (store) => seriesInfo(uri, { store }, start.stop.requested))
  await start.print(documentOf(found), () => renderInfo(found))
  return 0
}

function documentOf(found: SeriesInfo) {
  return {
    uri: found.uri,
    study_uid: found.studyUid,
    series_uid: found.seriesUid,
    hashed_uids: found.hashedUids,
    instances: found.instances,
    unreadable: found.unreadable.map(({ key, problem }) => ({ key, problem: problem.message })),
    instance_bytes: found.instanceBytes,
    tar_bytes: found.tarBytes ?? null,
    frames: found.frames,
    with_pixel_data: found.withPixeldata,
    transfer_syntaxes: found.transferSyntaxes,
    metadata_versions: found.metadataVersions,
    locks: found.locks,
    error_log: found.errorLog ?? null,
    thumbnails: found.thumbnails,
    described_thumbnail: found.describedThumbnail ?? null,
    fields: found.fields,
  }
}

export function renderInfo(found: SeriesInfo): string {
  const { unreadable, errorLog } = found
  return [
    table(["series", safe(found.uri)], rowsOf(found)),
    ...(unreadable.length === 0
      ? []
      : [
          `\nEntries of the metadata that cannot be understood\n${table(
            ["key", "because"],
            unreadable.map(({ key, problem }) => [key, problem.message]),
          )}`,
        ]),
    ...(errorLog === undefined ? [] : [`\nError log; writers refuse the series\n${indented(errorLog)}`]),
  ].join("\n")
}

function rowsOf(found: SeriesInfo): [string, string][] {
  const { tarBytes, hashedUids, instances, locks, fields } = found
  const tar = tarBytes === undefined ? "there is no tar" : `the tar has ${bytes(tarBytes)}`
  return [
    ["UIDs", hashedUids ? "hashed" : "real"],
    ["instances", `${count(instances)}, ${bytes(found.instanceBytes)}; ${tar}`],
    ["frames", count(found.frames)],
    ["pixel data", `in ${found.withPixeldata === instances ? "all" : count(found.withPixeldata)} of them`],
    ["transfer syntax", counted(found.transferSyntaxes, syntaxName)],
    ["metadata", counted(found.metadataVersions, (version) => `version ${version}`)],
    ["thumbnail", thumbnailOf(found)],
    ["other fields", fields.filter((name) => name !== "thumbnail").join(", ") || "none"],
    ["locks", locks.length === 0 ? "none" : `${locks.join(", ")}: somebody writes, or died writing`],
  ]
}

/** `JPEG Baseline`, or `3 JPEG Baseline, 2 RLE Lossless`. */
function counted(all: Readonly<Record<string, number>>, nameOf: (key: string) => string): string {
  const entries = Object.entries(all).toSorted(([, a], [, b]) => b - a)
  if (entries.length === 1) return nameOf(entries[0]![0])
  return entries.map(([key, n]) => `${n} ${nameOf(key)}`).join(", ") || "none"
}

function thumbnailOf({ uri, thumbnails, describedThumbnail }: SeriesInfo): string {
  const name = (thumbnail: string) => thumbnail.slice(uri.length + 1)
  const stored = thumbnails.map((thumbnail) =>
    thumbnail === describedThumbnail ? name(thumbnail) : `${name(thumbnail)} (the metadata does not name it)`,
  )
  const isGone = describedThumbnail !== undefined && !thumbnails.includes(describedThumbnail)
  return [...stored, ...(isGone ? [`${name(describedThumbnail)} (not there)`] : [])].join(", ") || "none"
}

function indented(text: string): string {
  return text
    .trimEnd()
    .split("\n")
    .map((line) => `  ${safe(line.trimEnd())}`)
    .join("\n")
}
