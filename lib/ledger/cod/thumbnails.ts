import type { Ledger } from "../open.ts"
import { assertSeriesClaimed, type SeriesClaim } from "./claims.ts"
import { HAS_STUDY, IS_UNLOCKED } from "./conditions.ts"
import { type LedgerSeries, seriesInPages } from "./series.ts"

/**
 * What came of the thumbnail of a series. `null`: nobody has made one of it as it is packed now; `due`: the next run does,
 * for somebody asked for it again, or what kept it from being made passes by itself.
 */
export type ThumbnailRecord =
  | { readonly state: null | "made" | "nothing to show" | "due" }
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

/** Packed series that lack a thumbnail: those that are `due`, or also those of which nobody has made one (`missing`). */
export type Undrawn = "due" | "missing"

const UNDRAWN: Readonly<Record<Undrawn, readonly (readonly [index: string, condition: string])[]>> = {
  due: [["cod_series_drawn_again", "c.state = 'packed' and c.thumbnail = 'due'"]],
  missing: [
    ["cod_series_drawn_again", "c.state = 'packed' and c.thumbnail = 'due'"],
    ["cod_series_undrawn", "c.state = 'packed' and c.thumbnail is null"],
  ],
}

/** Those of these studies, or of all. */
export function* seriesWithoutThumbnail(
  ledger: Ledger,
  undrawn: Undrawn,
  studyIds: readonly string[] = [],
): Generator<LedgerSeries, void, void> {
  const ids = JSON.stringify(studyIds)
  for (const [index, condition] of UNDRAWN[undrawn]) {
    yield* seriesInPages(ledger, `cod_series c indexed by ${index}`, `${condition} and ${HAS_STUDY}`, { ids })
  }
}

/** How many those are. */
export function countWithoutThumbnail(
  ledger: Ledger,
  undrawn: Undrawn,
  studyIds: readonly string[] = [],
): number {
  const ids = JSON.stringify(studyIds)
  const counts = UNDRAWN[undrawn].map(
    ([index, condition]) =>
      ledger.db
        .query<{ count: number }, { ids: string }>(
          `select count(*) as count from cod_series c indexed by ${index} where ${condition} and ${HAS_STUDY}`,
        )
        .get({ ids })!.count,
  )
  return counts.reduce((sum, count) => sum + count, 0)
}

/**
 * The next run makes those again that failed: of these studies or of all, of this class or of any. What is under a lock
 * stays as it is.
 * @returns how many
 */
export function retryThumbnails(ledger: Ledger, studyIds: readonly string[] = [], errorClass = ""): number {
  return ledger.write(
    () =>
      ledger.db
        .query(
          `update cod_series as c indexed by cod_series_not_drawn
           set thumbnail = 'due', thumbnail_error_class = null, thumbnail_error_message = null
           where c.thumbnail = 'failed' and ($errorClass = '' or c.thumbnail_error_class = $errorClass)
             and ${HAS_STUDY} and ${IS_UNLOCKED("c.series_no")}`,
        )
        .run({ ids: JSON.stringify(studyIds), errorClass }).changes,
  )
}
