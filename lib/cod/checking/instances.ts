import { forEachLimit } from "../../support/pool.ts"
import { CODError } from "../errors.ts"
import { memberName } from "../format/layout.ts"
import type { InstanceEntry, InstanceRecord } from "../format/metadata/types.ts"
import { uidFault } from "../format/uid.ts"
import { frameTable } from "../reading/frame-place.ts"
import { rangeOf } from "../reading/instance-bytes.ts"
import { measureRange } from "../reading/measure.ts"
import type { Series } from "../reading/series.ts"
import { type Finding, finding } from "./finding.ts"
import type { ListedTar } from "./tar.ts"

/** So many instances are read at a time. */
const AT_ONCE = 4

/** What metadata says of instances, compared with the tar's headers. */
export function checkEntries(series: Series, entries: readonly InstanceEntry[], tar: ListedTar): Finding[] {
  return entries.flatMap((entry) => {
    const where = `${series.uri}#${entry.key}`
    if (entry.kind === "unreadable") return [finding("instance-unreadable", where, entry.problem.message)]
    return [...checkMember(entry, where, tar), ...checkEntry(entry, where)]
  })
}

/** Told how many instances have been read, of how many: first of none, then of each. */
export type OnProgress = (done: number, of: number) => void

/** Reads the bytes of all instances that have a place in the tar, and compares their CRC32C. */
export async function checkBytes(
  series: Series,
  entries: readonly InstanceEntry[],
  { generation, onProgress }: { readonly generation: string; readonly onProgress?: OnProgress | undefined },
  signal?: AbortSignal,
): Promise<Finding[]> {
  const records = entries.filter((entry) => entry.kind === "instance")
  const flaws = new Map<string, Finding>()
  let done = 0
  const check = async (entry: InstanceRecord, signal: AbortSignal) => {
    const flaw = await flawOf(series, entry, generation, signal)
    onProgress?.(++done, records.length)
    if (flaw === undefined) return
    series.metrics.add("tarMetadataCrc32cMismatch")
    flaws.set(entry.key, finding("instance-corrupt", `${series.uri}#${entry.key}`, flaw))
  }
  onProgress?.(0, records.length)
  await forEachLimit(records, AT_ONCE, check, signal)
  return records.flatMap(({ key }) => flaws.get(key) ?? [])
}

function checkMember(
  record: InstanceRecord,
  where: string,
  { byStart, byName, behind }: ListedTar,
): Finding[] {
  const name = memberName(record.key)
  const here = byStart.get(record.startByte)
  const named = byName.get(name) ?? []
  if (here === undefined || here.name !== name) {
    const elsewhere = named.map(({ start }) => start).join(", ")
    const instead = here === undefined ? "no file begins there" : "another file begins there"
    const what = `should begin at ${record.startByte}: ${instead}${elsewhere && `; one of its name at ${elsewhere}`}`
    return [finding("member-missing", where, what)]
  }
  return [
    ...(here.size === record.size
      ? []
      : [finding("member-size", where, `${here.size} by the tar, ${record.size} by the metadata`)]),
    ...(behind.has(here) ? [finding("behind-end", where, `begins at ${here.start}`)] : []),
    ...(named.length > 1
      ? [finding("doubled-member", where, `${named.length} members are called ${name}`)]
      : []),
  ]
}

function checkEntry(record: InstanceRecord, where: string): Finding[] {
  const { startByte, endByte, size } = record
  const uids = [record.instanceUid, record.seriesUid, record.studyUid]
  const isTooLong = uids.some((uid) => uid !== undefined && uidFault(uid) === "length")
  return [
    ...(endByte === startByte + size
      ? []
      : [finding("end-byte", where, `end_byte is ${endByte}, the instance ends at ${startByte + size}`)]),
    ...checkTags(record, where),
    ...(isTooLong ? [finding("uid-too-long", where, uids.map((uid) => uid?.length ?? 0).join(", "))] : []),
  ]
}

function checkTags(record: InstanceRecord, where: string): Finding[] {
  try {
    const { shift } = frameTable(record)
    return shift === undefined ? [] : [finding("offset-tables-shifted", where, "offsets are 8 too large")]
  } catch (error) {
    if (error instanceof CODError) return [finding("tags-unreadable", where, error.message)]
    throw error
  }
}

async function flawOf(
  { tar }: Series,
  record: InstanceRecord,
  generation: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { size, crc32c: found } = await measureRange(tar, rangeOf(record), generation, signal)
  if (size < record.size) return `the tar ends after ${size} of its ${record.size} bytes`
  return found === record.crc32c ? undefined : `CRC32C is ${found}, by the metadata ${record.crc32c}`
}
