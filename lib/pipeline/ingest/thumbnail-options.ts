import { flag, type OptionValues, option } from "../../support/cli-parse.ts"
import { positiveInteger } from "../../support/cli-values.ts"
import type { Config } from "../../support/config.ts"
import { UsageError } from "../../support/errors.ts"

/** The flags of every script that packs. */
export const THUMBNAIL_OPTIONS = {
  noThumbnails: flag("pack series without making thumbnails; a later ingest makes them"),
  thumbnailConcurrency: option(
    "N",
    positiveInteger,
    "thumbnails that are made at a time (THUMBNAIL_CONCURRENCY)",
  ),
}

/** The configuration as these flags have it. @throws UsageError */
export function withThumbnailOptions<C extends Pick<Config, "ingest">>(
  config: C,
  { noThumbnails, thumbnailConcurrency }: OptionValues<typeof THUMBNAIL_OPTIONS>,
): C {
  if (noThumbnails && thumbnailConcurrency !== undefined)
    throw new UsageError(
      "--no-thumbnails and --thumbnail-concurrency do not go together",
      "Leave one of them out.",
    )
  const concurrency = noThumbnails ? 0 : (thumbnailConcurrency ?? config.ingest.thumbnailConcurrency)
  return { ...config, ingest: { ...config.ingest, thumbnailConcurrency: concurrency } }
}
