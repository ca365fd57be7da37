import { NotFound } from "../storage/errors.ts"
import { UsageError } from "../support/errors.ts"
import { forEachLimit } from "../support/pool.ts"
import { CODError } from "./errors.ts"
import { Instance, type InstanceOptions, type UidHashFunc } from "./instance.ts"
import type { Metrics } from "./metrics.ts"

/** A row of an inventory's query: files of one series, as far as the query knows. */
export interface QueryRow {
  readonly study_uid?: string | null
  readonly series_uid?: string | null
  readonly files: readonly QueryFile[]
}

export interface QueryFile {
  readonly file_uri: string
  /** Bytes; a database may give a large integer as text. */
  readonly size?: number | bigint | string | null
  readonly crc32c?: string | null
  readonly instance_uid?: string | null
}

/** A row that is not of the agreed shape. */
export class InvalidQueryRow extends CODError {}

/** Instances of one series. */
export interface SeriesGroup {
  /** Hashed when the instances have a hash function. */
  readonly studyUid: string
  readonly seriesUid: string
  readonly hashedUids: boolean
  readonly instances: readonly Instance[]
}

/** Who is told of what did not go smoothly. */
export interface GroupingEvents {
  /** The instance is in no group. Told at once, in no particular order. */
  readonly onSkipped?: (instance: Instance, error: unknown) => void
  readonly onWarning?: (message: string) => void
  /** Counts files that are not there. */
  readonly metrics?: Metrics
}

type FromRow = "hints" | "dependencies" | "dicomUri"

/**
 * An instance for each file of each row, with everything that the query knows as hints, and the file itself as what may
 * be deleted once it is stored. Nothing is fetched.
 * @throws InvalidQueryRow
 */
export async function* queryResultToInstances(
  rows: AsyncIterable<QueryRow> | Iterable<QueryRow>,
  options: Omit<InstanceOptions, FromRow> = {},
): AsyncGenerator<Instance> {
  let number = 0
  for await (const row of rows) {
    number += 1
    if (!Array.isArray(row?.files)) throw new InvalidQueryRow(`row ${number} has no list of files`)
    for (const file of row.files as readonly (QueryFile | undefined)[]) {
      if (typeof file?.file_uri !== "string")
        throw new InvalidQueryRow(`row ${number} has a file without file_uri`)
      const hints = {
        size: bytesOf(file.size, number),
        crc32c: textOf(file.crc32c),
        instanceUid: textOf(file.instance_uid),
        seriesUid: textOf(row.series_uid),
        studyUid: textOf(row.study_uid),
      }
      yield new Instance({ ...options, dicomUri: file.file_uri, dependencies: [file.file_uri], hints })
    }
  }
}

/** So many instances are asked at a time. */
const AT_ONCE = 8

/**
 * Groups instances by series, which hints tell; an instance without them is fetched and asked, and its temporary file goes
 * again. All instances are held until the last one has come, their bytes are not.
 * @param events without `onSkipped` the first instance that cannot be had ends it all
 * @returns groups ordered by study and series, instances within them as they came
 * @throws UsageError when the instances of one series have different hash functions
 */
export async function* instancesToSeries(
  instances: AsyncIterable<Instance> | Iterable<Instance>,
  { onSkipped, onWarning, metrics }: GroupingEvents = {},
  signal?: AbortSignal,
): AsyncGenerator<SeriesGroup> {
  const members: Member[] = []
  async function* noted(): AsyncGenerator<Member> {
    for await (const instance of instances) {
      const member = { instance }
      members.push(member)
      yield member
    }
  }
  const ask = async (member: Member, signal: AbortSignal) => {
    try {
      member.series = await seriesOf(member.instance, signal)
    } catch (error) {
      signal.throwIfAborted()
      if (error instanceof NotFound) metrics?.add("instancesNotFound")
      if (onSkipped === undefined) throw error
      onSkipped(member.instance, error)
    }
  }
  await forEachLimit(noted(), AT_ONCE, ask, signal)
  const found = members.filter(({ series }) => series !== undefined)
  const groups = Map.groupBy(found, ({ series }) => `${series!.studyUid}/${series!.seriesUid}`)
  for (const name of [...groups.keys()].toSorted()) yield asGroup(groups.get(name)!)
  if (found.length > 1 && groups.size / found.length > 0.5) {
    onWarning?.(
      `POOR GROUPING: ${found.length} instances are of ${groups.size} series; storing them costs a tar for each`,
    )
  }
}

/** An instance, and the real UIDs of its series once they are known. */
interface Member {
  readonly instance: Instance
  series?: { readonly studyUid: string; readonly seriesUid: string }
}

/** A file that had to be fetched for it is not kept: there may be more of them than there is room for. */
async function seriesOf(instance: Instance, signal: AbortSignal): Promise<Member["series"]> {
  const wasMoved = instance.isMoved
  const belief = { trustHints: true }
  try {
    const studyUid = await instance.studyUid(belief, signal)
    return { studyUid, seriesUid: await instance.seriesUid(belief, signal) }
  } finally {
    if (!wasMoved) await instance.cleanup()
  }
}

function asGroup(members: readonly Member[]): SeriesGroup {
  const { studyUid, seriesUid } = members[0]!.series!
  const instances = members.map(({ instance }) => instance)
  const hash = commonHashFunc(instances, seriesUid)
  return {
    studyUid: hash?.(studyUid) ?? studyUid,
    seriesUid: hash?.(seriesUid) ?? seriesUid,
    hashedUids: hash !== undefined,
    instances,
  }
}

/** Both in one. @throws as they */
export function queryResultToSeries(
  rows: AsyncIterable<QueryRow> | Iterable<QueryRow>,
  { onSkipped, onWarning, metrics, ...options }: GroupingEvents & Omit<InstanceOptions, FromRow> = {},
  signal?: AbortSignal,
): AsyncGenerator<SeriesGroup> {
  const events = {
    ...(onSkipped && { onSkipped }),
    ...(onWarning && { onWarning }),
    ...(metrics && { metrics }),
  }
  return instancesToSeries(queryResultToInstances(rows, options), events, signal)
}

function commonHashFunc(members: readonly Instance[], series: string): UidHashFunc | undefined {
  const [first] = members
  if (members.every(({ uidHashFunc }) => uidHashFunc === first?.uidHashFunc)) return first?.uidHashFunc
  throw new UsageError(`the instances of series ${series} have different hash functions for UIDs`)
}

function bytesOf(size: QueryFile["size"], row: number): number | undefined {
  if (size === undefined || size === null) return undefined
  const bytes = Number(size)
  if (Number.isSafeInteger(bytes) && bytes >= 0) return bytes
  throw new InvalidQueryRow(`row ${row} has a file whose size is no number of bytes`)
}

function textOf(text: unknown): string | undefined {
  return typeof text === "string" && text !== "" ? text : undefined
}
