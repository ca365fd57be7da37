import { NotFound } from "../../storage/errors.ts"
import type { ObjectInfo } from "../../storage/store.ts"
import type { InstanceEntry } from "../format/metadata/types.ts"
import type { TarMember } from "../format/tar/member.ts"
import { type ScanOptions, scanTar, type TarScan } from "../format/tar/scan.ts"
import { openRemoteBytes } from "../reading/remote-bytes.ts"
import type { Series } from "../reading/series.ts"
import { type Finding, finding } from "./finding.ts"

/** All that a tar holds, of one generation of it. */
export interface ListedTar {
  readonly generation: string
  readonly size: number
  readonly info: ObjectInfo
  readonly scan: TarScan
  /** Also those that readers of tars do not see. */
  readonly all: readonly TarMember[]
  readonly behind: ReadonlySet<TarMember>
  /** Files by where they begin, and all members by name. */
  readonly byStart: ReadonlyMap<number, TarMember>
  readonly byName: ReadonlyMap<string, readonly TarMember[]>
}

/** Reads a tar's headers. @returns undefined when there is no tar */
export async function listTar(
  { tar }: Series,
  signal?: AbortSignal,
  options: ScanOptions = {},
): Promise<ListedTar | undefined> {
  try {
    const bytes = await openRemoteBytes(tar, signal)
    const scan = await scanTar(bytes, options, signal)
    const { generation, size, info } = bytes
    return { generation, size, info, scan, ...arranged(scan) }
  } catch (error) {
    if (error instanceof NotFound) return undefined
    throw error
  }
}

function arranged({ members, behind }: TarScan) {
  const all = [...members, ...behind]
  const files = all.filter(({ type }) => type === "file")
  return {
    all,
    behind: new Set(behind),
    byStart: new Map(files.map((member) => [member.start, member])),
    byName: Map.groupBy(all, ({ name }) => name),
  }
}

/** What is to be said of the tar as such. */
export function checkTar(
  uri: string,
  { scan, all, size }: ListedTar,
  entries: readonly InstanceEntry[],
): Finding[] {
  const { problem, endBlocks, trailing } = scan
  const gnu = all.filter(({ format }) => format === "gnu").length
  return [
    ...(problem === undefined ? [] : [finding("tar-unreadable", uri, problem.message)]),
    ...(problem === undefined && endBlocks === 0 ? [finding("no-end", uri, `${size} bytes`)] : []),
    ...(trailing === undefined
      ? []
      : [finding("trailing-bytes", uri, `from ${trailing.start} to ${trailing.end} of ${size}`)]),
    ...(gnu === 0 ? [] : [finding("gnu-headers", uri, `${gnu} of ${all.length} members`)]),
    ...checkOrphans(uri, all, entries),
  ]
}

/** Members that nobody means; where the metadata is empty, that is what is wrong. */
function checkOrphans(uri: string, all: readonly TarMember[], entries: readonly InstanceEntry[]): Finding[] {
  const files = all.filter(({ name, type }) => type === "file" && name.startsWith("instances/"))
  if (entries.length === 0) {
    if (files.length === 0) return []
    return [finding("metadata-empty", uri, `the tar holds ${files.length} instances, the metadata none`)]
  }
  const names = new Set(entries.map(({ key }) => `instances/${key}.dcm`))
  return files
    .filter(({ name }) => !names.has(name))
    .map(({ name, start, size }) => finding("orphan", `${uri}://${name}`, `${size} bytes at ${start}`))
}
