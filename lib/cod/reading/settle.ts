import type { Generation } from "../../storage/store.ts"
import { type CorruptInstanceError, SeriesBeingRewritten } from "../errors.ts"
import { LOCK_NAMES } from "../format/layout.ts"
import type { LoadedMetadata } from "../metadata-cache.ts"
import { lookFor, lookForTar } from "./presence.ts"
import type { Series } from "./series.ts"

/** Bytes of a tar that are not what the metadata says. */
export class Misfit {
  /** What to throw when nobody was writing meanwhile. */
  readonly error: CorruptInstanceError
  /** Of the tar that was read; undefined when there was none, or not one alone. */
  readonly tar: Generation | undefined

  constructor(error: CorruptInstanceError, tar: Generation | undefined) {
    this.error = error
    this.tar = tar
  }
}

/** Before each new try; together 30 seconds. The first reload is for metadata that was merely read long ago. */
export const WAITS_MS: readonly number[] = [0, 250, 500, 1_000, 2_000, 4_000, 8_000, 14_250]
const WAITED_MS = WAITS_MS.reduce((sum, ms) => sum + ms)

/**
 * Reads until what is read fits the metadata. The Python package uploads metadata before the tar: meanwhile nothing fits,
 * and metadata that we read a while ago fits a new tar no better. So a misfit is believed only when neither changed and
 * nobody holds a lock; else the metadata is loaded again, after longer and longer waits. What was waited for in vain is
 * not waited for again as long as both stay what they are: a writer died, most likely.
 * @throws CorruptInstanceError at once for a misfit of a series at rest; SeriesBeingRewritten after 30 seconds
 */
export async function untilItFits<T>(
  series: Series,
  attempt: (loaded: LoadedMetadata) => Promise<T | Misfit>,
  signal?: AbortSignal,
): Promise<T> {
  let loaded = await series.metadata(signal)
  for (let tries = 0; ; tries++) {
    const result = await attempt(loaded)
    if (!(result instanceof Misfit)) return result
    series.metrics.add("misfits")
    if (await isAtRest(series, loaded, result.tar, signal)) throw believed(series, result)
    const waitMs = WAITS_MS[tries]
    if (waitMs === undefined || (waitMs > 0 && isStandstill(series, loaded, result))) {
      series.standstill = { metadata: loaded.generation, tar: result.tar }
      throw new SeriesBeingRewritten(series.uri, WAITED_MS, result.error)
    }
    if (waitMs > 0) await series.clock.delay(waitMs, signal)
    series.metrics.add("reloads")
    loaded = await series.reload(signal)
  }
}

function isStandstill({ standstill }: Series, { generation }: LoadedMetadata, { tar }: Misfit): boolean {
  return standstill?.metadata === generation && standstill.tar === tar
}

/**
 * Whether this metadata and this tar are what the last writer left, so that they belong together. The lock is looked at
 * first: a writer who has released it has put both in place, and then their generations tell; the other way round it
 * could do so between the looks, unnoticed.
 */
export async function isAtRest(
  series: Series,
  loaded: LoadedMetadata,
  tar: Generation | undefined,
  signal?: AbortSignal,
): Promise<boolean> {
  if (!(await isMetadataAtRest(series, loaded, signal))) return false
  return (await lookForTar(series, signal))?.generation === tar
}

/** The same, but for the tar: who goes on to read it under its generation is told then whether it is another. */
export async function isMetadataAtRest(
  series: Series,
  { generation }: LoadedMetadata,
  signal?: AbortSignal,
): Promise<boolean> {
  if ((await locksOf(series, signal)).length > 0) return false
  return (await lookFor(series.metadataJson, signal))?.generation === generation
}

/** Names of the locks that somebody holds now, or left behind. */
export async function locksOf(series: Series, signal?: AbortSignal): Promise<string[]> {
  const { key: folder } = series.object("folder")
  const held = await Promise.all(
    LOCK_NAMES.map(async (name) => {
      const lock = { source: series.source, key: folder + name }
      return (await lookFor(lock, signal)) === undefined ? [] : [name]
    }),
  )
  return held.flat()
}

function believed({ metrics }: Series, { error }: Misfit): CorruptInstanceError {
  metrics.add("tarMetadataCrc32cMismatch")
  return error
}
