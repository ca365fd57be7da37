import { existsSync } from "node:fs"
import { pinnedCohort, unknownCohort } from "../ledger/cohorts.ts"
import { asLedgerError } from "../ledger/errors.ts"
import { groupCommit } from "../ledger/group-commit.ts"
import { type Ledger, openLedger } from "../ledger/open.ts"
import { openPacs, type Pacs } from "../source/pacs.ts"
import { withAccessRule } from "../storage/access.ts"
import { DEFAULT_RETRY } from "../storage/backoff.ts"
import { openSource, openStore } from "../storage/open.ts"
import type { ObjectStore } from "../storage/store.ts"
import type { Config } from "../support/config.ts"
import { UsageError } from "../support/errors.ts"
import { semaphore } from "../support/pool.ts"
import { openSpool } from "../transfer/spool.ts"
import type { AdoptDeps } from "./adopt/adopt.ts"
import type { CopyStepDeps } from "./copy/copy.ts"
import { foreignObjects } from "./copy/foreign-objects.ts"
import { noLimits } from "./copy/limits.ts"
import { admitStudies } from "./discover/admit.ts"
import type { DiscoverDeps } from "./discover/decision.ts"
import { probePacs } from "./discover/discover.ts"
import { type End, inRun } from "./in-run.ts"
import type { IngestStepDeps } from "./ingest/deps.ts"
import { keptFiles } from "./ingest/kept-files.ts"
import { datastoreUri, openIngest, placesForReceipts } from "./ingest/open.ts"
import { pinnedPlaces } from "./ingest/pinned.ts"
import type { RunDeps } from "./run.ts"
import {
  type AdoptParts,
  type CopyParts,
  type DiscoverParts,
  type IngestParts,
  type Start,
  storeOptions,
  type VerifyParts,
} from "./start.ts"
import type { RebuildDeps } from "./verify/rebuild.ts"
import type { VerifyDeps } from "./verify/verify.ts"

export type { End } from "./in-run.ts"
export {
  type AdoptParts,
  COPY_PARTS,
  type CopyParts,
  type DiscoverParts,
  INGEST_PARTS,
  type IngestParts,
  type Start,
  storeOptions,
  type VerifyParts,
} from "./start.ts"

/**
 * Opens what `discover` needs, does the work as a run of the ledger, closes all of it. A dry run changes nothing, so
 * it is not recorded either; neither is a run that finds the database unable to answer.
 */
export async function withDiscoverDeps(
  start: Start<DiscoverParts>,
  work: (deps: DiscoverDeps) => Promise<End>,
) {
  requirePinnedCohort(start)
  await using pacs = pacsOf(start)
  await probePacs(pacs, start.stop)
  const discovery = (ledger: Ledger, runId?: number) => work(discoverDeps(start, pacs, ledger, runId))
  if (!start.dryRun) return await inRun(start, (_, ledger, runId) => discovery(ledger, runId))
  return await withLedger(start, async (ledger) => (await discovery(ledger)).outcome)
}

/** Opens what `run` needs: it discovers, so the database has to answer before anything is recorded. */
export async function withRunDeps(start: Start<CopyParts>, work: (deps: RunDeps) => Promise<End>) {
  requirePinnedCohort(start)
  {
    await using pacs = pacsOf(start)
    await probePacs(pacs, start.stop)
  }
  return await inRun(start, async (scope, ledger, runId) => {
    const copy = await openCopy(scope, start, ledger, runId)
    const kept = scope.use(keptFiles(copy.receive.spool))
    const ingest = await openIngest(scope, start, { ...copy, kept })
    return work({ ...copy, kept, ingest })
  })
}

/**
 * Opens what `copy` needs. The origin and the destination are looked at before any work; the database is asked only
 * for what the origin lacks.
 */
export function withCopyDeps(
  start: Start<CopyParts>,
  work: (deps: CopyStepDeps & DiscoverDeps) => Promise<End>,
) {
  requirePinnedCohort(start)
  return inRun(start, async (scope, ledger, runId) => work(await openCopy(scope, start, ledger, runId)))
}

