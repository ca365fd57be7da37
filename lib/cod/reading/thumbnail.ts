import { objectUri } from "../format/layout.ts"
import type { SeriesMetadata } from "../format/metadata/types.ts"
import type { ShownInstance } from "../thumbnail/description.ts"
import { whyStale } from "../thumbnail/stale.ts"
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
  /** Why it does not show the series as it is; undefined when it does. */
  readonly stale: string | undefined
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
  const crc32cs = new Map([
    [uris[".jpg"], jpgInfo?.crc32c],
    [uris[".mp4"], mp4Info?.crc32c],
  ])
  return { described: describedIn(metadata, uris, crc32cs), stored }
}

/** Others write what they like there: what is not of the known shape describes nothing. */
function describedIn(
  metadata: SeriesMetadata,
  uris: Readonly<Record<string, string>>,
  crc32cs: ReadonlyMap<string, string | undefined>,
): DescribedThumbnail | undefined {
  const field = metadata.fields.get("thumbnail")
  if (typeof field !== "object" || field === null) return undefined
  const { uri, instances, crc32c } = field as Readonly<Record<string, unknown>>
  const [extension] = typeof uri === "string" ? (/\.(?:jpg|mp4)$/.exec(uri) ?? []) : []
  const file = extension === undefined ? undefined : uris[extension]
  const entries = typeof instances === "object" && instances !== null ? Object.entries(instances) : []
  const shown = new Map(entries.map(([key, entry]) => [key, shownIn(entry)]))
  const found = crc32cs.get(file ?? "")
  const isOther = typeof crc32c === "string" && found !== undefined && found !== crc32c
  const stale = isOther ? "its file is another one than the metadata describe" : undefined
  return { uri: file, stale: whyStale({ instances: shown }, metadata) ?? stale }
}

function shownIn(entry: unknown): Pick<ShownInstance, "crc32c"> {
  const { crc32c } = (entry ?? {}) as { readonly crc32c?: unknown }
  return { crc32c: typeof crc32c === "string" ? crc32c : undefined }
}
