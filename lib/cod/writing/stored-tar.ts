import { NotFound } from "../../storage/errors.ts"
import type { ObjectInfo } from "../../storage/store.ts"
import { crc32cWithout } from "../../support/checksums.ts"
import { TarValidationError } from "../errors.ts"
import { CODError, InvalidTar } from "../format/errors.ts"
import type { IndexMember } from "../format/index/index-member.ts"
import { readIndex } from "../format/index/read.ts"
import { BLOCK, type TarMember } from "../format/tar/member.ts"
import { readMembers } from "../format/tar/read.ts"
import { scanTar } from "../format/tar/scan.ts"
import { bytesOfRange, wholeObject } from "../reading/object-bytes.ts"
import { openRemoteBytes } from "../reading/remote-bytes.ts"
import type { Series } from "../reading/series.ts"

/** The tar as it is stored, before anything is written. */
export interface StoredTar {
  readonly info: ObjectInfo
  /** Whatever it holds, in the order of the tar. */
  readonly members: readonly TarMember[]
  /**
   * Where new members may follow without moving those that are there, and the CRC32C of all before; undefined when it
   * must be packed anew for that, because something stands where its end should be.
   */
  readonly open: { readonly end: number; readonly crc32c: string } | undefined
}

/** What may stand behind the last member for the tar to be appended to: more than any writer pads with. */
const MAX_TAIL = 1 << 20

/** Longer ones are of some 200,000 members. */
const MAX_INDEX_BYTES = 64 << 20

/**
 * Looks at the tar of a series: by its index, when that is of this very tar, else by the tar's headers.
 * @returns undefined when there is none
 * @throws TarValidationError for one that is damaged: appending to it would bury what can be saved
 */
export async function lookAtTar(series: Series, signal?: AbortSignal): Promise<StoredTar | undefined> {
  const { source, key } = series.tar
  const info = await source.head(key, signal)
  if (info === undefined) return undefined
  const indexed = await membersByIndex(series, info, signal)
  if (indexed !== undefined && (await hasLast(series, info, indexed, signal))) {
    const open = await openEnd(series, info, indexed, signal)
    if (open !== undefined) return { info, members: indexed, open }
  }
  return await membersByHeaders(series, info, signal)
}

async function membersByHeaders(series: Series, info: ObjectInfo, signal?: AbortSignal): Promise<StoredTar> {
  const bytes = await openRemoteBytes(series.tar, signal)
  const { members, behind, problem } = await scanTar(bytes, {}, signal)
  if (problem !== undefined) {
    throw new TarValidationError(`${series.uri}: the tar is damaged: ${problem.message}`, {
      facts: { series: series.uri, ...problem.facts },
      hint: "Look at it with `cod check`, and mend it with `cod repair` before anything is added.",
      cause: problem,
    })
  }
  const all = [...members, ...behind].toSorted((a, b) => a.headerStart - b.headerStart)
  return { info, members: all, open: await openEnd(series, info, all, signal) }
}

/** Undefined when the index is none, or of another tar. */
async function membersByIndex(
  series: Series,
  { size }: ObjectInfo,
  signal?: AbortSignal,
): Promise<readonly TarMember[] | undefined> {
  try {
    const { bytes } = await wholeObject(series.object("index"), MAX_INDEX_BYTES, signal)
    const { members, folders, tar } = readIndex(bytes)
    const isOfThisTar = tar.size === size && folders.every((name) => name === "instances")
    return isOfThisTar && members.every(isRegular) ? members.map(asMember) : undefined
  } catch (error) {
    if (error instanceof NotFound || error instanceof CODError) return undefined
    throw error
  }
}

/**
 * Whether the last member that an index tells of stands in this tar: an earlier one may have had the same size, and when
 * something was taken out of it since, all behind lies elsewhere.
 */
async function hasLast(
  { tar }: Series,
  { size, generation }: ObjectInfo,
  members: readonly TarMember[],
  signal?: AbortSignal,
): Promise<boolean> {
  const last = members.at(-1)
  if (last === undefined) return true
  const { headerStart: from } = last
  if (from < 0 || from >= size) return false
  const read = async (start: number, end: number) => {
    const range = { start: from + start, end: from + end }
    return (await bytesOfRange(tar, range, generation, signal)).bytes
  }
  try {
    const { value } = await readMembers({ size: size - from, read }, signal).next()
    return value?.name === last.name && value.size === last.size && from + value.start === last.start
  } catch (error) {
    if (error instanceof InvalidTar) return false
    throw error
  }
}

const FILE_TYPE = 0o170000
const REGULAR = 0o100000

function isRegular({ mode }: IndexMember): boolean {
  return (mode & FILE_TYPE) === REGULAR
}

function asMember(row: IndexMember): TarMember {
  const padded = Math.ceil(row.size / BLOCK) * BLOCK
  const names = { uname: "", gname: "" }
  const kind = { type: "file", typeflag: "0", format: "pax" } as const
  return { ...row, ...names, ...kind, mode: row.mode & ~FILE_TYPE, end: row.start + padded }
}

/** Where the tar ends, if nothing but zeros stands there, and none of its readers stops before. */
async function openEnd(
  { tar }: Series,
  { size, crc32c, generation }: ObjectInfo,
  members: readonly TarMember[],
  signal?: AbortSignal,
): Promise<StoredTar["open"]> {
  const isGapless = members.every(({ headerStart }, n) => headerStart === (members[n - 1]?.end ?? 0))
  const end = members.at(-1)?.end ?? 0
  if (!isGapless || crc32c === undefined || end > size || size - end > MAX_TAIL) return undefined
  const { bytes } = await bytesOfRange(tar, { start: end, end: size }, generation, signal)
  return bytes.every((byte) => byte === 0) ? { end, crc32c: crc32cWithout(crc32c, bytes) } : undefined
}
