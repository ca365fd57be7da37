import type { ObjectSource } from "../../storage/store.ts"
import { NotThere } from "./explain.ts"
import { listInstances, renderInstances } from "./ls-instances.ts"
import { listCounted, renderSeries } from "./ls-series.ts"
import { withSeries } from "./open-series.ts"
import { type CodStart, withDatastore } from "./start.ts"
import { type ListTarget, listTarget } from "./target.ts"

interface LsOptions {
  /** Series by the listing alone. */
  readonly quick: boolean
}

/** `cod ls URI`: the series of a datastore or a study, or the instances of a series. */
export async function ls(start: CodStart, [uri = ""]: readonly string[], { quick }: LsOptions): Promise<0> {
  const target = listTarget(uri)
  if (target.kind === "series") {
    const listed = await withSeries(target.place, start, listInstances)
    await start.print(listed, renderInstances)
    return 0
  }
  const listed = await withDatastore(target.datastore, start, (store) =>
    listOf(target, store, start, { quick }),
  )
  await start.print(listed, (all) => renderSeries(all, { kind: target.kind, quick }))
  return 0
}

/** What has no series does not exist for a store: it has no folders of its own. */
async function listOf(
  target: Exclude<ListTarget, { kind: "series" }>,
  store: ObjectSource,
  start: CodStart,
  { quick }: LsOptions,
) {
  const listed = await listCounted({ ...target, quick }, store, start)
  if (listed.length > 0) return listed
  throw nothingListed(target)
}

/** The listing of a datastore or of a study is empty. */
export function nothingListed(target: Exclude<ListTarget, { kind: "series" }>): NotThere {
  if (target.kind === "study") {
    return new NotThere(
      `there is no study ${target.studyUid} in ${target.datastore}`,
      `bun scripts/cod.ts ls ${target.datastore} lists what there is.`,
    )
  }
  return new NotThere(
    `there are no series in ${target.datastore}`,
    "A datastore is the place that has the folder studies/: check its URI.",
  )
}
