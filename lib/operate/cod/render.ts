import { resolve } from "node:path"
import {
  type CODObject,
  describePixels,
  parseDicom,
  type RenderedFrame,
  renderFrame,
  UndecodableFrameError,
} from "../../cod/index.ts"
import { requireFrame } from "../../cod/reading/file-frames.ts"
import { AppError, UsageError } from "../../support/errors.ts"
import { bytes, safe } from "../../support/text.ts"
import { withSeries } from "./open-series.ts"
import { writePicture } from "./render-output.ts"
import { encodePicture, type PictureFormat, sized } from "./render-picture.ts"
import type { CodStart } from "./start.ts"
import { instanceTarget } from "./target.ts"
import type { VerbOptions } from "./verb.ts"

type RenderVerbOptions = Pick<VerbOptions, "frame" | "window" | "size" | "out">

/** A frame is there, and cannot be decoded. */
export class FrameNotShown extends AppError {}

/** `cod render URI#KEY --out FILE`: one frame, counted from 1, as a person should see it, as PNG or JPEG. */
export async function render(
  start: CodStart,
  [uri = ""]: readonly string[],
  { frame = 1, window, size, out }: RenderVerbOptions,
): Promise<0> {
  const { path, format } = pictureFile(out)
  const { place, key } = instanceTarget(uri)
  const signal = start.stop.requested
  const report = await withSeries(place, start, async (series) => {
    const { shown, frames } = await shownFrame(series, key, { frame, window }, signal)
    if (shown.samples === 3 && window !== undefined) start.log.warn("--window is for greys; this has colours")
    const picture = sized(shown, size)
    const encoded = await encodePicture(picture, format)
    const written = await writePicture(path, encoded)
    const { rows: height, columns: width, samples } = picture
    const what = { format, width, height, samples, size: encoded.length }
    return { uri: series.datastoreSeriesUri, key, frame, frames, path, written, ...what }
  })
  await start.print(report, renderRender)
  return 0
}

function pictureFile(out: string | undefined): { readonly path: string; readonly format: PictureFormat } {
  if (out === undefined) throw new UsageError("render needs --out FILE", EXPECTED)
  const [, ending] = /\.(png|jpe?g)$/i.exec(out) ?? []
  if (ending === undefined) throw new UsageError(`--out: "${safe(out)}" is no name of a picture`, EXPECTED)
  return { path: resolve(out), format: ending.toLowerCase() === "png" ? "png" : "jpg" }
}

const EXPECTED = "The file's name ends with .png, which is exact, or .jpg."

/** @throws FrameNotFoundError, FrameNotShown; as `renderFrame` */
async function shownFrame(
  series: CODObject,
  key: string,
  { frame, window }: { readonly frame: number } & Pick<RenderVerbOptions, "window">,
  signal: AbortSignal,
): Promise<{ readonly shown: RenderedFrame; readonly frames: number }> {
  const uri = `${series.datastoreSeriesUri}#${key}`
  await using view = await series.openInstance(key, signal)
  const file = parseDicom(await view.bytes())
  const frames = describePixels(file)?.frames ?? 0
  requireFrame(uri, frame, frames)
  try {
    const options = window === undefined ? {} : { window }
    return { shown: await renderFrame(file, frame - 1, options, signal), frames }
  } catch (error) {
    if (!(error instanceof UndecodableFrameError)) throw error
    // The library counts frames from 0.
    const message = `${uri}: ${error.message.replace(/^frame \d+/, `frame ${frame}`)}`
    throw new FrameNotShown(message, { verdict: error.verdict, facts: { frame, frames }, cause: error.cause })
  }
}

function renderRender(report: {
  readonly path: string
  readonly written: boolean
  readonly width: number
  readonly height: number
  readonly frame: number
  readonly frames: number
  readonly size: number
}): string {
  const { path, written, width, height, frame, frames, size } = report
  const which = frames === 1 ? "" : `, frame ${frame} of ${frames}`
  return `${safe(path)}${written ? "" : ", there already"}: ${width} x ${height} pixels${which}, ${bytes(size)}`
}
