import { afterAll } from "bun:test"
import { CODObject } from "../../lib/cod/index.ts"
import { openGolden } from "./golden-bucket.ts"
import { readsGoldenSeries } from "./golden-series.ts"

const bucket = await openGolden()
afterAll(() => bucket.stop())

readsGoldenSeries("a bucket", (golden) => {
  const { study_uid: studyUid, series_uid: seriesUid } = golden.expected
  const { store, datastore } = bucket.put(golden)
  return CODObject.open({ store, datastore, studyUid, seriesUid, lock: false })
})
