import { existsSync } from "node:fs"
import { CODObject, type Finding, type SeriesPlace, seriesUri, uidHashFunc } from "../../cod/index.ts"
import { pinnedDatastore } from "../../ledger/cod/datastore.ts"
import { retiredFiles } from "../../ledger/cod/retired.ts"
import { LedgerBusy, LedgerUnusable } from "../../ledger/errors.ts"
import { type Ledger, openLedger } from "../../ledger/open.ts"
import type { ObjectSource } from "../../storage/store.ts"
import type { CodStart } from "./start.ts"

/** As what a check finds, but by what the ledger knows. */
export type RetiredFinding = Omit<Finding, "kind"> & { readonly kind: "instance-retired" }

/**
 * Instances that the database lists no longer, by the ledger of this box: they stay in their series until a person takes
 * them out. None where there is no ledger, or one that packs elsewhere.
 */
export async function retiredInstances(
  { config, stop, log }: CodStart,
  place: SeriesPlace,
  store: ObjectSource,
): Promise<readonly RetiredFinding[]> {
  const path = config.ledger?.path
  if (path === undefined || !existsSync(path)) return []
  using ledger = readable(path, log)
  if (ledger === undefined) return []
  if (pinnedDatastore(ledger)?.uri !== place.datastore) return []
  await using series = await CODObject.open({ ...place, store, lock: false }, stop.requested)
  const { instances, hashedUids } = await series.getMetadata(stop.requested)
  const key = config.cod.uidHashKey
  const hash = hashedUids && key !== undefined ? uidHashFunc(key) : (uid: string) => uid
  // The series' own name may be hashed; each instance tells its real UIDs.
  const [first] = instances.values().filter((entry) => entry.kind === "instance")
  const { studyUid, seriesUid } = first ?? {}
  if (studyUid === undefined || seriesUid === undefined) return []
  return retiredFiles(ledger, { studyUid, seriesUid })
    .map(({ studyId, instanceUid }) => ({ studyId, instance: hash(instanceUid) }))
    .filter(({ instance }) => instances.has(instance))
    .map(({ studyId, instance }) => ({
      kind: "instance-retired",
      severity: "note",
      where: `${seriesUri(place)}#${instance}`,
      what: `the database lists it no longer (study ${studyId})`,
      todo: "It stays. If it is to go: `cod remove URI KEY`.",
    }))
}

/** What is stored is checked also beside a ledger that cannot be read. */
function readable(path: string, log: CodStart["log"]): Ledger | undefined {
  try {
    return openLedger(path, { readonly: true })
  } catch (error) {
    if (!(error instanceof LedgerUnusable || error instanceof LedgerBusy)) throw error
    log.warn({ err: error }, "what the database lists no longer is not told: the ledger cannot be read")
    return undefined
  }
}