async function openCopy(
  scope: AsyncDisposableStack,
  start: Start<CopyParts>,
  ledger: Ledger,
  runId: number,
): Promise<CopyStepDeps & DiscoverDeps & { readonly runId: number }> {
  const { config, stop, limits = noLimits() } = start
  const { spoolDir, spoolBytes, stallSeconds, objectsInFlight, egressUsdPerGb } = config.copy
  const bytesPerSecond = limits.bytesPerSecond ?? config.copy.bytesPerSecond
  const pacs = scope.use(pacsOf(start))
  const limited = { ...storeOptions(start), bytesPerSecond }
  const origin = scope.use(withAccessRule(openSource(config.origin.uri, limited)))
  const destination = scope.use(withAccessRule(openStore(config.destination.uri, storeOptions(start))))
  await Promise.all([origin.probe(stop.requested), destination.probe(stop.requested)])
  const spool = scope.use(openSpool({ dir: spoolDir, capacity: spoolBytes }))
  const discovery = discoverDeps(start, pacs, ledger, runId)
  return {
    ...discovery,
    runId,
    origin,
    destination,
    receive: { spool, stallMs: stallSeconds * 1000, retry: start.retry ?? DEFAULT_RETRY },
    foreign: foreignObjects(destination),
    slots: semaphore(objectsInFlight),
    commits: groupCommit(ledger),
    limits,
    series: placesForReceipts(ledger, config),
    terms: { bytesPerSecond, egressUsdPerGb },
    admit: (studyIds) => admitStudies(discovery, studyIds, stop),
  }
}

/** Opens what `ingest` needs: where the copies are, and where the series go. */
export function withIngestDeps(start: Start<IngestParts>, work: (deps: IngestStepDeps) => Promise<End>) {
  requireLedger(start.config.ledger.path)
  return inRun(start, async (scope, ledger, runId) => {
    const { config, stop } = start
    const destination = scope.use(withAccessRule(openStore(config.destination.uri, storeOptions(start))))
    await destination.probe(stop.requested)
    const commits = groupCommit(ledger)
    return work(await openIngest(scope, start, { ledger, commits, runId, destination, kept: undefined }))
  })
}

/** Opens what `adopt` needs: both sides to look at, and no database. A dry run is not recorded. */
export async function withAdoptDeps(start: Start<AdoptParts>, work: (deps: AdoptDeps) => Promise<End>) {
  const { config, stop, progress, dryRun } = start
  requireLedger(config.ledger.path)
  using origin = withAccessRule(openSource(config.origin.uri, storeOptions(start)))
  using destination = openStore(config.destination.uri, storeOptions(start))
  await Promise.all([origin.probe(stop.requested), destination.probe(stop.requested)])
  const adoption = (ledger: Ledger, runId?: number) =>
    work({ ledger, runId, origin, destination, progress, commits: groupCommit(ledger) })
  if (!dryRun) return await inRun(start, (_, ledger, runId) => adoption(ledger, runId))
  return await withLedger(start, async (ledger) => (await adoption(ledger)).outcome)
}

/**
 * Records a scheduler as a run. One lives at a time, beside those that fire just once; what they begin are runs of
 * their own.
 * @throws RunUnderWay
 */
export function withScheduler(
  start: Start<DiscoverParts>,
  { once }: { readonly once: boolean },
  work: (deps: { readonly ledger: Ledger; readonly runId: number }) => Promise<End>,
) {
  requirePinnedCohort(start)
  const scheduler = { ...start, script: once ? "schedule --once" : "schedule", alone: !once }
  return inRun(scheduler, (_, ledger, runId) => work({ ledger, runId }))
}

/** Opens what `verify` needs, the origin too where it is configured; a dry run is not recorded. */
export async function withVerifyDeps(
  start: Start<VerifyParts> & { readonly config: Partial<Config<"origin" | "s3">> },
  work: (deps: VerifyDeps) => Promise<End>,
) {
  const { config, stop, progress, dryRun } = start
  requireLedger(config.ledger.path)
  using destination = openStore(config.destination.uri, storeOptions(start))
  using origin = config.origin && withAccessRule(openSource(config.origin.uri, storeOptions(start)))
  await Promise.all([origin?.probe(stop.requested), destination.probe(stop.requested)])
  const verification = async (ledger: Ledger, runId?: number) => {
    const places = pinnedPlaces(ledger, config.cod.uidHashKey)
    using datastore = places && openStore(places.datastore.uri, storeOptions(start))
    const packed = places && datastore && { ...places, datastore }
    return await work({ ledger, runId, origin, destination, packed, progress })
  }
  if (!dryRun) return await inRun(start, (_, ledger, runId) => verification(ledger, runId))
  return await withLedger(start, async (ledger) => (await verification(ledger)).outcome)
}

