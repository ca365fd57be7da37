import { fileURLToPath } from "node:url"
import { systemClock } from "../../support/clock.ts"
import { UsageError } from "../../support/errors.ts"
import { isRemote, parseSeriesUri, type SeriesReference, splitTarUri } from "../format/layout.ts"
import { MetadataCache } from "../metadata-cache.ts"
import { Metrics } from "../metrics.ts"
import { ByteView } from "../view.ts"
import { collect } from "./collect.ts"
import { openFileBytes } from "./file-bytes.ts"
import { readInstance, viewOf } from "./instance-bytes.ts"
import { openRemoteBytes, windowOf } from "./remote-bytes.ts"
import type { Scratch } from "./scratch.ts"
import { openSeries, type SeriesMeans } from "./series.ts"
import type { SeriesAccess } from "./series-at.ts"
import { locateFolder, locateObject, type StoreChoice } from "./store-of.ts"
import { findMember } from "./tar-member.ts"

/** Opens a file, as often as it is called. */
export type Opener = (signal?: AbortSignal) => Promise<ByteView>

/**
 * Opens what a URI or a local path names: a local file, a member of a local tar, or of a tar in a store, of which only
 * that member is read. A member of a series' tar is looked up in the series' metadata, which is read once, and has the
 * CRC32C that stands there; of any other tar the headers are read.
 */
export function uriOpener(uri: string, access: SeriesAccess, scratch: Scratch): Opener {
  let known: Known | undefined
  return async (signal) => {
    const inTar = splitTarUri(uri)
    if (inTar === undefined) return openFile(localPath(uri))
    const reference = hasScheme(uri) ? memberOfSeries(uri) : undefined
    if (reference !== undefined) {
      const { metadataCache = new MetadataCache(), metrics = new Metrics() } = access
      known ??= { cache: metadataCache, metrics }
      return await openStoredMember(reference, { ...access, ...known, scratch }, signal)
    }
    if (isRemote(uri)) return await openRemoteMember(inTar.tar, inTar.member, access, scratch, signal)
    return await openLocalMember(localPath(inTar.tar), inTar.member, signal)
  }
}

/** What one opening of a series leaves to the next. */
type Known = Pick<SeriesMeans, "cache" | "metrics">

/** A whole local file. */
export function openFile(path: string): ByteView {
  const file = openFileBytes(path)
  return new ByteView(file, () => file[Symbol.dispose]())
}

/** A part of a local file, from `start` up to `end`, exclusive. */
export function openPartOfFile(path: string, start: number, end: number): ByteView {
  const file = openFileBytes(path)
  return new ByteView(windowOf(file, start, end), () => file[Symbol.dispose]())
}

/** Where a URI of the scheme `file`, or a path, leads. @throws UsageError */
export function localPath(uri: string): string {
  if (!uri.startsWith("file:")) return uri
  try {
    return fileURLToPath(uri)
  } catch (cause) {
    throw new UsageError(`${JSON.stringify(uri)} cannot be used: ${(cause as Error).message}`)
  }
}

function hasScheme(uri: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(uri)
}

function memberOfSeries(uri: string): (SeriesReference & { readonly instanceKey: string }) | undefined {
  if (!/\/studies\/[^/]*\/series\/[^/]*\.tar:\/\/instances\//.test(uri)) return undefined
  const { instanceKey, ...place } = parseSeriesUri(uri)
  return instanceKey === undefined ? undefined : { ...place, instanceKey }
}

async function openStoredMember(
  { instanceKey, ...place }: SeriesReference & { readonly instanceKey: string },
  {
    cache,
    metrics,
    scratch,
    clock = systemClock,
    ...choice
  }: SeriesAccess & Known & { readonly scratch: Scratch },
  signal: AbortSignal | undefined,
): Promise<ByteView> {
  using located = locateFolder(place.datastore, choice)
  const series = openSeries(place, { ...located, cache, metrics, scratch, clock })
  return viewOf(await readInstance(series, instanceKey, signal))
}

async function openRemoteMember(
  tarUri: string,
  name: string,
  choice: StoreChoice,
  scratch: Scratch,
  signal: AbortSignal | undefined,
): Promise<ByteView> {
  using object = locateObject(tarUri, choice)
  const tar = await openRemoteBytes(object, signal)
  const { start, size } = await findMember(tar, tarUri, name, signal)
  const wanted = { range: { start, end: start + size }, ifGeneration: tar.generation }
  const collected = await collect(object, wanted, scratch, "member.dcm", signal)
  return new ByteView(collected.bytes, () => collected[Symbol.dispose]())
}

async function openLocalMember(
  path: string,
  name: string,
  signal: AbortSignal | undefined,
): Promise<ByteView> {
  const tar = openFileBytes(path)
  try {
    const { start, size } = await findMember(tar, path, name, signal)
    return new ByteView(windowOf(tar, start, start + size), () => tar[Symbol.dispose]())
  } catch (error) {
    tar[Symbol.dispose]()
    throw error
  }
}
