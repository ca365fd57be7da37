import { renameSync, unlinkSync } from "node:fs"
import { dirname } from "node:path"
import type { CatalogueEntry } from "./file-catalogue.ts"
import { makeFolders, nearestFolder, removeEmptyFolders, syncFolders } from "./file-folders.ts"
import { type AskedObject, infoOfEntry, objectAt, requireGeneration, type Shelf } from "./file-objects.ts"
import { placeOf } from "./file-paths.ts"
import type { Upload } from "./file-uploads.ts"
import type { Generation, ObjectInfo, WriteOptions } from "./store.ts"

/**
 * Makes an upload the object at its key, if the precondition holds at that moment.
 * @throws PreconditionFailed
 */
export async function publish(
  shelf: Shelf,
  asked: AskedObject,
  upload: Upload,
  options: WriteOptions,
): Promise<ObjectInfo> {
  const { contentType, contentEncoding, storageClass, metadata = {} } = options
  const { fileId, crc32c, md5 } = upload
  const types = { contentType, contentEncoding, storageClass, metadata: lowerCaseKeys(metadata) }
  const entry = shelf.catalogue.announce({ key: asked.key, fileId, crc32c, md5, ...types }, upload.name)
  const changed = moveIntoPlace(shelf, asked, upload, entry, options.ifGeneration)
  await syncFolders(changed)
  return infoOfEntry(entry, upload.stats)
}

/** @throws PreconditionFailed */
export async function unpublish(shelf: Shelf, asked: AskedObject, generation: Generation): Promise<void> {
  const { root, catalogue } = shelf
  const { path } = placeOf(asked, root)
  catalogue.exclusively(() => {
    requireGeneration(asked, objectAt(shelf, asked), generation)
    unlinkSync(path)
    catalogue.remove(asked.key)
    // An empty folder would keep its name from becoming a key.
    removeEmptyFolders(dirname(path), root)
  })
  await syncFolders([nearestFolder(dirname(path))])
}

/** @returns the folders that have a new name in them */
function moveIntoPlace(
  shelf: Shelf,
  asked: AskedObject,
  upload: Upload,
  entry: CatalogueEntry,
  ifGeneration: WriteOptions["ifGeneration"],
): string[] {
  const { root, catalogue } = shelf
  let isInPlace = false
  try {
    return catalogue.exclusively(() => {
      requireGeneration(asked, objectAt(shelf, asked), ifGeneration)
      const { path } = placeOf(asked, root)
      const made = makeFolders(dirname(path))
      renameSync(upload.path, path)
      isInPlace = true
      catalogue.settle(entry)
      return made.length === 0 ? [dirname(path)] : made
    })
  } catch (error) {
    // Once it is in place its entry counts, whatever else failed.
    if (!isInPlace) catalogue.withdraw(entry)
    throw error
  }
}

function lowerCaseKeys(metadata: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(metadata).map(([key, value]) => [key.toLowerCase(), value]))
}
