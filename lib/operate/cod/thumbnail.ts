import { resolve } from "node:path"
import {
  type DescribedFile,
  InvalidThumbnailError,
  type SeriesPlace,
  StaleThumbnailError,
  seriesUri,
  type ThumbnailError,
  ThumbnailMissingError,
} from "../../cod/index.ts"
import { AppError, UsageError } from "../../support/errors.ts"
import { bytes, plural, safe } from "../../support/text.ts"
import { changeSeries } from "./change-series.ts"
import { withSeries } from "./open-series.ts"
import { writePicture } from "./render-output.ts"
import type { CodStart } from "./start.ts"
import { seriesTarget } from "./target.ts"
import { type TerminalPicture, terminalPicture } from "./terminal-picture.ts"
import type { VerbOptions } from "./verb.ts"

type ThumbnailVerbOptions = Pick<VerbOptions, "out" | "make" | "lockNames" | "metadataVersion">

/** A series has no thumbnail, or one that does not show it as it is. */
class NoThumbnail extends AppError {}

/**
 * `cod thumbnail URI [--out FILE]`: the stored thumbnail as a file of exactly that name; JPEG or MP4 by what is stored,
 * whatever the name ends with; in a terminal that can show it, shown. With `--make` one that is missing or out of date is made and stored first.
 */
export async function thumbnail(
  start: CodStart,
  [uri = ""]: readonly string[],
  options: ThumbnailVerbOptions,
): Promise<0> {
  const place = seriesTarget(uri)
  requireMake(options)
  const { file, made } = options.make
    ? await upToDate(place, start, options)
    : { file: await stored(place, start), made: false }
  const path = resolve(options.out ?? `${place.seriesUid}.${file.kind}`)
  const written = await writePicture(path, file.bytes)
  const { pictures, stop } = start
  const picture = pictures && (await terminalPicture(pictures, file, stop.requested))
  await start.print(documentOf(place, file, { path, made, written }), (report) =>
    renderThumbnail(report, picture),
  )
  return 0
}

function requireMake({ make, lockNames, metadataVersion }: ThumbnailVerbOptions): void {
  if (make || (lockNames === undefined && metadataVersion === undefined)) return
  throw new UsageError("thumbnail takes --lock-names and --metadata-version with --make only")
}

async function stored(place: SeriesPlace, start: CodStart): Promise<DescribedFile> {
  try {
    return await withSeries(place, start, (series) => series.getThumbnailFile({}, start.stop.requested))
  } catch (error) {
    if (!isRemedied(error)) throw error
    throw new NoThumbnail(error.message, {
      verdict: error.verdict,
      hint: `bun scripts/cod.ts thumbnail ${seriesUri(place)} --make makes it and stores it, under the series' lock.`,
      cause: error.cause,
    })
  }
}

async function upToDate(place: SeriesPlace, start: CodStart, options: ThumbnailVerbOptions) {
  const writing = { ...options, dryRun: false }
  const { result: file, isChanged: made } = await changeSeries(place, start, writing, (series, dirty) =>
    series.getThumbnailFile(dirty, start.stop.requested),
  )
  return { file, made }
}

function isRemedied(error: unknown): error is ThumbnailError {
  const kinds = [ThumbnailMissingError, StaleThumbnailError, InvalidThumbnailError]
  return kinds.some((kind) => error instanceof kind)
}

interface Written {
  readonly path: string
  readonly made: boolean
  readonly written: boolean
}

function documentOf(place: SeriesPlace, { kind, description, bytes }: DescribedFile, written: Written) {
  return {
    uri: seriesUri(place),
    ...written,
    kind,
    pixels: description.size,
    frames: description.frames.length,
    instances: description.instances.size,
    size: bytes.length,
  }
}

function renderThumbnail(
  report: ReturnType<typeof documentOf>,
  picture: TerminalPicture | undefined,
): string {
  const { path, made, written, kind, pixels, frames, instances, size } = report
  const what = kind === "jpg" ? "JPEG" : "MP4"
  const shown = `${plural(frames, "frame")} of ${plural(instances, "instance")}`
  return [
    ...(picture === undefined ? [] : [picture.sequence]),
    ...(picture === undefined || picture.shown.length === frames
      ? []
      : [`frames ${picture.shown.join(", ")}`]),
    ...(made ? ["made anew, and stored with the series"] : []),
    `${safe(path)}${written ? "" : ", there already"}: ${what}, ${shown}, ${pixels} pixels a side, ${bytes(size)}`,
  ].join("\n")
}
