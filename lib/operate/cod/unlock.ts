import {
  breakLock,
  type FoundLock,
  findLocks,
  locksToBreak,
  type SeriesPlace,
  seriesUri,
} from "../../cod/index.ts"
import { UsageError } from "../../support/errors.ts"
import { safe } from "../../support/text.ts"
import { withStoreToWrite } from "./change-series.ts"
import { requireThere } from "./hindrances.ts"
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
    if (standing.length === 0) {
      await requireThere(store, place, signal)
      return []
    }
    const meant = await locksToBreak(store, place, { generation }, signal)
    if (dryRun) return meant
    // Before it is done: of what was done nobody may be left without a word.
    for (const lock of meant) start.log.warn({ lock: lockDocument(lock), why }, "breaks a lock")
    return await breakLock(store, place, { generation }, signal)
  })
  const document = { uri: seriesUri(place), dry_run: dryRun, why, broken: broken.map(lockDocument) }
  await start.print(document, () => renderBroken(place, broken, now, dryRun))
  return 0
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
