import { metadataUri, type SeriesPlace, tarUri, type UidHashFunc } from "../../cod/index.ts"
import type { SeriesUids } from "../../ledger/cod/series.ts"

/** What makes places of UIDs. */
export interface PlacesOfUids {
  readonly datastore: { readonly uri: string }
  readonly uidHashFunc: UidHashFunc | undefined
}

/** Where a series lies in the datastore: below its UIDs, hashed where there is a key. */
export function placeOf(
  { datastore, uidHashFunc }: PlacesOfUids,
  { studyUid, seriesUid }: SeriesUids,
): SeriesPlace {
  return {
    datastore: datastore.uri,
    studyUid: uidHashFunc?.(studyUid) ?? studyUid,
    seriesUid: uidHashFunc?.(seriesUid) ?? seriesUid,
  }
}

/** Keys of a series' metadata and tar, in the datastore. */
export function keysOf(places: PlacesOfUids, uids: SeriesUids) {
  const place = placeOf(places, uids)
  const within = (uri: string) => uri.slice(places.datastore.uri.length + 1)
  return { metadata: within(metadataUri(place)), tar: within(tarUri(place)) }
}

/** What an instance is called in its series. */
export function keyOf({ uidHashFunc }: Pick<PlacesOfUids, "uidHashFunc">, instanceUid: string): string {
  return uidHashFunc?.(instanceUid) ?? instanceUid
}
