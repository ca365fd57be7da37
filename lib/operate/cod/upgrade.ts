import { CODObject, type CODObjectOptions, seriesUri, withCODObject } from "../../cod/index.ts"
import { outdated, type UpgradeReport } from "../../cod/writing/upgrade.ts"
import { plural, safe } from "../../support/text.ts"
import { accessFor, type WriteOptions, withStoreToWrite } from "./change-series.ts"
import { refuseHindered } from "./hindrances.ts"
import type { CodStart } from "./start.ts"
import { seriesTarget } from "./target.ts"

type UpgradeOptions = Pick<WriteOptions, "dryRun" | "lockNames">

/** `cod upgrade URI`: entries of metadata version 1.0 become 2.0. 1 when one of them cannot. */
export async function upgrade(
  start: CodStart,
  [uri = ""]: readonly string[],
  { dryRun, lockNames }: UpgradeOptions,
): Promise<0 | 1> {
  const place = seriesTarget(uri)
  const { log, stop } = start
  const report = await withStoreToWrite(place, start, async (store): Promise<UpgradeReport> => {
    const access = accessFor(store, start, { lockNames, metadataVersion: "2.0" })
    const opening = { ...access, ...place, createIfMissing: false }
    const old = await outdatedIn({ ...opening, lock: false }, stop.requested)
    if (old.length === 0) return { upgraded: [], left: [] }
    if (dryRun) {
      await refuseHindered(store, place, stop.requested)
      return { upgraded: old, left: [] }
    }
    stop.requested.throwIfAborted()
    const signal = stop.forced
    return await withCODObject({ ...opening, lock: true }, (series) => series.upgrade(signal), {
      log,
      signal,
    })
  })
  const document = { uri: seriesUri(place), dry_run: dryRun, ...report }
  await start.print(document, () => `${safe(seriesUri(place))}: ${summaryOf(report, dryRun)}`)
  return report.left.length > 0 ? 1 : 0
}

async function outdatedIn(opening: CODObjectOptions, signal: AbortSignal): Promise<string[]> {
  await using series = await CODObject.open(opening, signal)
  return outdated(await series.getMetadata())
}

function summaryOf({ upgraded, left }: UpgradeReport, dryRun: boolean): string {
  if (upgraded.length + left.length === 0) return "nothing to do, all entries are of version 2.0"
  const done = plural(upgraded.length, "entry", "entries")
  if (dryRun) return `${done} would become version 2.0; nothing was written`
  const rest =
    left.length === 0 ? "" : `; cannot be told in it, and stay as they are: ${left.map(safe).join(", ")}`
  return `${done} of version 2.0 now${rest}`
}
