import type { SeriesPlace, UidHashFunc } from "../../cod/index.ts"
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

/** What an instance is called in its series. */
export function keyOf({ uidHashFunc }: Pick<PlacesOfUids, "uidHashFunc">, instanceUid: string): string {
  return uidHashFunc?.(instanceUid) ?? instanceUid
}
