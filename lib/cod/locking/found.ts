import type { Generation, ObjectInfo, ObjectSource } from "../../storage/store.ts"
import { duration } from "../../support/text.ts"
import { LOCK_NAMES, type SeriesPlace } from "../format/layout.ts"
import { isLockName, type LockFolder, lockFolder } from "./names.ts"
import { holderOf, type LockHolder } from "./owner.ts"

/** A lock that stands in a series' folder, whoever made it. */
export interface FoundLock {
  readonly name: string
  readonly key: string
  readonly uri: string
  readonly generation: Generation
  /** Bytes. */
  readonly size: number
  /** Since when it has been there, by the store's clock where it tells. */
  readonly since: Date | undefined
  /** Which program's it is, as far as can be told. */
  readonly tool: string
  /** Who took it; undefined where the lock does not tell. */
  readonly holder: LockHolder | undefined
}

/** What is standing in a series' folder and looks like a lock, in the order of the names, also under names of others. */
export async function findLocks(
  source: ObjectSource,
  place: SeriesPlace,
  signal?: AbortSignal,
): Promise<readonly FoundLock[]> {
  const folder = lockFolder(source, place)
  const start = folder.keyOf("")
  const found: FoundLock[] = []
  for await (const { key } of source.list(`${start}.`, signal)) {
    const name = key.slice(start.length)
    // Some services leave custom metadata out of their listings.
    const info = isLockName(name) ? await source.head(key, signal) : undefined
    if (info !== undefined) found.push(foundLock(folder, name, info))
  }
  return found
}

export function foundLock(folder: LockFolder, name: string, info: ObjectInfo): FoundLock {
  const { generation, size, updated } = info
  const holder = holderOf(info.metadata)
  return {
    name,
    key: info.key,
    uri: folder.uriOf(name),
    generation,
    size,
    since: updated ?? holder?.takenAt,
    tool: holder?.tool ?? toolNamed(name),
    holder,
  }
}

/** `cod/1.0.0, process 4711 on host-7, for 3 min 20 s`, for people. */
export function describeLock({ tool, holder, since }: FoundLock, now: Date): string {
  const process = holder === undefined ? "" : `, process ${holder.pid} on ${holder.host}`
  // The store's clock may be ahead of ours.
  const age = since === undefined ? "" : `, for ${duration(Math.max(0, now.getTime() - since.getTime()))}`
  const ended = holder?.hasEnded ? " (that process has ended)" : ""
  return tool + process + age + ended
}

/** Whose a lock is that does not tell: of the known names only one is in use by others, who leave no word. */
function toolNamed(name: string): string {
  return name === LOCK_NAMES[1] ? "the Python package cloud-optimized-dicom" : "an unknown program"
}
