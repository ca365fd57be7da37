import {
  invalidBlock,
  type ShownFrame,
  type ShownInstance,
  type ThumbnailDescription,
  type ThumbnailKind,
} from "./description.ts"
import type { Anchors } from "./geometry.ts"
import { MAX_SIZE } from "./picture.ts"

type Json = Readonly<Record<string, unknown>>

/** The field of the metadata that describes a series' thumbnail. */
export const THUMBNAIL_FIELD = "thumbnail"

/** Where a frame stands in a thumbnail. */
interface PlacedFrame extends ShownFrame {
  readonly index: number
}

/**
 * Reads the field `thumbnail` of a series' metadata, whoever wrote it: ours, with a version, whose corners are those of the
 * last pixels; and the Python package's, without one, whose corners lie one pixel further. Its `scale_factor` has had two
 * meanings, and is not read: corners and the original size say the same.
 * @param datastore that a URI without a scheme is relative to
 * @returns undefined when there is no such field
 * @throws InvalidThumbnailError
 */
export function readDescription(field: unknown, datastore: string): ThumbnailDescription | undefined {
  if (field === undefined || field === null) return undefined
  const block = objectIn({ thumbnail: field }, "thumbnail")
  const { uri, kind } = uriIn(block, datastore)
  const lastPixel = block.version === undefined ? 0 : 1
  const entries = Object.entries(objectIn(block, "instances"))
  const placed = entries.flatMap(([key, entry]) => framesIn(key, entry, lastPixel))
  const frames = inOrder(placed, namesIn(block))
  const byKey = Map.groupBy(placed, ({ key }) => key)
  const instances = new Map(entries.map(([key, entry]) => [key, shownIn(key, entry, byKey.get(key) ?? [])]))
  return { kind, uri, size: sizeIn(block, frames), crc32c: textIn(block, "crc32c"), frames, instances }
}

function uriIn(block: Json, datastore: string): { readonly uri: string; readonly kind: ThumbnailKind } {
  const uri = textIn(block, "uri")
  const [, kind] = /\.(jpg|mp4)$/.exec(uri ?? "") ?? []
  if (uri === undefined || kind === undefined) throw invalidBlock("its uri names neither a .jpg nor an .mp4")
  const isFull = /^[a-z][a-z0-9+.-]*:\/\//i.test(uri)
  return { uri: isFull ? uri : `${datastore}/${uri.replace(/^\/+/, "")}`, kind: kind as ThumbnailKind }
}

function framesIn(key: string, entry: unknown, lastPixel: 0 | 1): readonly PlacedFrame[] {
  const list = objectIn({ [key]: entry }, key).frames
  if (!Array.isArray(list)) throw invalidBlock(`no frames of ${JSON.stringify(key.slice(0, 80))}`)
  return list.map((item: unknown, frame) => {
    const shown = objectIn({ frame: item }, "frame")
    const index = numberIn(shown, "thumbnail_index")
    return { key, frame, index, anchors: anchorsIn(objectIn(shown, "anchors"), lastPixel) }
  })
}

function anchorsIn(anchors: Json, lastPixel: 0 | 1): Anchors {
  const size = objectIn(anchors, "original_size")
  const first = objectIn(anchors, "thumbnail_upper_left")
  const last = objectIn(anchors, "thumbnail_bottom_right")
  const [left, top] = [numberIn(first, "col"), numberIn(first, "row")]
  const box = {
    left,
    top,
    width: numberIn(last, "col") + lastPixel - left,
    height: numberIn(last, "row") + lastPixel - top,
  }
  const original = { width: numberIn(size, "width"), height: numberIn(size, "height") }
  if (Math.min(box.width, box.height, original.width, original.height) >= 1) return { original, box }
  throw invalidBlock("a frame without extent")
}

/** Every place is taken once; the list of names, where it fits, says which frame of the instance it is. */
function inOrder(placed: readonly PlacedFrame[], names: readonly unknown[]): readonly ShownFrame[] {
  if (placed.length === 0) throw invalidBlock("it shows nothing")
  const frames: ShownFrame[] = []
  for (const { index, key, frame, anchors } of placed) {
    if (index >= placed.length || frames[index] !== undefined) throw invalidBlock(`a frame at ${index}`)
    frames[index] = { key, frame: namedFrame(names[index], key) ?? frame, anchors }
  }
  return frames
}

function namedFrame(name: unknown, key: string): number | undefined {
  if (!Array.isArray(name) || name[0] !== key) return undefined
  return Number.isSafeInteger(name[1]) && name[1] >= 0 ? (name[1] as number) : undefined
}

function namesIn(block: Json): readonly unknown[] {
  const names = block.thumbnail_index_to_instance_frame
  return Array.isArray(names) ? names : []
}

function shownIn(key: string, entry: unknown, placed: readonly PlacedFrame[]): ShownInstance {
  const indices = placed.map(({ index }) => index)
  return { indices, crc32c: textIn(objectIn({ [key]: entry }, key), "crc32c") }
}

/** Its long side fills the square; only some of the makers wrote the size down. */
function sizeIn(block: Json, frames: readonly ShownFrame[]): number {
  const sides = frames.map(({ anchors: { box } }) => Math.max(box.left + box.width, box.top + box.height))
  const size = sides.reduce((a, b) => Math.max(a, b), typeof block.size === "number" ? block.size : 0)
  if (Number.isSafeInteger(size) && size <= MAX_SIZE) return size
  throw invalidBlock(`a size of ${size}`)
}

function objectIn(of: Json, name: string): Json {
  const value = of[name]
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Json
  throw invalidBlock(`no ${JSON.stringify(name.slice(0, 80))}`)
}

function textIn(of: Json, name: string): string | undefined {
  const value = of[name]
  return typeof value === "string" ? value : undefined
}

function numberIn(of: Json, name: string): number {
  const value = of[name]
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value
  throw invalidBlock(`${name} is no whole number`)
}
