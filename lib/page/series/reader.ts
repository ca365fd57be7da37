import { CODObject, MetadataCache } from "../../cod/index.ts"
import { seriesByNo } from "../../ledger/cod/series.ts"
import type { Ledger } from "../../ledger/open.ts"
import { pinnedPlaces } from "../../pipeline/ingest/pinned.ts"
import { keysOf, placeOf } from "../../pipeline/ingest/series-place.ts"
import { storeOptions } from "../../pipeline/start.ts"
import { openSource } from "../../storage/open.ts"
import type { ObjectSource } from "../../storage/store.ts"
import { linkedAbort } from "../../support/abort.ts"
import type { Config } from "../../support/config.ts"
import type { Log } from "../../support/log.ts"
import { type Semaphore, semaphore } from "../../support/pool.ts"
import { type Frames, frames } from "./frame.ts"
import { NotShown, notShown } from "./not-shown.ts"
import type { OpenSeries } from "./open-series.ts"
import { type Stills, stills } from "./thumbnail.ts"

/** Series of the ledger, out of the datastore that it is bound to; out of nowhere else. */
export interface SeriesReader extends Disposable {
  /**
   * Opens a series to look at it.
   * @throws NotShown; what `signal` is aborted with
   */
  read<T>(
    seriesNo: number,
    kind: ReadKind,
    work: (series: OpenSeries, signal: AbortSignal) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T>
  readonly frames: Frames
  readonly stills: Stills
}

/** A look at what is small, or at pixels: those take memory, and are decoded a few at a time. */
export type ReadKind = "glance" | "pixels"

/** So many at a time, and no longer than this, of which no time counts that was waited for the others. */
const BOUNDS: Readonly<Record<ReadKind, { readonly atOnce: number; readonly milliseconds: number }>> = {
  glance: { atOnce: 8, milliseconds: 5_000 },
  pixels: { atOnce: 2, milliseconds: 20_000 },
}

/** Somebody waits in front of a picture: whoever does not answer twice is told of. */
const IMPATIENT = { retries: 1, minTimeoutMs: 200, maxTimeoutMs: 400 }

/** Metadata that is kept, as it is decompressed. */
const METADATA_BYTES = 64 << 20

export interface ReaderDeps {
  readonly ledger: Ledger
  readonly config: Config<"cod" | "gcs" | "copy">
  readonly log: Log
}

/** Nothing is opened before it is first read from. */
export function seriesReader({ ledger, config, log }: ReaderDeps): SeriesReader {
  const owned = new DisposableStack()
  const metadataCache = new MetadataCache({ maxBytes: METADATA_BYTES })
  const places: Readonly<Record<ReadKind, Semaphore>> = {
    glance: semaphore(BOUNDS.glance.atOnce),
    pixels: semaphore(BOUNDS.pixels.atOnce),
  }
  // Mostly one: another ledger that stands in the place of the first may be bound to another datastore.
  const stores = new Map<string, ObjectSource>()

  const datastore = () => {
    const pinned = pinnedPlaces(ledger, config.cod.uidHashKey)
    if (pinned === undefined) throw new NotShown("Nothing has been packed yet.", 404)
    const { uri } = pinned.datastore
    const known = stores.get(uri)
    if (known !== undefined) return { store: known, pinned }
    const store = owned.use(openSource(uri, storeOptions({ config, log, retry: IMPATIENT })))
    stores.set(uri, store)
    return { store, pinned }
  }

  const open = async (seriesNo: number, signal: AbortSignal) => {
    const known = seriesByNo(ledger, seriesNo)
    if (known === undefined) throw new NotShown("The ledger knows no such series.", 404)
    if (known.metadataGeneration === null) throw new NotShown("The series is not packed yet.", 404)
    const { store, pinned } = datastore()
    const place = placeOf(pinned, known)
    const cod = await CODObject.open({ ...place, store, lock: false, metadataCache }, signal)
    const tarBytes = async () => (await store.head(keysOf(pinned, known).tar, signal))?.size
    return { known, cod, generation: cod.stored!.generation, tarBytes }
  }

  return {
    async read(seriesNo, kind, work, signal) {
      using _ = await places[kind].acquire(1, signal)
      using limited = linkedAbort(signal)
      const timer = setTimeout(() => limited.abort(new Error("the time is over")), BOUNDS[kind].milliseconds)
      try {
        const series = await open(seriesNo, limited.signal)
        await using _cod = series.cod
        return await work(series, limited.signal)
      } catch (error) {
        signal.throwIfAborted()
        throw notShown(error, limited.signal.aborted)
      } finally {
        clearTimeout(timer)
      }
    },
    frames: frames(),
    stills: stills(),
    [Symbol.dispose]: () => owned.dispose(),
  }
}
