import { TooLarge } from "../errors.ts"
import { type DicomFile, parseDicom } from "../format/dicom/index.ts"
import { CODError } from "../format/errors.ts"
import type { StoredTags } from "../format/metadata/types.ts"
import type { Instance } from "../instance.ts"
import { decodeFrame, describePixels, greyScaleOf } from "../pixels/index.ts"
import { MAX_PARSED_BYTES } from "../reading/facts.ts"
import { type Anchors, type Extent, placed } from "./geometry.ts"
import type { ThumbnailPlan } from "./options.ts"
import { blackPicture, type Picture, pictureOf } from "./picture.ts"

/** How many pixels a pixel of a thumbnail is made of at least, across and down, where there are as many. */
const FINER = 2

/** A frame of an instance as the thumbnail shows it. */
export interface DrawnFrame {
  readonly key: string
  /** From 0. */
  readonly frame: number
  readonly picture: Picture
  readonly anchors: Anchors
  /** It shows nothing. */
  readonly isBlack: boolean
  /** What kept it from being decoded. */
  readonly error: CODError | undefined
}

/** An instance whose pixels are to be drawn. */
export interface OpenedInstance {
  readonly key: string
  /** As far as anybody says: 1 at least. */
  readonly frames: number
  readonly extent: Extent | undefined
  /** The file, or what is wrong with it. */
  readonly file: DicomFile | CODError
}

/**
 * Reads an instance that has pixels. What is wrong with its file is a matter of its frames.
 * @throws what another try may get the better of
 */
export async function openInstance(instance: Instance, signal?: AbortSignal): Promise<OpenedInstance> {
  const key = instance.record?.key ?? (await instance.instanceUid(undefined, signal))
  const opened = await openPixels(instance, signal).catch(badOrThrow)
  if (!(opened instanceof CODError)) return { key, ...opened }
  return { key, ...saidOf(await instance.metadata(signal)), file: opened }
}

/** All frames of an instance; what is wrong with one is an error of that frame. */
export async function* framesOf(
  { key, frames, extent, file }: OpenedInstance,
  plan: ThumbnailPlan,
  signal?: AbortSignal,
): AsyncGenerator<DrawnFrame> {
  for (let frame = 0; frame < frames; frame += 1) {
    signal?.throwIfAborted()
    const drawn = await drawFrame(file, frame, plan, signal)
    yield drawn instanceof CODError
      ? { key, frame, ...undrawn(drawn, extent, plan) }
      : { key, frame, ...drawn }
  }
}

/**
 * One frame of what was opened. What is wrong with it for good is given back.
 * @throws what another try may get the better of
 */
export async function drawFrame(
  file: OpenedInstance["file"],
  frame: number,
  plan: ThumbnailPlan,
  signal?: AbortSignal,
): Promise<Omit<DrawnFrame, "key" | "frame"> | CODError> {
  return file instanceof CODError ? file : await draw(file, frame, plan, signal).catch(badOrThrow)
}

async function openPixels(instance: Instance, signal?: AbortSignal) {
  await using view = await instance.open(signal)
  if (view.size > MAX_PARSED_BYTES) throw new TooLarge(instance.dicomUri, MAX_PARSED_BYTES)
  const file = parseDicom(await view.bytes(signal))
  const pixels = describePixels(file)
  if (pixels === undefined) throw new CODError("it has no pixels")
  return { file, frames: pixels.frames, extent: { width: pixels.columns, height: pixels.rows } }
}

async function draw(
  file: DicomFile,
  frame: number,
  { size, resample }: ThumbnailPlan,
  signal?: AbortSignal,
): Promise<Omit<DrawnFrame, "key" | "frame">> {
  const scale = greyScaleOf(file, frame)
  // A lower resolution is made of means already; interpolation wants the pixels themselves.
  const enough = resample === "area" ? FINER * size : undefined
  const decoded = await decodeFrame(file, frame, { enough }, signal)
  const first = pictureOf(decoded, scale, size, resample)
  // What is blank has to be blank to the last pixel.
  const isInDoubt = first.isBlank && decoded.of !== undefined
  const { picture, anchors, isBlank } = isInDoubt
    ? pictureOf(await decodeFrame(file, frame, {}, signal), scale, size, resample)
    : first
  return { picture, anchors, isBlack: isBlank, error: undefined }
}

function undrawn(error: CODError, extent: Extent | undefined, { size }: ThumbnailPlan) {
  const anchors = placed(extent ?? { width: size, height: size }, size)
  return { picture: blackPicture(size), anchors, isBlack: true, error }
}

/** What can be said of an instance whose file cannot be read, by its metadata. */
function saidOf(tags: StoredTags): { readonly frames: number; readonly extent: Extent | undefined } {
  const number = (tag: string) => {
    const value = tags[tag]?.Value?.[0]
    return typeof value === "number" && Number.isSafeInteger(value) && value > 0 ? value : undefined
  }
  const [width, height] = [number("00280011"), number("00280010")]
  const extent = width === undefined || height === undefined ? undefined : { width, height }
  return { frames: number("00280008") ?? 1, extent }
}

/** What is so for good is a matter of this frame; what another try may change is one of the whole series. */
function badOrThrow(error: unknown): CODError {
  if (error instanceof CODError && error.verdict !== "retry" && error.verdict !== "stop") return error
  throw error
}