/** Opens what a rebuild of the ledger needs: the destination and the datastore, for there is no ledger. */
export async function withRebuildDeps(
  start: Start<"destination" | "gcs" | "copy" | "cod" | "ingest">,
  work: (deps: RebuildDeps) => Promise<0 | 1>,
) {
  const { config, progress, stop } = start
  using destination = openStore(config.destination.uri, storeOptions(start))
  using datastore = openStore(datastoreUri(config), storeOptions(start))
  await Promise.all([destination.probe(stop.requested), datastore.probe(stop.requested)])
  return await work({ destination, datastore, uidHashKey: config.cod.uidHashKey, progress })
}

/** There is nothing to look at before the first discovery, and a wrong LEDGER_PATH must not look like it. */
export function requireLedger(path: string) {
  if (existsSync(path)) return
  throw new UsageError(`there is no ledger at ${path}`, "Run discover first, or check LEDGER_PATH.")
}

/** Opens the ledger to look at, never changing it; one that does not exist yet is empty. */
export async function withLedger(
  start: Pick<Start<"ledger">, "config">,
  work: (ledger: Ledger) => Promise<0 | 1>,
) {
  const { path } = start.config.ledger
  using ledger = openLedger(path, { readonly: true })
  try {
    return await work(ledger)
  } catch (cause) {
    throw asLedgerError(cause, path)
  }
}

export type BackupStart = Pick<
  Start<"ledger" | "backup" | "gcs">,
  "config" | "log" | "stop" | "dryRun" | "retry"
>

/** Opens what a backup needs: the ledger to read, and the store that backups are copied to where there is one. */
export async function withBackupDeps<T>(
  start: BackupStart,
  work: (deps: { readonly ledger: Ledger; readonly store: ObjectStore | undefined }) => Promise<T>,
): Promise<T> {
  const { ledger: place, backup } = start.config
  requireLedger(place.path)
  using ledger = openLedger(place.path, { readonly: true })
  using store = backup.uri === undefined ? undefined : openStore(backup.uri, storeOptions(start))
  await store?.probe(start.stop.requested)
  return await work({ ledger, store })
}

export function pacsOf({ config, log, retry }: Start<DiscoverParts>): Pacs {
  return openPacs(config.database, {
    ...(retry && { retry }),
    onRetry: ({ error, attempt, delayMs }) =>
      log.warn({ err: error, attempt, delayMs }, "asking the database again"),
  })
}

export function discoverDeps(
  start: Start<DiscoverParts>,
  pacs: Pacs,
  ledger: Ledger,
  runId: number | undefined,
): DiscoverDeps {
  const { from, to, toleratedModalities } = start.config.ranking
  const pin = pinOf(start)
  const pinned = pin === undefined ? undefined : pinnedCohort(ledger, pin)
  const rules = {
    rankFrom: pinned?.rankFrom ?? from,
    rankTo: pinned?.rankTo ?? to,
    toleratedModalities,
    pinned,
  }
  const { log, progress } = start
  return { ledger, pacs, rules, pinnedCohort: pin, runId, log, progress }
}

/** An unknown cohort is found out before anything is asked or recorded. @throws UsageError */
export function requirePinnedCohort(start: Start<DiscoverParts>) {
  const pin = pinOf(start)
  if (pin === undefined) return
  const { path } = start.config.ledger
  if (!existsSync(path)) throw unknownCohort(pin)
  using ledger = openLedger(path, { readonly: start.dryRun })
  pinnedCohort(ledger, pin)
}

function pinOf({ pinCohort, config }: Start<DiscoverParts>): number | undefined {
  return pinCohort ?? config.ranking.cohortPin
}
