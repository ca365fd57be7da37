import { existsSync } from "node:fs"
import { openSource, openStore } from "../storage/open.ts"
import type { ObjectSource } from "../storage/store.ts"
import { type DiscoverParts, discoverDeps, pacsOf, type Start, storeOptions, withLedger } from "./deps.ts"
import type { DiscoverDeps } from "./discover/decision.ts"
import { placesForReceipts } from "./ingest/open.ts"
import type { SeriesPlaces } from "./receipts/receipt-document.ts"

/** Everybody who knows something of a study. */
export interface Sides extends Pick<DiscoverDeps, "ledger" | "pacs" | "rules"> {
  readonly origin: ObjectSource
  readonly destination: ObjectSource
  /** Where series are packed. */
  readonly series: SeriesPlaces
}

export type SidesParts = DiscoverParts | "origin" | "destination" | "s3" | "gcs" | "cod" | "ingest"

/** Somebody waits for the answer: who is unavailable is asked once more, soon. */
const HASTY = { retries: 1, minTimeoutMs: 500, maxTimeoutMs: 2_000 }

/** Opens all of them to look at, the ledger also where there is none yet. Nobody is asked before the work begins. */
export async function withSides(start: Start<SidesParts>, work: (sides: Sides) => Promise<0 | 1>) {
  const { config, log } = start
  if (!existsSync(config.ledger.path)) log.warn({ ledger: config.ledger.path }, "there is no ledger yet")
  const hasty = { ...start, retry: start.retry ?? HASTY }
  await using pacs = pacsOf(hasty)
  using origin = openSource(config.origin.uri, storeOptions(hasty))
  using destination = openStore(config.destination.uri, storeOptions(hasty))
  return await withLedger(start, (ledger) => {
    const { rules } = discoverDeps(hasty, pacs, ledger, undefined)
    return work({ ledger, pacs, rules, origin, destination, series: placesForReceipts(ledger, config) })
  })
}
