import { type FoundLock, findLocks, type SeriesInfo, type SeriesPlace, seriesInfo } from "../../cod/index.ts"
import { AccessDenied } from "../../storage/errors.ts"
import type { ObjectSource } from "../../storage/store.ts"
import { bytes, count, safe, table } from "../../support/text.ts"
import { lockDocument, renderLocks } from "./locks.ts"
import { withStoreOf } from "./open-series.ts"
import type { CodStart, OpenStart } from "./start.ts"
import { seriesTarget } from "./target.ts"
import { syntaxName } from "./transfer-syntaxes.ts"

/** `cod info URI`: what there is to say of a series without reading its instances. */
export async function info(start: CodStart, [uri = ""]: readonly string[]): Promise<0> {
  const found = await lookAt(start, uri)
  await start.print(documentOf(found), () => renderInfo(found, new Date()))
  return 0
}

/** What there is to say, and whose the locks are; undefined to who may not list them. */
type Found = SeriesInfo & { readonly held: readonly FoundLock[] | undefined }

/** Looks at the series that a word names. */
export function lookAt(start: OpenStart, uri: string): Promise<Found> {
  const place = seriesTarget(uri)
  const signal = start.stop.requested
  return withStoreOf(place, start, async (store) => ({
    ...(await seriesInfo(uri, { store }, signal)),
    held: await locksIn(store, place, signal),
  }))
}

async function locksIn(
  store: ObjectSource,
  place: SeriesPlace,
  signal: AbortSignal,
): Promise<readonly FoundLock[] | undefined> {
  try {
    return await findLocks(store, place, signal)
  } catch (error) {
    if (error instanceof AccessDenied) return undefined
    throw error
  }
}

function documentOf(found: Found) {
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
    locks: found.held?.map(lockDocument) ?? found.locks.map((name) => ({ name })),
    error_log: found.errorLog ?? null,
    thumbnails: found.thumbnails,
    described_thumbnail: found.describedThumbnail ?? null,
    fields: found.fields,
  }
}

export function renderInfo(found: Found, now: Date): string {
  const { unreadable, errorLog, held = [] } = found
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
    ...(held.length === 0 ? [] : [`\n${locksOf(found.uri, held, now)}`]),
    ...(errorLog === undefined ? [] : [`\nError log; writers refuse the series\n${indented(errorLog)}`]),
  ].join("\n")
}

function rowsOf(found: Found): [string, string][] {
  const { tarBytes, hashedUids, instances, locks, fields } = found
  const tar = tarBytes === undefined ? "there is no tar" : `the tar has ${bytes(tarBytes)}`
  return [
    ["UIDs", hashedUids ? "hashed in paths and keys, real in tags and pixels: not de-identified" : "real"],
    ["instances", `${count(instances)}, ${bytes(found.instanceBytes)}; ${tar}`],
    ["frames", count(found.frames)],
    ["pixel data", `in ${found.withPixeldata === instances ? "all" : count(found.withPixeldata)} of them`],
    ["transfer syntax", counted(found.transferSyntaxes, syntaxName)],
    ["metadata", counted(found.metadataVersions, (version) => `version ${version}`)],
    ["thumbnail", thumbnailOf(found)],
    ["other fields", fields.filter((name) => name !== "thumbnail").join(", ") || "none"],
    ["locks", (found.held?.map(({ name }) => name) ?? locks).join(", ") || "none"],
  ]
}

/** `JPEG Baseline`, or `3 JPEG Baseline, 2 RLE Lossless`. */
function counted(all: Readonly<Record<string, number>>, nameOf: (key: string) => string): string {
  const entries = Object.entries(all).toSorted(([, a], [, b]) => b - a)
  if (entries.length === 1) return nameOf(entries[0]![0])
  return entries.map(([key, n]) => `${n} ${nameOf(key)}`).join(", ") || "none"
}

function locksOf(uri: string, held: readonly FoundLock[], now: Date): string {
  const [first] = held
  return [
    renderLocks("lock", held, now),
    "While they stand only their holder writes. If nobody works on the series any more:",
    `  bun scripts/cod.ts unlock ${safe(uri)} --generation ${first!.generation} --why TEXT`,
  ].join("\n")
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
