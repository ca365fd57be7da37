import type { Instance } from "../instance.ts"
import { StoredSeries, type Which } from "../stored-series.ts"
import { frameAt } from "./description.ts"
import { StaleThumbnailError, ThumbnailMissingError } from "./errors.ts"
import type { ThumbnailOptions } from "./options.ts"
import { type DescribedFile, describedIn, readThumbnail } from "./stored.ts"
import { type Thumbnail, thumbnailOf } from "./thumbnail.ts"

/** Which thumbnail is wanted, and how one is made where it has to be. */
export interface WantedThumbnail extends ThumbnailOptions {
  /** One that does not show the series as it is will do, too (false). */
  readonly allowStale?: boolean | undefined
  /** Without the lock: one may be made that stays here (false). */
  readonly dirty?: boolean | undefined
}

/** A series as it can be looked at. */
export abstract class ShownSeries extends StoredSeries {
  /**
   * The thumbnail's pictures, of all frames or of one instance. Under the lock one that is missing or out of date is made
   * again, and stored by the next `sync`.
   * @throws InstanceNotFoundError, NotInThumbnailError; FfmpegMissingError for a video; without the lock
   *   ThumbnailMissingError, StaleThumbnailError, InvalidThumbnailError; under it as `generateThumbnail`
   */
  async getThumbnail(
    { instance, ...wanted }: WantedThumbnail & { readonly instance?: Which | undefined } = {},
    signal?: AbortSignal,
  ): Promise<Thumbnail> {
    const key = instance === undefined ? undefined : (await this.find(instance, signal)).record!.key
    const file = await this.getThumbnailFile(wanted, signal)
    return await thumbnailOf(file, file.description, key, this.series.scratch, signal)
  }

  /** The same as the file that it is, JPEG or MP4: nothing is decoded. @throws as `getThumbnail` */
  async getThumbnailFile(wanted: WantedThumbnail = {}, signal?: AbortSignal): Promise<DescribedFile> {
    const { generation, series } = await this.current(signal)
    try {
      return await readThumbnail(this.series, series, wanted, signal)
    } catch (error) {
      // Somebody may have written another one meanwhile.
      if (!(error instanceof StaleThumbnailError || error instanceof ThumbnailMissingError)) throw error
      if (this.isLockedByUs) throw error
      await this.reload(signal)
      const now = await this.current(signal)
      if (now.generation === generation) throw error
      return await readThumbnail(this.series, now.series, wanted, signal)
    }
  }

  /**
   * The instance that a frame of the thumbnail shows.
   * @param index from 0; a negative one counts from the end
   * @throws NotInThumbnailError, ThumbnailMissingError, InvalidThumbnailError, InstanceNotFoundError
   */
  async getInstanceByThumbnailIndex(index: number, signal?: AbortSignal): Promise<Instance> {
    const description = describedIn(this.series, await this.getMetadata(signal))
    return await this.getInstance(frameAt(description, index).key, signal)
  }
}
