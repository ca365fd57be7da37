import type { Ledger } from "../open.ts"
import type { SeriesUids } from "./series.ts"

/** A file that is packed, and that the database lists no longer. */
export interface RetiredFile {
  readonly studyId: string
  readonly path: string
  readonly instanceUid: string
}

/** Retired files of a series whose instance no other file stands for, in the order of studies and positions. */
export function retiredFiles(ledger: Ledger, { studyUid, seriesUid }: SeriesUids): RetiredFile[] {
  return ledger.db
    .query<RetiredFile, Record<string, string>>(
      `select o.study_id as studyId, o.path, o.sop_instance_uid as instanceUid
       from cod_series c join cod_instances i using (series_no) join objects o using (study_id, position)
       where c.series_uid = $seriesUid and c.study_uid = $studyUid and o.series_no = c.series_no
         and o.state = 'retired' and i.result in ('new', 'same')
         and not exists (select 1 from cod_instances j join objects p using (study_id, position)
           where j.series_no = c.series_no and p.series_no = c.series_no and p.state <> 'retired'
             and p.sop_instance_uid = o.sop_instance_uid)
       order by o.study_id, o.position`,
    )
    .all({ studyUid, seriesUid })
}
