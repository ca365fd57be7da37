import { forEachLimit } from "../../support/pool.ts"
import type { ListedTar } from "../checking/tar.ts"
import { CODError } from "../format/errors.ts"
import { memberName, type SeriesPlace } from "../format/layout.ts"
import { changeInstance } from "../format/metadata/instance-text.ts"
import type { InstanceEntry, InstanceRecord, SeriesMetadata } from "../format/metadata/types.ts"
import type { TarMember } from "../format/tar/member.ts"
import { isPathSegment } from "../format/uid.ts"
import type { UidHashFunc } from "../instance.ts"
import { measureRange } from "../reading/measure.ts"
import type { Series } from "../reading/series.ts"
import { recordOfMember, retold } from "./found-instance.ts"

/** An instance that the metadata has and the tar has not. */
export interface LostInstance {
  readonly key: string
  readonly why: string
}

/** A member of the tar that is no instance of the series. */
export interface LeftOver {
  readonly name: string
  /** Of its bytes in the tar, and how many. */
  readonly start: number
  readonly size: number
  readonly why: string
}

/** What there is of a series, by its metadata and by its tar together. */
export interface Survey {
  /** All that can be had, each at its place in the tar as it is stored: those of the metadata in its order, then others. */
  readonly instances: Map<string, InstanceRecord>
  readonly hashedUids: boolean
  /** Keys by what was found of them. */
  readonly kept: readonly string[]
  readonly moved: readonly string[]
  readonly remade: readonly string[]
  readonly found: readonly string[]
  readonly lost: readonly LostInstance[]
  readonly leftOver: readonly LeftOver[]
}

export interface SurveyOf {
  readonly series: Series
  /** Undefined where there is none that can be read. */
  readonly document: SeriesMetadata | undefined
  /** Undefined where there is none. */
  readonly tar: ListedTar | undefined
  /** Of a series without metadata, if somebody knows; else its files tell. */
  readonly hashedUids?: boolean | undefined
  readonly uidHashFunc?: UidHashFunc | undefined
  readonly now: Date
}

/** So many instances are read at a time. */
const AT_ONCE = 4

/**
 * Looks for the bytes of every instance that the metadata has: where it says, then at all members of that name. Then makes
 * instances of the members that no entry knows. Whatever the tar holds is looked at, also where its readers do not come to.
 * Reads the whole tar once; only files of which something has to be made anew are in memory, four of them at most.
 */
export async function surveySeries(of: SurveyOf, signal?: AbortSignal): Promise<Survey> {
  const entries = [...(of.document?.instances.values() ?? [])]
  const placed = await placeAll(of, entries, signal)
  return arranged(of, entries, placed, await makeOthers(of, placed, signal))
}

function arranged(
  of: SurveyOf,
  entries: readonly InstanceEntry[],
  placed: ReadonlyMap<string, InstanceRecord>,
  made: Made,
): Survey {
  const { hashedUids, fits } = identityOf(of, placed, made.records)
  const records = new Map(made.records.entries().filter(([, record]) => fits(record)))
  const foreign = [...made.records.values()].filter((record) => !fits(record))
  const hasEntry = (key: string) => of.document?.instances.has(key) === true
  const replaces = (key: string) => of.document?.instances.get(key)?.kind === "unreadable"
  const inOrder = entries.map(({ key }) => placed.get(key) ?? records.get(key))
  const others = [...records.values()].filter(({ key }) => !hasEntry(key))
  const keysOf = (fate: string) =>
    entries.filter((entry) => fateOf(entry, placed.get(entry.key)) === fate).map(({ key }) => key)
  return {
    instances: new Map(
      [...inOrder, ...others].flatMap((record) => (record === undefined ? [] : [[record.key, record]])),
    ),
    hashedUids,
    kept: keysOf("kept"),
    moved: keysOf("moved"),
    remade: [...keysOf("remade"), ...[...records.keys()].filter(replaces)],
    found: [...records.keys()].filter((key) => !replaces(key)),
    lost: entries
      .filter(({ key }) => !placed.has(key) && !(replaces(key) && records.has(key)))
      .map((entry) => ({ key: entry.key, why: whyLost(of, entry) })),
    leftOver: [...made.leftOver, ...foreign.map(asForeign)].toSorted((a, b) => a.start - b.start),
  }
}

function asForeign({ key, startByte: start, size }: InstanceRecord): LeftOver {
  const why = "an instance of another series, or under another one's name"
  return { name: memberName(key), start, size, why }
}

/** What became of an entry whose bytes are in the tar. */
function fateOf(
  entry: InstanceEntry,
  now: InstanceRecord | undefined,
): "kept" | "moved" | "remade" | undefined {
  if (now === undefined || entry.kind === "unreadable") return undefined
  if (now === entry) return "kept"
  return now.startByte === entry.startByte ? "remade" : "moved"
}

