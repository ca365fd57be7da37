import { resolve } from "node:path"
import { Aborted, AppError } from "../../support/errors.ts"
import { forEachLimit } from "../../support/pool.ts"
import type { InstanceRecord } from "../format/metadata/types.ts"
import { localPath } from "../reading/open-uri.ts"
import {
  type DependencyPlace,
  isLocal,
  openPlaces,
  type PlacesOptions,
  type StandingFile,
} from "./dependency-place.ts"

export interface DependencyOptions {
  /** Whether only to tell what would be done (false). */
  readonly dryRun?: boolean | undefined
  /** Whether to keep what is not, byte for byte, what is stored of an instance that names it (true). */
  readonly validateHash?: boolean | undefined
  /** URIs that are superfluous now, by the keys of their instances (what the instances declare). */
  readonly dependencies?: ReadonlyMap<string, readonly string[]> | undefined
  /** A store for what lies in another bucket than the series; without it one is opened for `gs://`. */
  readonly storeOf?: PlacesOptions["storeOf"]
}

/** What became of the dependencies of a series: each URI is in one of the lists, once. */
export interface DependencyReport {
  /** Gone now; with `dryRun`, what would be. */
  readonly deleted: readonly string[]
  /** Was not there. */
  readonly missing: readonly string[]
  readonly kept: readonly { readonly uri: string; readonly why: string }[]
}

export interface DependenciesOf {
  /** All instances of the series, which was found sound. */
  readonly records: readonly InstanceRecord[]
  readonly datastore: string
  readonly places: Omit<PlacesOptions, "storeOf">
}

/** So many files are dealt with at a time. */
const AT_ONCE = 8

/**
 * Deletes what the instances of a series declare superfluous now that they are stored: objects and local files, each in the
 * very generation that was looked at. Members of tars stay, and so does whatever lies among the datastore's own series. What
 * cannot be deleted is told, and keeps nothing else from it.
 * @throws Aborted
 */
export async function deleteDependencies(
  of: DependenciesOf,
  options: DependencyOptions = {},
  signal?: AbortSignal,
): Promise<DependencyReport> {
  const wanted = byUri(of.records, options)
  const fates = new Map<string, Fate>()
  using places = openPlaces({ ...of.places, storeOf: options.storeOf })
  const settle = async ([uri, records]: [string, InstanceRecord[]], signal: AbortSignal) => {
    const why = whyNever(uri, of)
    const fate = why ?? (await fateOf(() => places.placeOf(uri), records, options, signal))
    fates.set(uri, fate)
  }
  await forEachLimit(wanted, AT_ONCE, settle, signal)
  return reportOf([...wanted.keys()].map((uri) => [uri, fates.get(uri)!]))
}

/** Done with, not there, or why it is still there. */
type Fate = typeof DELETED | typeof MISSING | { readonly why: string }
const DELETED = "deleted"
const MISSING = "missing"

/** Whoever names it; the first one that does says where it comes. */
function byUri(
  records: readonly InstanceRecord[],
  { dependencies }: DependencyOptions,
): Map<string, InstanceRecord[]> {
  const naming = new Map<string, InstanceRecord[]>()
  for (const record of records) {
    const named = dependencies === undefined ? record.dependencies : dependencies.get(record.key)
    for (const uri of new Set(named)) naming.set(uri, [...(naming.get(uri) ?? []), record])
  }
  return naming
}

/** What is never touched, whatever it is. */
function whyNever(uri: string, { datastore }: DependenciesOf): Fate | undefined {
  if (/\.(?:tar|zip):\/\//.test(uri)) return { why: "it is a member of an archive" }
  const whole = isLocal(uri) ? resolve(pathOf(uri)) : uri
  const series = `${isLocal(datastore) ? resolve(pathOf(datastore)) : datastore}/studies/`
  return whole.startsWith(series) ? { why: "it lies among the series of the datastore" } : undefined
}

/** A URI that is no path is told of when its place is looked for. */
function pathOf(uri: string): string {
  try {
    return localPath(uri)
  } catch {
    return uri
  }
}

async function fateOf(
  find: () => DependencyPlace,
  records: readonly InstanceRecord[],
  { dryRun = false, validateHash = true }: DependencyOptions,
  signal: AbortSignal,
): Promise<Fate> {
  try {
    const place = find()
    const found = await place.look(signal)
    if (found === undefined) return MISSING
    const difference = validateHash ? await differenceOf(place, found, records, signal) : undefined
    if (difference !== undefined) return { why: difference }
    if (!dryRun) await place.delete(found, signal)
    return DELETED
  } catch (error) {
    if (error instanceof Aborted || signal.aborted || !(error instanceof AppError)) throw error
    return { why: error.message }
  }
}

/** Undefined when it is what is stored of one of the instances. */
async function differenceOf(
  place: DependencyPlace,
  found: StandingFile,
  records: readonly InstanceRecord[],
  signal: AbortSignal,
): Promise<string | undefined> {
  const ofThisSize = records.filter(({ size }) => size === found.size)
  if (ofThisSize.length === 0) return `it has ${found.size} bytes, as none of the instances that name it`
  const crc32c = found.crc32c ?? (await place.crc32c(found, signal))
  if (ofThisSize.some((record) => record.crc32c === crc32c)) return undefined
  return `its CRC32C is ${crc32c}, that of none of the instances that name it`
}

function reportOf(fates: readonly (readonly [uri: string, fate: Fate])[]): DependencyReport {
  const urisOf = (wanted: Fate) => fates.filter(([, fate]) => fate === wanted).map(([uri]) => uri)
  const kept = fates.flatMap(([uri, fate]) => (typeof fate === "object" ? [{ uri, ...fate }] : []))
  return { deleted: urisOf(DELETED), missing: urisOf(MISSING), kept }
}
