import { type Clock, systemClock } from "../../support/clock.ts"
import type { SeriesPlace } from "../format/layout.ts"
import { MetadataCache } from "../metadata-cache.ts"
import { Metrics } from "../metrics.ts"
import { openScratch, type ScratchOptions } from "./scratch.ts"
import { openSeries, type Series } from "./series.ts"
import { locateFolder, type StoreChoice } from "./store-of.ts"

/** What a series is read with. What is handed in stays its owner's. */
export interface SeriesAccess extends StoreChoice, ScratchOptions {
  /** Shared by all series that are opened with it (a cache of its own). */
  readonly metadataCache?: MetadataCache | undefined
  /** Shared by all that are opened with them (counters of its own). */
  readonly metrics?: Metrics | undefined
  readonly clock?: Clock | undefined
}

/** Prepares to read a series. Nothing is asked yet; a store opened here and temporary files go when it is disposed of. */
export function seriesAt(place: SeriesPlace, access: SeriesAccess): { readonly series: Series } & Disposable {
  const { metadataCache = new MetadataCache(), metrics = new Metrics(), clock = systemClock } = access
  using owned = new DisposableStack()
  const located = owned.use(locateFolder(place.datastore, access))
  const scratch = owned.use(openScratch(access))
  const means = { ...located, scratch, cache: metadataCache, metrics, clock }
  const series = owned.use(openSeries(place, means))
  const kept = owned.move()
  return { series, [Symbol.dispose]: () => kept.dispose() }
}
