import { objectUri } from "../format/layout.ts"
import type { SeriesMetadata } from "../format/metadata/types.ts"
import { lookFor } from "./presence.ts"
import type { Series } from "./series.ts"

/** What there is of a series' thumbnail. */
export interface Thumbnail {
  /** What the metadata says; undefined where it says nothing. */
  readonly described: DescribedThumbnail | undefined
  /** URIs of the thumbnails that are stored. */
  readonly stored: readonly string[]
}

export interface DescribedThumbnail {
  /** Where it stands in this series, whatever place the metadata remembers; undefined when it names no thumbnail. */
  readonly uri: string | undefined
  /** Keys of the instances that it shows. */
  readonly keys: ReadonlySet<string>
}

export async function thumbnailOf(
  series: Series,
  metadata: SeriesMetadata,
  signal?: AbortSignal,
): Promise<Thumbnail> {
  const [jpg, mp4] = [series.object("thumbnailJpg"), series.object("thumbnailMp4")]
  const [jpgInfo, mp4Info] = await Promise.all([lookFor(jpg, signal), lookFor(mp4, signal)])
  const uris = {
    ".jpg": objectUri(series.place, "thumbnailJpg"),
    ".mp4": objectUri(series.place, "thumbnailMp4"),
  }
  const stored = [
    ...(jpgInfo === undefined ? [] : [uris[".jpg"]]),
    ...(mp4Info === undefined ? [] : [uris[".mp4"]]),
  ]
  return { described: describedIn(metadata.fields.get("thumbnail"), uris), stored }
}

/** Others write what they like there: what is not of the known shape describes nothing. */
function describedIn(field: unknown, uris: Readonly<Record<string, string>>): DescribedThumbnail | undefined {
  if (typeof field !== "object" || field === null) return undefined
  const { uri, instances } = field as { readonly uri?: unknown; readonly instances?: unknown }
  const [extension] = typeof uri === "string" ? (/\.(?:jpg|mp4)$/.exec(uri) ?? []) : []
  const keys = typeof instances === "object" && instances !== null ? Object.keys(instances) : []
  return {
    uri: extension === undefined ? undefined : uris[extension],
    keys: new Set(keys),
  }
}
