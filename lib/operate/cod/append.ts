import {
  CODObject,
  CODObjectNotFoundError,
  type Instance,
  instancesToSeries,
  seriesUri,
  type UidHashFunc,
} from "../../cod/index.ts"
import { storeOptions } from "../../pipeline/deps.ts"
import { openStore } from "../../storage/open.ts"
import type { ObjectStore } from "../../storage/store.ts"
import { AppError, UsageError, verdictOf } from "../../support/errors.ts"
import { safe } from "../../support/text.ts"
import {
  type AppendReport,
  documentOf,
  hasFailed,
  type RefusedSeries,
  renderAppend,
} from "./append-render.ts"
import { appendToSeries, type SeriesFiles, type SeriesReport } from "./append-series.ts"
import { findSources } from "./append-sources.ts"
import { accessFor, type WriteOptions } from "./change-series.ts"
import { explained } from "./explain.ts"
import { learn } from "./learn.ts"
import type { CodStart } from "./start.ts"
import { type ListTarget, listTarget } from "./target.ts"

type Target = Exclude<ListTarget, { kind: "study" }>

/**
 * `cod append URI FILE…`: files into the series that the URI names, or each into its own series of a datastore. 1 when one
 * of them is not stored now.
 */
export async function append(
  start: CodStart,
  [uri = "", ...words]: readonly string[],
  options: WriteOptions,
): Promise<0 | 1> {
  const target = targetOf(uri)
  using store = openStore(datastoreOf(target), storeOptions(start))
  const access = accessFor(store, start, options)
  const hash = access.uidHashFunc
  if (target.kind === "series") await requireSameNames(target, store, hash, start)
  const found = await findSources(words, start.stop.requested)
  const reading = { uidHashFunc: hash, access: storeOptions(start) }
  const { instances, failed } = await learn(found.files, reading, start.progress, start.stop.requested)
  const groups = await groupsOf(target, instances, hash)
  const done = await appendAll(groups, store, access, start, options)
  const unreadable = [...found.unreadable, ...failed]
  const report: AppendReport = { ...done, unreadable, skipped: found.skipped, dryRun: options.dryRun }
  await start.print(documentOf(report), () => renderAppend(report))
  return hasFailed(report) ? 1 : 0
}

function targetOf(uri: string): Target {
  const target = listTarget(uri)
  if (target.kind !== "study") return target
  throw new UsageError(
    `"${safe(uri)}" is a study`,
    "Name a series, or the datastore: then each file goes into its own series.",
  )
}

function datastoreOf(target: Target): string {
  return target.kind === "series" ? target.place.datastore : target.datastore
}

/** @throws UsageError when the series has hashed UIDs and there is no key for them, or the other way round */
async function requireSameNames(
  { place }: Extract<Target, { kind: "series" }>,
  store: ObjectStore,
  hash: UidHashFunc | undefined,
  { stop }: CodStart,
): Promise<void> {
  try {
    await using series = await CODObject.open({ ...place, store, lock: false }, stop.requested)
    const { hashedUids } = await series.getMetadata()
    if (hashedUids === (hash !== undefined)) return
  } catch (error) {
    if (error instanceof CODObjectNotFoundError) return
    throw await explained(error, place, store, undefined, stop.requested)
  }
  throw hash === undefined
    ? new UsageError(
        `${seriesUri(place)} has hashed UIDs`,
        "Set UID_HASH_KEY to the key by which they were hashed.",
      )
    : new UsageError(
        `${seriesUri(place)} has real UIDs, and UID_HASH_KEY is set`,
        "Unset it for this series.",
      )
}

async function groupsOf(
  target: Target,
  instances: readonly Instance[],
  hash: UidHashFunc | undefined,
): Promise<SeriesFiles[]> {
  if (instances.length === 0) return []
  if (target.kind === "series") return [{ place: target.place, hashedUids: hash !== undefined, instances }]
  const { datastore } = target
  const groups = await Array.fromAsync(instancesToSeries(instances))
  return groups.map(({ studyUid, seriesUid, hashedUids, instances }) => ({
    place: { datastore, studyUid, seriesUid },
    hashedUids,
    instances,
  }))
}

/**
 * One series after the other. One that is refused leaves the others as they are; what is the matter with all of them, or a
 * wish to stop, leaves the rest for another time.
 */
async function appendAll(
  groups: readonly SeriesFiles[],
  store: ObjectStore,
  access: ReturnType<typeof accessFor>,
  start: CodStart,
  options: WriteOptions,
): Promise<Pick<AppendReport, "series" | "refused" | "notBegun">> {
  const { progress, stop } = start
  const series: SeriesReport[] = []
  const refused: RefusedSeries[] = []
  progress.start(
    groups.reduce((sum, { instances }) => sum + instances.length, 0),
    "instances",
  )
  try {
    for (const group of groups) {
      if (stop.requested.aborted) break
      try {
        series.push(await appendToSeries(group, access, store, start, options))
      } catch (error) {
        refused.push(await refusalOf(error, group, store, stop.forced))
        if (verdictOf(error) === "stop") break
      }
      progress.tick(group.instances.length, group.place.seriesUid)
    }
  } finally {
    progress.stop()
  }
  return { series, refused, notBegun: groups.length - series.length - refused.length }
}

async function refusalOf(
  error: unknown,
  { place, instances }: SeriesFiles,
  store: ObjectStore,
  signal: AbortSignal,
): Promise<RefusedSeries> {
  if (!(error instanceof AppError)) throw error
  const told = signal.aborted
    ? error
    : ((await explained(error, place, store, undefined, signal)) as AppError)
  const files = instances.map(({ originalPath }) => originalPath)
  return { uri: seriesUri(place), files, why: told.message, hint: told.hint }
}
