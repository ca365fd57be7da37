import type { Spool } from "../../transfer/spool.ts"
import type { Incoming } from "../copy/incoming.ts"

/** Names a file in the ledger. */
export interface FileNo {
  readonly studyId: string
  readonly position: number
}

/**
 * Files that are at the destination and stay in the spool until their series are packed, as far as there is room: who
 * waits for room gets that of files whose turn is not yet.
 */
export interface KeptFiles extends Disposable {
  /**
   * Takes over a body that is at the destination now; where there is no room for it, it goes.
   * @throws SpoolUnusable
   */
  keep(file: FileNo, crc32c: string, incoming: Incoming): Promise<void>
  /** The file of just these bytes, which does not go away before this is disposed of; undefined when it is not here. */
  use(file: FileNo, crc32c: string): KeptFile | undefined
  /** The study is being packed: its files are given up for nobody. They go when this is disposed of. */
  packing(studyId: string): Disposable
}

/** A file on this box. */
export interface KeptFile extends Disposable {
  readonly path: string
}

/** Keeps files in this spool; all of them go when it is disposed of. */
export function keptFiles(spool: Spool): KeptFiles {
  const shelf = filesByStudy()
  const packed = counter<string>()
  let isClosed = false

  /** Packing goes on without room, and ends by giving some back: whoever waits for room can wait for that. */
  const isComing = () => shelf.isInUse() || packed.keys().some(shelf.has)
  const giveUp = (lacking: number) => {
    if (!isComing()) shelf.dropOldest(lacking)
  }
  const watch = spool.whenShort(giveUp)

  return {
    async keep({ studyId, position }, crc32c, incoming) {
      const place = await placeOf(spool, crc32c, incoming)
      if (place === undefined) return
      if (isClosed) return place[Symbol.dispose]()
      shelf.put(studyId, position, { ...place, crc32c, bytes: incoming.size })
      spool.askAgain()
    },
    use({ studyId, position }, crc32c) {
      const taken = shelf.take(studyId, position, crc32c)
      if (taken === undefined) return undefined
      return {
        path: taken.path,
        ...once(() => {
          taken.putBack()
          spool.askAgain()
        }),
      }
    },
    packing(studyId) {
      packed.add(studyId)
      return once(() => {
        if (packed.remove(studyId) === 0) shelf.dropStudy(studyId)
        spool.askAgain()
      })
    },
    [Symbol.dispose]() {
      isClosed = true
      watch[Symbol.dispose]()
      shelf.dropAll()
    },
  }
}

/** Where the body lies in the spool, whose disposal removes it; undefined when there is no room for it. */
async function placeOf(spool: Spool, crc32c: string, incoming: Incoming): Promise<KeptFile | undefined> {
  const { body } = incoming
  if (!(body instanceof Uint8Array)) return { path: body.name!, [Symbol.dispose]: incoming[Symbol.dispose] }
  incoming[Symbol.dispose]()
  const place = spool.spare(Buffer.from(crc32c, "base64").toString("hex"), body.length)
  if (place === undefined || (await isWritten(place.path, body))) return place
  place[Symbol.dispose]()
  return undefined
}

/** A disk that is full costs a read of the destination, not the copy that is there already. */
async function isWritten(path: string, body: Uint8Array): Promise<boolean> {
  try {
    return (await Bun.write(path, body)) === body.length
  } catch {
    return false
  }
}

interface ShelvedFile extends KeptFile {
  readonly crc32c: string
  readonly bytes: number
}

/** Files by study, the study first whose first file came first. A file that is in use goes when it is put back. */
function filesByStudy() {
  const studies = new Map<string, Map<number, ShelvedFile>>()
  const uses = counter<ShelvedFile>()
  const dropped = new Set<ShelvedFile>()

  const drop = (file: ShelvedFile) => {
    if (uses.has(file)) dropped.add(file)
    else file[Symbol.dispose]()
  }
  const dropStudy = (studyId: string) => {
    const files = studies.get(studyId)
    studies.delete(studyId)
    for (const file of files?.values() ?? []) drop(file)
  }

  return {
    has: (studyId: string) => studies.has(studyId),
    isInUse: () => !uses.isEmpty(),
    put(studyId: string, position: number, file: ShelvedFile) {
      const files = studies.get(studyId) ?? new Map<number, ShelvedFile>()
      const before = files.get(position)
      studies.set(studyId, files.set(position, file))
      if (before !== undefined) drop(before)
    },
    take(studyId: string, position: number, crc32c: string) {
      const file = studies.get(studyId)?.get(position)
      if (file?.crc32c !== crc32c) return undefined
      uses.add(file)
      const putBack = () => {
        if (uses.remove(file) === 0 && dropped.delete(file)) file[Symbol.dispose]()
      }
      return { path: file.path, putBack }
    },
    /** Files of so many bytes, or all. */
    dropOldest(bytes: number) {
      let left = bytes
      for (const [studyId, files] of studies) {
        for (const [position, file] of files) {
          if (left <= 0) return
          files.delete(position)
          left -= file.bytes
          drop(file)
        }
        studies.delete(studyId)
      }
    },
    dropStudy,
    dropAll() {
      for (const studyId of studies.keys()) dropStudy(studyId)
    },
  }
}

/** How often each key was added and not yet removed. */
function counter<K>() {
  const counts = new Map<K, number>()
  return {
    has: (key: K) => counts.has(key),
    keys: () => counts.keys(),
    isEmpty: () => counts.size === 0,
    add: (key: K) => void counts.set(key, (counts.get(key) ?? 0) + 1),
    remove(key: K): number {
      const left = counts.get(key)! - 1
      if (left === 0) counts.delete(key)
      else counts.set(key, left)
      return left
    },
  }
}

function once(end: () => void): Disposable {
  let isOver = false
  return {
    [Symbol.dispose]() {
      if (isOver) return
      isOver = true
      end()
    },
  }
}
