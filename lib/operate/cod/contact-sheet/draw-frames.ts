import { CODError, decodeFrame, type Instance, type Picture } from "../../../cod/index.ts"
import { greyScaleOf } from "../../../cod/pixels/index.ts"
import type { Extent } from "../../../cod/thumbnail/geometry.ts"
import { type OpenedInstance, openInstance } from "../../../cod/thumbnail/instance-frames.ts"
import { pictureOf } from "../../../cod/thumbnail/picture.ts"

/** A frame, by its instance; from 0. */
export interface FrameOfInstance {
  readonly key: string
  readonly frame: number
}

/** The same, and where it stands among all frames of the series; from 0. */
export interface WantedFrame extends FrameOfInstance {
  readonly at: number
}

export interface DrawnFrame extends WantedFrame {
  readonly picture: Picture
  /** In pixels, as it is stored. */
  readonly original: Extent
}

/**
 * Draws some frames as a thumbnail shows them. One that cannot be decoded is left out.
 * @param wanted in the order of the instances: one of them is open at a time
 * @throws what another try may get the better of
 */
export async function drawFrames(
  instances: ReadonlyMap<string, Instance>,
  wanted: readonly WantedFrame[],
  size: number,
  signal: AbortSignal,
): Promise<{ readonly drawn: readonly DrawnFrame[]; readonly firstError: CODError | undefined }> {
  const drawn: DrawnFrame[] = []
  const errors: CODError[] = []
  for (const [key, frames] of Map.groupBy(wanted, ({ key }) => key)) {
    const opened = await openInstance(instances.get(key)!, signal)
    for (const frame of frames) {
      const result = await drawFrame(opened, frame, size, signal).catch(badOrThrow)
      if (result instanceof CODError) errors.push(result)
      else drawn.push({ ...frame, ...result })
    }
  }
  return { drawn, firstError: errors[0] }
}

async function drawFrame(
  { file }: OpenedInstance,
  { frame }: WantedFrame,
  size: number,
  signal: AbortSignal,
): Promise<Pick<DrawnFrame, "picture" | "original">> {
  if (file instanceof CODError) throw file
  const decoded = await decodeFrame(file, frame, {}, signal)
  const { picture, anchors } = pictureOf(decoded, greyScaleOf(file, frame), size, "area")
  return { picture, original: anchors.original }
}

function badOrThrow(error: unknown): CODError {
  if (error instanceof CODError && error.verdict !== "retry" && error.verdict !== "stop") return error
  throw error
}
