import { AppError } from "../../support/errors.ts"
import type { Semaphore } from "../../support/pool.ts"
import { SeriesMissingPixelDataError } from "./errors.ts"
import type { BlackFrame } from "./generate.ts"
import type { ThumbnailOptions } from "./options.ts"
import type { ShownSeries } from "./shown-series.ts"

/** How a series' thumbnail is made along with its packing. */
export interface ThumbnailAtIngest extends ThumbnailOptions {
  /** Thumbnails that are made at a time, of all series; without it nobody waits for another one. */
  readonly places?: Semaphore | undefined
}

/** What came of it. */
export type ThumbnailEnd =
  | { readonly outcome: "made"; readonly black: readonly BlackFrame[] }
  /** The one that is stored shows the series as it is. */
  | { readonly outcome: "kept" }
  | { readonly outcome: "nothing to show" }
  | { readonly outcome: "failed"; readonly error: unknown }

/**
 * Makes the thumbnail of a series that is open under its lock, unless one shows it as it is; the next `sync` stores it.
 * Nobody is to lose a packed series for its picture, so that a failure is a result, whatever it comes from.
 * @throws the signal's reason, and what is said to end the program
 */
export async function thumbnailAtIngest(
  series: Pick<ShownSeries, "generateThumbnail" | "hasThumbnail">,
  { places, ...options }: ThumbnailAtIngest,
  signal?: AbortSignal,
): Promise<ThumbnailEnd> {
  using _ = await places?.acquire(1, signal)
  try {
    if (await series.hasThumbnail(signal)) return { outcome: "kept" }
    const { black } = await series.generateThumbnail(options, signal)
    return { outcome: "made", black }
  } catch (error) {
    if (signal?.aborted === true || (error instanceof AppError && error.verdict === "stop")) throw error
    if (error instanceof SeriesMissingPixelDataError) return { outcome: "nothing to show" }
    return { outcome: "failed", error }
  }
}
