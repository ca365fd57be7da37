import { resolve } from "node:path"
import { pathToFileURL } from "node:url"
import { crc32cOfFile } from "../support/checksums.ts"
import type { Asked } from "./failures.ts"
import { openToRead } from "./file-body.ts"
import { openCatalogue } from "./file-catalogue.ts"
import { failureOfFile } from "./file-failures.ts"
import { makeFolders, removeEmptyFolders, syncFolders } from "./file-folders.ts"
import { type AskedObject, infoOfFile, notFound, objectAt, requireGeneration } from "./file-objects.ts"
import { placeOf } from "./file-paths.ts"
import { probeFolder } from "./file-probe.ts"
import { publish, unpublish } from "./file-publish.ts"
import { clearLeftovers, receiveUpload } from "./file-uploads.ts"
import { keyPages } from "./file-walk.ts"
import { pages } from "./pages.ts"
import { bytesOf } from "./ranges.ts"
import type { ObjectInfo, ObjectStore, Opened } from "./store.ts"

/**
 * A folder as an object store, for one or many processes: an object is a file at its key's path. What a file system
 * does not keep (generations, checksums, types, custom metadata) stands in `.objects.sqlite` beside them, made by the
 * first write. Files that somebody else put there are objects too: their generation follows from the file itself, and
 * their checksum is made when `head` is asked.
 *
 * A write is on the disk before it is visible, and visible whole or not at all, whatever is killed or loses power. A key
 * cannot be a file and a folder at once: `a` and `a/b` do not go together.
 *
 * @param folder absolute, or relative to the working directory
 * @param options.mustExist for `probe`: a folder that is not there is a mistake, not one to be made by the first write
 */
export function openFileStore(folder: string, { mustExist = false } = {}): Opened<ObjectStore> {
  const root = resolve(folder)
  const store = pathToFileURL(root).href
  const catalogue = openCatalogue(root)
  const shelf = { root, catalogue }
  let isTidy = false

  const head = async (asked: AskedObject, signal?: AbortSignal): Promise<ObjectInfo | undefined> => {
    const info = objectAt(shelf, asked)
    if (info === undefined || info.crc32c !== undefined) return info
    const crc32c = await crc32cOfFile(placeOf(asked, root).path, signal)
    const isStill = objectAt(shelf, asked)?.generation === info.generation
    return isStill ? { ...info, crc32c } : head(asked, signal)
  }

  const tidyUp = () => {
    if (!isTidy) clearLeftovers(root, catalogue)
    isTidy = true
  }

  return {
    uri: store,

    head: (key, signal) => {
      const asked = { verb: "head", store, key } as const
      return guarded(asked, signal, () => head(asked, signal))
    },

    read: (key, { range, ifGeneration } = {}, signal) => {
      const asked = { verb: "read", store, key } as const
      return guarded(asked, signal, async () => {
        const place = placeOf(asked, root)
        using file = place.file === undefined ? undefined : openToRead(place.path)
        if (file === undefined) throw notFound(asked)
        const info = infoOfFile(catalogue, key, file.stats)
        if (ifGeneration !== undefined) requireGeneration(asked, info, ifGeneration)
        const { start, end } = bytesOf(asked, range, info.size)
        return { info, stream: file.stream(asked, start, end) }
      })
    },

    list: (prefix, signal) => {
      const asked = { verb: "list", store, key: prefix } as const
      const keysAfter = keyPages(root, prefix)
      return pages((after) =>
        guarded(asked, signal, async () => {
          const { items: keys, next } = await keysAfter(after)
          const items = keys
            .map((key) => objectAt(shelf, { ...asked, key }))
            .filter((info) => info !== undefined)
          return { items, next }
        }),
      )
    },

    write: (key, body, options, signal) => {
      const asked = { verb: "write", store, key } as const
      return guarded(asked, signal, async () => {
        // Looked at before any byte is copied, and again when the object is about to appear.
        requireGeneration(asked, objectAt(shelf, asked), options.ifGeneration)
        const made = makeFolders(root)
        try {
          tidyUp()
          using upload = await receiveUpload(asked, root, body, options, signal)
          const info = await publish(shelf, asked, upload, options)
          await syncFolders(made)
          return info
        } catch (error) {
          if (made.length > 0) removeEmptyFolders(root, made.at(-1)!)
          throw error
        }
      })
    },

    delete: (key, { ifGeneration }, signal) => {
      const asked = { verb: "delete", store, key } as const
      return guarded(asked, signal, async () => {
        const info = objectAt(shelf, asked)
        if (info === undefined) throw notFound(asked)
        requireGeneration(asked, info, ifGeneration)
        await unpublish(shelf, asked, ifGeneration)
      })
    },

    probe: (signal) => {
      const asked = { verb: "probe", store } as const
      return guarded(asked, signal, async () => {
        probeFolder(asked, root, mustExist)
        return true
      })
    },

    [Symbol.dispose]: () => catalogue[Symbol.dispose](),
  }
}

async function guarded<T>(asked: Asked, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
  try {
    signal?.throwIfAborted()
    return await work()
  } catch (cause) {
    throw failureOfFile(asked, cause, signal)
  }
}
