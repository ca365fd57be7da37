import { uidHashFingerprint, uidHashFunc } from "../../cod/index.ts"
import {
  type PinnedDatastore,
  pinDatastore,
  pinnedDatastore,
  requireSame,
} from "../../ledger/cod/datastore.ts"
import type { Ledger } from "../../ledger/open.ts"
import { withAccessRule } from "../../storage/access.ts"
import { openStore } from "../../storage/open.ts"
import type { Config } from "../../support/config.ts"
import { semaphore, turnsBy } from "../../support/pool.ts"
import type { SeriesPlaces } from "../receipts/receipt-document.ts"
import { type IngestParts, type Start, storeOptions } from "../start.ts"
import type { IngestDeps, IngestStepDeps } from "./deps.ts"
import type { PlacesOfUids } from "./series-place.ts"
import { seriesPlaces } from "./series-places.ts"

/** Below the destination: a prefix without which readers on the web find nothing. */
const DEFAULT_PREFIX = "cod/dicomweb"

/** Where series are packed. */
export function datastoreUri({ ingest, destination }: Pick<Config, "ingest" | "destination">): string {
  return ingest.datastore ?? `${destination.uri}/${DEFAULT_PREFIX}`
}

type Naming = Pick<Config, "cod" | "ingest" | "destination">

/** How this configuration names series. */
function placesOf(config: Naming): PlacesOfUids {
  const { uidHashKey } = config.cod
  return {
    datastore: { uri: datastoreUri(config) },
    uidHashFunc: uidHashKey === undefined ? undefined : uidHashFunc(uidHashKey),
  }
}

function pinOf(config: Naming): PinnedDatastore {
  const { uidHashKey } = config.cod
  return {
    uri: datastoreUri(config),
    uidHash: uidHashKey === undefined ? null : uidHashFingerprint(uidHashKey),
  }
}

/**
 * Where series are, or will be, for receipts to name.
 * @throws UsageError when the ledger packs into another datastore, or with another key
 */
export function placesForReceipts(ledger: Ledger, config: Naming): SeriesPlaces {
  const pinned = pinnedDatastore(ledger)
  if (pinned !== undefined) requireSame(pinned, pinOf(config))
  return seriesPlaces(placesOf(config))
}

/**
 * Opens the datastore and binds the ledger to it.
 * @throws UsageError when the ledger packs into another one, or with another key
 */
export async function openIngest(
  scope: AsyncDisposableStack,
  start: Start<IngestParts>,
  given: Pick<IngestDeps, "ledger" | "commits" | "runId" | "destination" | "kept">,
): Promise<IngestStepDeps> {
  const { config, stop, log, progress } = start
  const { lockNames, metadataVersion } = config.cod
  const { thumbnailConcurrency } = config.ingest
  pinDatastore(given.ledger, pinOf(config))
  const { uidHashFunc } = placesOf(config)
  const datastore = scope.use(withAccessRule(openStore(datastoreUri(config), storeOptions(start))))
  await datastore.probe(stop.requested)
  const { ledger, commits, runId, destination, kept } = given
  return {
    ledger,
    commits,
    runId,
    destination,
    kept,
    datastore,
    uidHashFunc,
    lockNames,
    metadataVersion,
    packing: semaphore(config.ingest.concurrency),
    thumbnails: thumbnailConcurrency === 0 ? undefined : { places: semaphore(thumbnailConcurrency) },
    inTurn: turnsBy<number>(),
    log,
    progress,
  }
}
