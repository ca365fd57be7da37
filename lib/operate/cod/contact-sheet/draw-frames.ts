import { CODError, type Instance, type Picture } from "../../../cod/index.ts"
import type { Extent } from "../../../cod/thumbnail/geometry.ts"
import { drawFrame, openInstance } from "../../../cod/thumbnail/instance-frames.ts"

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
      const result = await drawFrame(opened.file, frame.frame, { size, resample: "area" }, signal)
      if (result instanceof CODError) errors.push(result)
      else drawn.push({ ...frame, picture: result.picture, original: result.anchors.original })
    }
  }
  return { drawn, firstError: errors[0] }
}
