import type { Ledger } from "../open.ts"
import { confirmSeries, type LedgerSeries, seriesByNo } from "./series.ts"

/** Series that were packed, as the ledger knows them, and what stands of them. */

/** All of them. Read in pages: a statement left open over other writes would hold its snapshot and be refused them. */
export function* packedSeries(ledger: Ledger): Generator<LedgerSeries, void, void> {
  const page = ledger.db.query<{ seriesNo: number }, { after: number }>(
    `select series_no as seriesNo from cod_series
     where metadata_generation is not null and series_no > $after order by series_no limit 500`,
  )
  for (let after = 0; ; ) {
    const found = page.all({ after })
    for (const { seriesNo } of found) yield seriesByNo(ledger, seriesNo)!
    const last = found.at(-1)
    if (last === undefined) return
    after = last.seriesNo
  }
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

/** Whether somebody packs it just now. */
export function isSeriesHeld(ledger: Ledger, seriesNo: number): boolean {
  const held = ledger.db
    .query("select 1 from cod_claims where series_no = $seriesNo and expires_at > $now")
    .get({ seriesNo, now: ledger.now() })
  return held !== null
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
