import type { Ledger } from "./open.ts"

/** What there is to copy. */
export interface Work {
  readonly studies: number
  /** Objects that would be tried. What a listing of the origin would add is not known before it is made. */
  readonly objects: number
  /** Of the images whose size the database knows. */
  readonly expected_bytes: number
  /** Images whose size it does not know. */
  readonly unknown_sizes: number
}

/** What a copy of these studies would find to do now, or one of all studies. Reads every object of what is due. */
export function dueWork(ledger: Ledger, studyIds?: readonly string[]): Work {
  const among = studyIds === undefined ? "" : "and study_id in (select value from json_each($ids))"
  return ledger.db
    .query<Work, { ids: string }>(
      `with s as (select study_id from studies where due = 1 ${among})
       select (select count(*) from s) as studies, count(*) as objects,
         coalesce(sum(o.expected_size), 0) as expected_bytes,
         count(*) filter (where o.kind = 'dicom' and o.expected_size is null) as unknown_sizes
       from s join objects o using (study_id)
       where o.state = 'pending' or (o.state in ('failed', 'missing') and o.verdict <> 'give-up')`,
    )
    .get({ ids: JSON.stringify(studyIds ?? []) })!
}

export interface Throughput {
  readonly objectsPerSecond: number
  readonly bytesPerSecond: number
}

/** So many runs back it is looked: the line and the box may have been others before. */
const RUNS = 5

/** What the last runs that sent anything made of their time, all together; undefined before the first. */
export function lastThroughput(ledger: Ledger): Throughput | undefined {
  return (
    ledger.db
      .query<Throughput, { runs: number }>(
        `select total(objects) / total(seconds) as objectsPerSecond, total(bytes) / total(seconds) as bytesPerSecond
         from (
           select counts ->> 'seconds' as seconds, counts ->> 'bytes' as bytes,
             (counts ->> 'dicom_files_uploaded') + (counts ->> 'reports_uploaded') + (counts ->> 'metadata_uploaded')
               as objects
           from runs where counts ->> 'seconds' > 0 and counts ->> 'bytes' > 0 order by run_id desc limit $runs
         )
         having count(*) > 0`,
      )
      .get({ runs: RUNS }) ?? undefined
  )
}
