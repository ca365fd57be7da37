import type { ObjectStore } from "../../storage/store.ts"
import { parseJson, stringifyJson } from "../format/json.ts"
import type { Series } from "../reading/series.ts"
import { thumbnailBlock } from "./description.ts"
import type { GeneratedThumbnail } from "./generate.ts"
import { THUMBNAIL_FIELD } from "./read-description.ts"
import { removeOtherThumbnail, uploadThumbnail } from "./upload.ts"

/** A thumbnail that is made and not stored yet, and the fields of the metadata that are to tell of it. */
export interface ThumbnailStage {
  /** The one that the fields describe; undefined when none waits, or they came to describe another one. */
  waiting(fields: ReadonlyMap<string, unknown>): GeneratedThumbnail | undefined
  put(generated: GeneratedThumbnail, fields: Map<string, unknown>): void
  /** Stores it, ahead of the metadata. */
  upload(fields: ReadonlyMap<string, unknown>, signal?: AbortSignal): Promise<void>
  /** The metadata stand: what they named before goes. */
  finish(fields: ReadonlyMap<string, unknown>, signal?: AbortSignal): Promise<void>
}

export function thumbnailStage(series: Series, store: ObjectStore): ThumbnailStage {
  let staged: GeneratedThumbnail | undefined

  const waiting = (fields: ReadonlyMap<string, unknown>) => {
    if (staged === undefined) return undefined
    // Somebody may have put anything in its place.
    const field = fields.get(THUMBNAIL_FIELD) as { readonly crc32c?: unknown } | null | undefined
    return field?.crc32c === staged.description.crc32c ? staged : undefined
  }

  return {
    waiting,

    put(generated, fields) {
      fields.set(THUMBNAIL_FIELD, parseJson(stringifyJson(thumbnailBlock(generated.description))))
      staged = generated
    },

    async upload(fields, signal) {
      const thumbnail = waiting(fields)
      if (thumbnail !== undefined) await uploadThumbnail(series, store, thumbnail, signal)
    },

    async finish(fields, signal) {
      const thumbnail = waiting(fields)
      staged = undefined
      if (thumbnail !== undefined) await removeOtherThumbnail(series, store, thumbnail, signal)
    },
  }
}
