import { seriesKeys } from "../../cod/format/layout.ts"
import {
  breakLock,
  CODObjectNotFoundError,
  type FoundLock,
  findLocks,
  locksToBreak,
  type SeriesPlace,
  seriesUri,
} from "../../cod/index.ts"
import type { ObjectStore } from "../../storage/store.ts"
import { UsageError } from "../../support/errors.ts"
import { safe } from "../../support/text.ts"
import { withStoreToWrite } from "./change-series.ts"
import { lockDocument, renderLocks } from "./locks.ts"
import type { CodStart } from "./start.ts"
import { seriesTarget } from "./target.ts"
import type { VerbOptions } from "./verb.ts"

type UnlockOptions = Pick<VerbOptions, "dryRun" | "generation" | "why">

/**
 * `cod unlock URI --generation G --why TEXT`: breaks the lock that somebody looked at and found left behind, and those that
 * were taken with it. Who held it, if it lives, writes nothing any more.
 */
export async function unlock(
  start: CodStart,
  [uri = ""]: readonly string[],
  { dryRun, generation, why }: UnlockOptions,
): Promise<0> {
  const place = seriesTarget(uri)
  if (generation === undefined || why === undefined || why.trim() === "") {
    throw new UsageError(
      `unlock needs ${generation === undefined ? "--generation G, of the lock that is meant" : "--why TEXT, for the log"}`,
      `bun scripts/cod.ts info ${seriesUri(place)} tells which locks there are, and whose.`,
    )
  }
  const now = new Date()
  const signal = start.stop.requested
  const broken = await withStoreToWrite(place, start, async (store) => {
    const standing = await findLocks(store, place, signal)
    if (standing.length === 0) return await nothingLocked(store, place, signal)
    const choice = { generation }
    return await (dryRun ? locksToBreak : breakLock)(store, place, choice, signal)
  })
  if (!dryRun) for (const lock of broken) start.log.warn({ lock: lockDocument(lock), why }, "lock broken")
  const document = { uri: seriesUri(place), dry_run: dryRun, why, broken: broken.map(lockDocument) }
  await start.print(document, () => renderBroken(place, broken, now, dryRun))
  return 0
}

/** What does not exist at all was meant differently. */
async function nothingLocked(
  store: ObjectStore,
  place: SeriesPlace,
  signal: AbortSignal,
): Promise<readonly FoundLock[]> {
  const { metadata, tar } = seriesKeys(place.studyUid, place.seriesUid)
  const [first, second] = await Promise.all([store.head(metadata, signal), store.head(tar, signal)])
  if (first === undefined && second === undefined) throw new CODObjectNotFoundError(seriesUri(place))
  return []
}

export function renderBroken(
  place: SeriesPlace,
  broken: readonly FoundLock[],
  now: Date,
  dryRun: boolean,
): string {
  const uri = safe(seriesUri(place))
  if (broken.length === 0) return `${uri}: nothing to do, it is not locked`
  return [
    uri,
    renderLocks(dryRun ? "would be broken" : "broken", broken, now),
    "",
    dryRun ? "nothing was written" : `bun scripts/cod.ts check ${uri} tells whether the series is sound`,
  ].join("\n")
}
