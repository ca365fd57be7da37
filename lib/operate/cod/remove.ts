import { type CODObject, type Dirty, type SeriesPlace, seriesUri } from "../../cod/index.ts"
import { count, plural, safe } from "../../support/text.ts"
import { type Changed, changeSeries, type WriteOptions } from "./change-series.ts"
import { shortTable } from "./short-table.ts"
import type { CodStart } from "./start.ts"
import { seriesTarget } from "./target.ts"

interface Removal {
  readonly removed: readonly string[]
  /** How many are left. */
  readonly left: number
}

/** `cod remove URI KEY…`: these instances go from the series, also from its tar. */
export async function remove(
  start: CodStart,
  [uri = "", ...words]: readonly string[],
  options: WriteOptions,
): Promise<0> {
  const keys = [...new Set(words)]
  return await takeOut(seriesTarget(uri), start, options, async (series, dirty) => {
    await series.remove(keys, dirty)
    return keys
  })
}

/** `cod truncate URI KEY…`: all other instances go. */
export async function truncate(
  start: CodStart,
  [uri = "", ...words]: readonly string[],
  options: WriteOptions,
): Promise<0> {
  const kept = new Set(words)
  return await takeOut(seriesTarget(uri), start, options, async (series, dirty) => {
    const all = [...(await series.getMetadata()).instances.keys()]
    const removed = all.filter((key) => !kept.has(key))
    // A key that is not there is refused also where nothing would go.
    if (removed.length > 0 || kept.size > all.length) await series.truncate([...kept], dirty)
    return removed
  })
}

async function takeOut(
  place: SeriesPlace,
  start: CodStart,
  options: WriteOptions,
  take: (series: CODObject, dirty: Dirty) => Promise<readonly string[]>,
): Promise<0> {
  const changed = await changeSeries(place, start, options, async (series, dirty) => {
    const removed = await take(series, dirty)
    return { removed, left: (await series.getMetadata()).instances.size }
  })
  await start.print(documentOf(place, changed, options), () => renderRemoval(place, changed.result, options))
  return 0
}

function documentOf(place: SeriesPlace, { result, isChanged }: Changed<Removal>, { dryRun }: WriteOptions) {
  return {
    uri: seriesUri(place),
    dry_run: dryRun,
    changed: isChanged,
    removed: result.removed,
    instances: result.left,
  }
}

export function renderRemoval(
  place: SeriesPlace,
  { removed, left }: Removal,
  { dryRun }: Pick<WriteOptions, "dryRun">,
): string {
  const uri = safe(seriesUri(place))
  if (removed.length === 0) return `${uri}: nothing to do, all ${plural(left, "instance")} stay`
  const title = dryRun ? "would be removed" : "removed"
  const gone = plural(removed.length, "instance")
  return [
    uri,
    shortTable(
      [title],
      removed.map((key) => [key]),
    ),
    "",
    dryRun
      ? `${gone} would go, ${count(left)} would be left; nothing was written`
      : `${gone} removed, ${count(left)} left`,
  ].join("\n")
}
