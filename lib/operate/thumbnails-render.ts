import { plural } from "../support/text.ts"

/** What came of thumbnails, in as many lines as there is to say. */
export function renderThumbnails({
  thumbnails_made: made,
  thumbnails_failed: failed,
}: {
  readonly thumbnails_made: number
  readonly thumbnails_failed: number
}): string[] {
  return [
    ...(made > 0 ? [`${plural(made, "thumbnail")} made`] : []),
    ...(failed > 0
      ? [
          `${plural(failed, "thumbnail")} could not be made; the series are packed. Why: bun run status --failures; ` +
            "after mending it: bun run ingest --retry-failed",
        ]
      : []),
  ]
}
