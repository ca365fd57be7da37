import { CODObject, type SeriesMetadata, type SeriesPlace, seriesUri } from "../../cod/index.ts"
import type { ObjectSource } from "../../storage/store.ts"
import { explained } from "./explain.ts"
import { type CodStart, type OpenStart, withDatastore } from "./start.ts"

/** Opens a series to read it. What is not there is told with what is. */
export function withSeries<T>(
  place: SeriesPlace,
  start: CodStart,
  work: (series: CODObject, metadata: SeriesMetadata) => Promise<T>,
): Promise<T> {
  return withStoreOf(place, start, async (store, seen) => {
    await using series = await CODObject.open({ ...place, store, lock: false }, start.stop.requested)
    const metadata = await series.getMetadata()
    seen(metadata)
    return await work(series, metadata)
  })
}

/** Opens the datastore of a series. What is not there is told with what is, of instances once their metadata was seen. */
export function withStoreOf<T>(
  place: SeriesPlace,
  start: OpenStart,
  work: (store: ObjectSource, seen: (metadata: SeriesMetadata) => void) => Promise<T>,
): Promise<T> {
  return withDatastore(place.datastore, start, async (store) => {
    let known: SeriesMetadata | undefined
    try {
      return await work(store, (metadata) => {
        known = metadata
      })
    } catch (error) {
      throw await explained(error, place, store, known, start.stop.requested)
    }
  })
}

/** `#KEY` of an instance's URI left as it is: for people, who see the series' URI above it. */
export function withinSeries(where: string, place: SeriesPlace): string {
  const uri = seriesUri(place)
  return where.startsWith(uri) ? where.slice(uri.length) : where
}
