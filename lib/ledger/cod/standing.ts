import type { Ledger } from "../open.ts"
import { confirmSeries, type LedgerSeries, seriesInPages } from "./series.ts"

/** Series that were packed, as the ledger knows them, and what stands of them. */

/** All of them, in the order of their numbers. */
export function packedSeries(ledger: Ledger): Generator<LedgerSeries, void, void> {
  return seriesInPages(ledger, "cod_series c", "c.metadata_generation is not null")
}

/** Numbers of those that have files of a study. */
export function packedSeriesOf(ledger: Ledger, studyId: string): number[] {
  return ledger.db
    .query<{ seriesNo: number }, { studyId: string }>(
      `select distinct o.series_no as seriesNo from objects o join cod_series c using (series_no)
       where o.study_id = $studyId and c.metadata_generation is not null order by 1`,
    )
    .all({ studyId })
    .map(({ seriesNo }) => seriesNo)
}

/** Somebody else has written it since, and all that we packed is there. Belongs into a transaction. */
export function recordRewritten(
  ledger: Ledger,
  series: LedgerSeries,
  now: { readonly tarGeneration: string; readonly metadataGeneration: string },
  starts: readonly { readonly studyId: string; readonly position: number; readonly startByte: number }[],
) {
  confirmSeries(ledger, series, now)
  const update = ledger.db.query(
    `update cod_instances set start_byte = $startByte
     where series_no = $seriesNo and study_id = $studyId and position = $position`,
  )
  for (const start of starts) update.run({ ...start, seriesNo: series.seriesNo })
}
