import type { Ledger } from "../open.ts"
import { assertSeriesClaimed, type SeriesClaim } from "./claims.ts"
import { type LedgerSeries, seriesInPages } from "./series.ts"

/** What came of the picture of a series; `null`: none was made of it as it is packed now. */
export type ThumbnailRecord =
  | { readonly state: null | "made" | "nothing to show" }
  | { readonly state: "failed"; readonly errorClass: string; readonly errorMessage: string }

/** Under the series' claim. @throws ClaimLost */
export function recordThumbnail(ledger: Ledger, claim: SeriesClaim, thumbnail: ThumbnailRecord) {
  assertSeriesClaimed(ledger, claim)
  const { errorClass = null, errorMessage = null } = thumbnail.state === "failed" ? thumbnail : {}
  ledger.db
    .query(
      `update cod_series set thumbnail = $state, thumbnail_error_class = $errorClass,
         thumbnail_error_message = $errorMessage
       where series_no = $seriesNo`,
    )
    .run({ seriesNo: claim.seriesNo, state: thumbnail.state, errorClass, errorMessage })
}

/** Packed series of which nobody has made a picture, of these studies or of all. */
export function seriesWithoutThumbnail(
  ledger: Ledger,
  studyIds: readonly string[] = [],
): Generator<LedgerSeries, void, void> {
  return seriesInPages(
    ledger,
    "cod_series c indexed by cod_series_undrawn",
    `c.state = 'packed' and c.thumbnail is null and ${AMONG}`,
    { ids: JSON.stringify(studyIds) },
  )
}

/** The next ingest makes those again that failed, of these studies or of all, of this class or of any. @returns how many */
export function retryThumbnails(ledger: Ledger, studyIds: readonly string[] = [], errorClass = ""): number {
  return ledger.write(
    () =>
      ledger.db
        .query(
          `update cod_series as c indexed by cod_series_not_drawn
           set thumbnail = null, thumbnail_error_class = null, thumbnail_error_message = null
           where c.thumbnail = 'failed' and ($errorClass = '' or c.thumbnail_error_class = $errorClass) and ${AMONG}
             and not exists (select 1 from cod_locks l where l.series_no = c.series_no and l.ended_at is null)`,
        )
        .run({ ids: JSON.stringify(studyIds), errorClass }).changes,
  )
}

const AMONG = `($ids = '[]' or exists (select 1 from cod_instances i where i.series_no = c.series_no
  and i.study_id in (select value from json_each($ids))))`
