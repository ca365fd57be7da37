import { uidHashFingerprint, uidHashFunc } from "../../cod/index.ts"
import { pinnedDatastore, requireSame } from "../../ledger/cod/datastore.ts"
import type { Ledger } from "../../ledger/open.ts"
import type { PlacesOfUids } from "./series-place.ts"

/**
 * Where the series that a ledger knows as packed lie; undefined before it has packed any. Where their names are not
 * hashed a key that is configured now has nothing to do with them.
 * @throws UsageError when they are, and this is not the key
 */
export function pinnedPlaces(ledger: Ledger, uidHashKey: string | undefined): PlacesOfUids | undefined {
  const pinned = pinnedDatastore(ledger)
  if (pinned === undefined) return undefined
  const datastore = { uri: pinned.uri }
  if (pinned.uidHash === null) return { datastore, uidHashFunc: undefined }
  const uidHash = uidHashKey === undefined ? null : uidHashFingerprint(uidHashKey)
  requireSame(pinned, { uri: pinned.uri, uidHash })
  return { datastore, uidHashFunc: uidHashFunc(uidHashKey!) }
}
