import {
  CODObject,
  CODObjectNotFoundError,
  NoExtractablePixelDataError,
  type SeriesMetadata,
  SeriesMissingPixelDataError,
  type SeriesPlace,
  seriesUri,
} from "../../../cod/index.ts"
import type { ObjectSource } from "../../../storage/store.ts"
import { AppError, verdictOf } from "../../../support/errors.ts"
import { explained, problemOf } from "../explain.ts"
import type { GatheredSeries } from "./gather.ts"
import { type Stills, stillsOf } from "./stills.ts"
import { NO_SUBJECT, type Subject, subjectOf } from "./subject.ts"

/** A series on the sheet. */
export interface Tile extends Omit<Stills, "frames" | "source" | "keys"> {
  readonly place: SeriesPlace
  readonly uri: string
  readonly subject: Subject
  /** Undefined where nobody knows. */
  readonly instances: number | undefined
  readonly frames: number | undefined
  readonly source: Stills["source"] | undefined
  /** Why there is no picture. */
  readonly problem: string | undefined
  /** It has no picture although it should have one. */
  readonly isBroken: boolean
}

/**
 * Looks at a series. What is wrong with it is told on its tile.
 * @throws what is wrong with more than this series; what a series is not there that was named by itself
 */
export async function drawTile(
  { place, isNamed }: GatheredSeries,
  store: ObjectSource,
  signal: AbortSignal,
): Promise<Tile> {
  const empty = emptyTile(place)
  try {
    await using series = await CODObject.open({ ...place, store, lock: false }, signal)
    const metadata = await series.getMetadata(signal)
    return await looked(series, metadata, { ...empty, instances: metadata.instances.size }, signal)
  } catch (error) {
    if (isNamed && error instanceof CODObjectNotFoundError) {
      throw await explained(error, place, store, undefined, signal)
    }
    return { ...empty, problem: tellable(error, empty.uri, signal), isBroken: true }
  }
}

function emptyTile(place: SeriesPlace): Tile {
  const nothing = {
    stills: [],
    extents: [],
    undecoded: 0,
    instances: undefined,
    frames: undefined,
    source: undefined,
  }
  return {
    place,
    uri: seriesUri(place),
    subject: NO_SUBJECT,
    ...nothing,
    problem: undefined,
    isBroken: false,
  }
}

async function looked(
  series: CODObject,
  metadata: SeriesMetadata,
  tile: Tile,
  signal: AbortSignal,
): Promise<Tile> {
  try {
    const { keys, ...stills } = await stillsOf(series, metadata, signal)
    return { ...tile, ...stills, subject: subjectOf(metadata, keys) }
  } catch (error) {
    const problem = tellable(error, tile.uri, signal)
    const isBroken = !(error instanceof SeriesMissingPixelDataError)
    const [first] = metadata.instances.keys()
    return { ...tile, subject: subjectOf(metadata, first === undefined ? [] : [first]), problem, isBroken }
  }
}

/** What is wrong with this series alone, in words; anything else is thrown. */
function tellable(error: unknown, uri: string, signal: AbortSignal): string {
  if (signal.aborted || !(error instanceof AppError) || verdictOf(error) === "stop") throw error
  if (error instanceof CODObjectNotFoundError) return "there is no metadata.json"
  if (error instanceof SeriesMissingPixelDataError) return "no instance has pixels"
  const problem = problemOf(error, uri, "")
  if (!(error instanceof NoExtractablePixelDataError && error.cause instanceof AppError)) return problem
  return `no frame can be decoded: ${problemOf(error.cause, uri, "")}`
}
