import { UsageError } from "../../support/errors.ts"
import type { Ledger } from "../open.ts"

/** Where series are packed, and how their UIDs become paths. */
export interface PinnedDatastore {
  readonly uri: string
  /** Fingerprint of the key of hashed UIDs; null where paths have the UIDs as they are. */
  readonly uidHash: string | null
}

/** What was packed by this ledger lies there; undefined before the first packing. */
export function pinnedDatastore(ledger: Ledger): PinnedDatastore | undefined {
  return (
    ledger.db.query<PinnedDatastore, []>("select uri, uid_hash as uidHash from cod_datastore").get() ??
    undefined
  )
}

/**
 * Binds the ledger to a datastore and a key, the first time. The ledger takes a series for packed by its UIDs alone: in
 * another place, or under other names, that would be untrue.
 * @throws UsageError when it is bound to others
 */
export function pinDatastore(ledger: Ledger, wanted: PinnedDatastore) {
  ledger.write(() => {
    const pinned = pinnedDatastore(ledger)
    if (pinned !== undefined) return requireSame(pinned, wanted)
    ledger.db
      .query("insert into cod_datastore (only, uri, uid_hash) values (1, $uri, $uidHash)")
      .run({ ...wanted })
  })
}

/** @throws UsageError */
export function requireSame(pinned: PinnedDatastore, wanted: PinnedDatastore) {
  if (pinned.uri !== wanted.uri) {
    throw new UsageError(
      `this ledger packs into ${pinned.uri}, not into ${wanted.uri}`,
      "Let COD_DATASTORE_URI name that one, or take another LEDGER_PATH for another datastore.",
    )
  }
  if (pinned.uidHash === wanted.uidHash) return
  const [before, now] = [pinned.uidHash, wanted.uidHash].map((hash) =>
    hash === null ? "without UID_HASH_KEY" : `with a UID_HASH_KEY of fingerprint ${hash}`,
  )
  throw new UsageError(
    `this ledger packs ${before}, not ${now}`,
    "Every series would be packed a second time under another name. Set the key that was used until now.",
  )
}
