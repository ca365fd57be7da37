import { seriesUri } from "../../cod/index.ts"
import type { SeriesPlaces } from "../receipts/receipt-document.ts"
import { type PlacesOfUids, placeOf } from "./series-place.ts"

/** Where series are packed, for what only names them. */
export function seriesPlaces(places: PlacesOfUids): SeriesPlaces {
  return { uriOf: (uids) => seriesUri(placeOf(places, uids)) }
}
