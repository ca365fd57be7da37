/** Thumbnails of series: one picture, or a video of all frames, and which part of it shows what. */

export type { ThumbnailAtIngest, ThumbnailEnd } from "./at-ingest.ts"
export { type Point, toOriginal, toThumbnail } from "./coordinates.ts"
export {
  frameAt,
  indicesOf,
  type ShownFrame,
  type ShownInstance,
  type ThumbnailDescription,
  type ThumbnailKind,
} from "./description.ts"
export { findFfmpeg } from "./ffmpeg.ts"
export type { BlackFrame, GeneratedThumbnail } from "./generate.ts"
export type { Anchors, Box, Extent } from "./geometry.ts"
export type { ThumbnailOptions } from "./options.ts"
export type { Picture } from "./picture.ts"
export { readDescription } from "./read-description.ts"
export type { Resample } from "./resize.ts"
export type { WantedThumbnail } from "./shown-series.ts"
export { describesThumbnail } from "./stale.ts"
export type { DescribedFile } from "./stored.ts"
export type { Thumbnail } from "./thumbnail.ts"
