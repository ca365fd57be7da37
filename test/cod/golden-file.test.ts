import { CODObject } from "../../lib/cod/index.ts"
import { readsGoldenSeries } from "./golden-series.ts"

readsGoldenSeries("a folder", ({ datastore, expected }) =>
  CODObject.open({ datastore, studyUid: expected.study_uid, seriesUid: expected.series_uid, lock: false }),
)
