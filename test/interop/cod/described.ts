import type { CODObject } from "../../../lib/cod/index.ts"
import { describeInstance } from "../../cod/golden-series.ts"
import type { PeerInstance, PeerSeries } from "./peer.ts"

/** What we read of a series, in the package's words. */
export type Described = Omit<PeerSeries, "integrity_check">

export async function described(cod: CODObject): Promise<Described> {
  const instances = await cod.getInstances({ strictSorting: false })
  const { studyUid, seriesUid, hashedUids, fields } = await cod.getMetadata()
  const entries: [key: string, instance: PeerInstance][] = []
  for (const [key, instance] of instances) {
    const described = await describeInstance(cod, key)
    entries.push([key, { ...described, tags: await instance.metadata() }])
  }
  return {
    datastore: cod.datastore,
    study_uid: studyUid,
    series_uid: seriesUid,
    hashed_uids: hashedUids,
    metadata_fields: Object.fromEntries(fields),
    instances: Object.fromEntries(entries),
    order: [...instances.keys()],
  }
}