/** Those instances of the metadata whose bytes are in the tar, by key; the very record of one that is as it should be. */
async function placeAll(
  { series, tar, now }: SurveyOf,
  entries: readonly InstanceEntry[],
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, InstanceRecord>> {
  const placed = new Map<string, InstanceRecord>()
  if (tar === undefined) return placed
  const place = async (record: InstanceRecord, signal: AbortSignal) => {
    const { key, size, crc32c, startByte } = record
    const namesakes = (tar.byName.get(memberName(key)) ?? []).filter((member) => member.size === size)
    for (const start of [startByte, ...namesakes.map((member) => member.start).toReversed()]) {
      const found = await measureRange(series.tar, { start, end: start + size }, tar.generation, signal)
      if (found.size !== size || found.crc32c !== crc32c) continue
      const place = { startByte: start, endByte: start + size }
      const there = start === startByte ? record : changeInstance(record, place)
      placed.set(key, await retold(series, there, tar.generation, now, signal))
      return
    }
  }
  await forEachLimit(
    entries.filter((entry) => entry.kind === "instance"),
    AT_ONCE,
    place,
    signal,
  )
  return placed
}

interface Made {
  /** In the order of the tar. */
  readonly records: ReadonlyMap<string, InstanceRecord>
  readonly leftOver: readonly LeftOver[]
}

/** Of several members by one name the last one that is an instance counts, as for all readers of tars. */
async function makeOthers(
  of: SurveyOf,
  placed: ReadonlyMap<string, InstanceRecord>,
  signal?: AbortSignal,
): Promise<Made> {
  const records = new Map<string, InstanceRecord>()
  const leftOver: LeftOver[] = []
  for (const [name, members] of of.tar?.byName ?? []) {
    const key = keyOf(name)
    const meant = key === undefined ? undefined : placed.get(key)
    for (const member of members.toReversed()) {
      if (member.start === meant?.startByte || member.type === "directory") continue
      const why = await whyNot(of, key, member, meant ?? records.get(key ?? ""), records, signal)
      if (why !== undefined) leftOver.push({ name, start: member.start, size: member.size, why })
    }
  }
  return { records, leftOver }
}

/** Makes an instance of a member. @returns why none was made of it */
async function whyNot(
  { series, document, tar, now }: SurveyOf,
  key: string | undefined,
  member: TarMember,
  namesake: InstanceRecord | undefined,
  records: Map<string, InstanceRecord>,
  signal?: AbortSignal,
): Promise<string | undefined> {
  if (key === undefined) return "its name is not that of an instance"
  if (member.type !== "file") return `it is a ${member.type}, not a file`
  if (namesake !== undefined) return `the instance of this name begins at ${namesake.startByte}`
  const { generation } = tar!
  const found = { key, member, generation, entry: document?.instances.get(key) }
  try {
    records.set(key, await recordOfMember(series, found, now, signal))
    return undefined
  } catch (error) {
    if (error instanceof CODError) return error.message
    throw error
  }
}

function keyOf(name: string): string | undefined {
  const [, key] = /^instances\/([^/]+)\.dcm$/.exec(name) ?? []
  return key !== undefined && isPathSegment(key) ? key : undefined
}

/**
 * Whether the UIDs of the series are hashed, and which of the files are its own. Without `uidHashFunc` the files of a hashed
 * series are those of the same real series.
 */
function identityOf(
  { series: { place }, document, hashedUids: said, uidHashFunc }: SurveyOf,
  placed: ReadonlyMap<string, InstanceRecord>,
  made: ReadonlyMap<string, InstanceRecord>,
): { readonly hashedUids: boolean; fits(record: InstanceRecord): boolean } {
  const series = document ?? place
  const isPlain = (record: InstanceRecord) => isInstanceOf(record, series, (uid) => uid)
  const hashedUids = document?.hashedUids ?? said ?? !(made.size === 0 || made.values().some(isPlain))
  if (!hashedUids) return { hashedUids, fits: isPlain }
  if (uidHashFunc !== undefined) {
    return { hashedUids, fits: (record) => isInstanceOf(record, series, uidHashFunc) }
  }
  const model = [...placed.values(), ...made.values()].find(({ seriesUid }) => seriesUid !== undefined)
  const fits = ({ studyUid, seriesUid }: InstanceRecord) =>
    studyUid === model?.studyUid && seriesUid === model?.seriesUid
  return { hashedUids, fits }
}

function isInstanceOf(
  record: InstanceRecord,
  { studyUid, seriesUid }: Pick<SeriesPlace, "studyUid" | "seriesUid">,
  nameOf: UidHashFunc,
): boolean {
  const isNamed = (uid: string | undefined, name: string) => uid !== undefined && nameOf(uid) === name
  return (
    isNamed(record.studyUid, studyUid) &&
    isNamed(record.seriesUid, seriesUid) &&
    isNamed(record.instanceUid, record.key)
  )
}

function whyLost({ tar }: SurveyOf, entry: InstanceEntry): string {
  if (tar === undefined) return "there is no tar"
  if (entry.kind === "unreadable") return `no file of the tar can take its place: ${entry.problem.message}`
  const isNamed = tar.byName.has(memberName(entry.key))
  return isNamed ? "under its name the tar has other bytes" : "the tar has no member of its name"
}
