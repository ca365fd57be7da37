// Conditions that several statements on series share.

/** A series under a lock that has no end is left alone, until the lock was released. */
export const IS_UNLOCKED = (seriesNo: string) =>
  `not exists (select 1 from cod_locks l where l.series_no = ${seriesNo} and l.ended_at is null)`

/** Whether a series `c` is among those that are meant, by the studies that have files in it: `$ids`, none of which means all. */
export const HAS_STUDY = `($ids = '[]' or exists (select 1 from cod_instances i where i.series_no = c.series_no
  and i.study_id in (select value from json_each($ids))))`
