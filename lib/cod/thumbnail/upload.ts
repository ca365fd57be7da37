import type { ObjectStore } from "../../storage/store.ts"
import type { Series } from "../reading/series.ts"
import { deleteObject } from "../writing/store-delete.ts"
import { writeObject } from "../writing/store-write.ts"
import type { GeneratedThumbnail } from "./generate.ts"
import { CONTENT_TYPES, OBJECTS } from "./thumbnail-file.ts"

/** Stores a thumbnail in place of the one that stands there. It is named by metadata that are written afterwards. */
export async function uploadThumbnail(
  series: Series,
  store: ObjectStore,
  { description: { kind, crc32c }, bytes }: GeneratedThumbnail,
  signal?: AbortSignal,
): Promise<void> {
  const { key } = series.object(OBJECTS[kind])
  const found = await store.head(key, signal)
  if (found?.crc32c === crc32c && found.size === bytes.length) return
  const ifGeneration = found?.generation ?? "absent"
  await writeObject(store, key, bytes, { ifGeneration, crc32c, contentType: CONTENT_TYPES[kind] }, signal)
}

/** Deletes the thumbnail of the other kind, which nothing names any more. @throws PreconditionFailed, StorageError */
export async function removeOtherThumbnail(
  series: Series,
  store: ObjectStore,
  { description: { kind } }: GeneratedThumbnail,
  signal?: AbortSignal,
): Promise<void> {
  const { key } = series.object(OBJECTS[kind === "jpg" ? "mp4" : "jpg"])
  const found = await store.head(key, signal)
  if (found !== undefined) await deleteObject(store, key, found.generation, signal)
}
