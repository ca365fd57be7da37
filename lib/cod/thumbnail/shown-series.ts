import type { Instance } from "../instance.ts"
import { StoredSeries, type Which } from "../stored-series.ts"
import type { SeriesWriter } from "../writing/writer.ts"
import { frameAt } from "./description.ts"
import { InvalidThumbnailError, StaleThumbnailError, ThumbnailMissingError } from "./errors.ts"
import { type GeneratedThumbnail, generateThumbnail } from "./generate.ts"
import { planOf, type ThumbnailOptions } from "./options.ts"
import { type DescribedFile, describedIn, fileOf, isOutdated, readThumbnail } from "./stored.ts"
import { type Thumbnail, thumbnailOf } from "./thumbnail.ts"
import { encodeTo } from "./thumbnail-file.ts"

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
   * Makes the thumbnail anew: a picture of one frame, a video of several. The next `sync` stores it. A frame that cannot
   * be decoded, or has no contrast, is black and told of.
   * @throws SeriesMissingPixelDataError, NoExtractablePixelDataError, FfmpegMissingError, UsageError for an odd size;
   *   CleanOpOnUnlockedCODObjectError, StorageError
   */
  async generateThumbnail(
    { dirty, ...options }: ThumbnailOptions & { readonly dirty?: boolean | undefined } = {},
    signal?: AbortSignal,
  ): Promise<GeneratedThumbnail> {
    const plan = planOf(options)
    return await this.change("generateThumbnail", dirty, async (writer) => {
      const instances = await this.getInstances({ strictSorting: false }, signal)
      const made = await generateThumbnail([...instances.values()], plan, encodeTo(this.series), signal)
      writer.setThumbnail(made)
      return made
    })
  }

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
    const made = this.madeThumbnail
    if (made !== undefined && !isOutdated(made, series, wanted)) return fileOf(made)
    try {
      return await readThumbnail(this.series, series, wanted, signal)
    } catch (error) {
      if (!isRemedied(error)) throw error
      if (this.isLockedByUs || wanted.dirty === true)
        return fileOf(await this.generateThumbnail(wanted, signal))
      // Somebody may have written another one meanwhile.
      await this.reload(signal)
      const now = await this.current(signal)
      if (now.generation === generation) throw error
      return await readThumbnail(this.series, now.series, wanted, signal)
    }
  }

  /** Whether a thumbnail is stored that shows the series as it is. @throws StorageError */
  async hasThumbnail(signal?: AbortSignal): Promise<boolean> {
    const { series } = await this.current(signal)
    try {
      await readThumbnail(this.series, series, {}, signal)
      return true
    } catch (error) {
      if (isRemedied(error)) return false
      throw error
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

  /** A thumbnail that is made and not stored yet. */
  protected abstract readonly madeThumbnail: GeneratedThumbnail | undefined

  /**
   * Changes the series, after all other changes of it.
   * @throws CleanOpOnUnlockedCODObjectError unless the lock is held, or it is `dirty`
   */
  protected abstract change<T>(
    operation: string,
    dirty: boolean | undefined,
    change: (writer: SeriesWriter) => T | Promise<T>,
  ): Promise<T>
}

/** Whether it is a failure that is over once the thumbnail is made anew. */
function isRemedied(error: unknown): boolean {
  const kinds = [ThumbnailMissingError, StaleThumbnailError, InvalidThumbnailError]
  return kinds.some((kind) => error instanceof kind)
}
