-- What is packed as Cloud Optimized DICOM: every DICOM series one object of a datastore.

-- At most one row, from the first packing on: where the series go, and how their UIDs become paths.
create table cod_datastore (
  only      integer primary key check (only = 1),
  uri       text not null,
  uid_hash  text                                 -- fingerprint of the key of hashed UIDs, NULL: UIDs as they are
) strict;

-- One row per DICOM series that any file's header told of. UIDs as they stand there, also where paths hash them.
create table cod_series (
  series_no            integer primary key,
  series_uid           text not null,
  study_uid            text not null,
  state                text not null check (state in ('waiting', 'packed', 'failed')),
  tar_generation       text,                     -- from here: as it was packed last
  metadata_generation  text,
  packed_at            text,
  confirmed_at         text,                     -- a later run found it as it was packed
  tries                integer not null default 0,
  verdict              text check (verdict in ('retry', 'give-up')),  -- of a failure of the series as a whole
  error_class          text,
  error_message        text,
  next_try_at          text,
  unique (series_uid, study_uid)
) strict;

create index cod_series_failed on cod_series (series_no) where state = 'failed';
create index cod_series_unconfirmed on cod_series (series_no) where state = 'packed' and confirmed_at is null;

-- What the header of the file at the destination says. A file that is copied anew is read anew.
alter table objects add column sop_instance_uid text;
alter table objects add column transfer_syntax text;
alter table objects add column frames integer;
alter table objects add column series_no integer references cod_series (series_no);
alter table objects add column header_error text;      -- why the header could not be read: it belongs to no series
-- 1: copied, and what the datastore makes of these bytes is not known yet.
alter table objects add column to_pack integer not null default 0 check (to_pack in (0, 1));
-- The raw copy was deleted on request; its bytes are in the tar of its series.
alter table objects add column copy_deleted_at text;
-- It is about to be: nobody heard yet whether it is gone.
alter table objects add column copy_deleting_since text;

update objects set to_pack = 1 where kind = 'dicom' and state = 'copied';

create index objects_to_pack on objects (study_id, position) where to_pack = 1;
create index objects_being_deleted on objects (series_no) where copy_deleting_since is not null;
create index objects_without_series on objects (study_id, position) where header_error is not null;

-- One row per file and series: what became of it there.
create table cod_instances (
  series_no      integer not null references cod_series (series_no),
  study_id       text not null,
  position       integer not null,
  result         text check (result in ('new', 'same', 'conflict', 'error')),  -- NULL: it waits
  crc32c         text,                           -- of the bytes that became that
  start_byte     integer,                        -- of its bytes in the tar
  verdict        text check (verdict in ('retry', 'give-up')),  -- of an error or a conflict
  error_class    text,
  error_message  text,
  primary key (series_no, study_id, position),
  foreign key (study_id, position) references objects (study_id, position)
) strict, without rowid;

create index cod_instances_in_trouble on cod_instances (series_no, study_id, position)
  where result in ('conflict', 'error');

-- Who packs what right now, as claims for studies.
create table cod_claims (
  series_no    integer primary key references cod_series (series_no),
  token        text not null,
  run_id       integer not null references runs (run_id),
  acquired_at  text not null,
  expires_at   text not null
) strict;

-- Every lock that was taken in the datastore: the intent when it is inserted, generations when its objects stand.
-- Those that ended more than a week ago are removed.
create table cod_locks (
  token          text primary key,               -- in the custom metadata of each of its objects
  series_no      integer not null references cod_series (series_no),
  series_uri     text not null,
  names          text not null,                  -- JSON array, in the order of taking
  run_id         integer not null references runs (run_id),
  intended_at    text not null,
  generations    text,                           -- JSON object, by name; NULL: nobody heard whether it was created
  acquired_at    text,
  hanging_since  text,                           -- left standing on purpose, until a person has looked
  hanging_why    text,
  ended_at       text,
  ended          text check (ended in ('released', 'never created', 'gone', 'released by hand')),
  ended_why      text                            -- of a person
) strict, without rowid;

create index cod_locks_open on cod_locks (series_no) where ended_at is null;
create index cod_locks_ended on cod_locks (ended_at) where ended_at is not null;

create view hanging_locks as
select l.series_uri,
       l.hanging_since,
       l.hanging_why as why,
       l.generations,
       s.study_uid,
       s.series_uid,
       l.run_id,
       'look: bun run cod check ' || l.series_uri || '; then: bun run locks release ' || l.series_uri
         || ' --why TEXT; and if something was found: bun run cod repair ' || l.series_uri as what_next
from cod_locks l join cod_series s using (series_no)
where l.ended_at is null and l.hanging_since is not null;

drop view progress;

create view progress as
with t as (select name, count, bytes from totals),
     n(name, count) as (
       select 'studies', coalesce(sum(count), 0) from t where name like 'studies.%'
       union all
       select 'objects', coalesce(sum(count), 0) from t where name like 'objects.%' and name <> 'objects.retired'
       union all
       select 'series', coalesce(sum(count), 0) from t where name like 'series.%'
     )
select item,
       count,
       total as "of",
       case when total > 0 then printf('%.1f %%', 100.0 * count / total) else '' end as percent,
       case
         when bytes is null then ''
         when bytes >= 1000000000000 then printf('%.2f TB', bytes / 1e12)
         when bytes >= 1000000000 then printf('%.2f GB', bytes / 1e9)
         when bytes >= 1000000 then printf('%.1f MB', bytes / 1e6)
         else printf('%.1f kB', bytes / 1e3)
       end as size
from (
  select 1 as line, 'studies complete' as item, coalesce((select count from t where name = 'complete'), 0) as count,
         (select count from n where name = 'studies') as total, null as bytes
  union all select 2, 'studies eligible', coalesce((select count from t where name = 'studies.eligible'), 0), (select count from n where name = 'studies'), null
  union all select 3, 'studies out of cohort', coalesce((select count from t where name = 'studies.out_of_cohort'), 0), (select count from n where name = 'studies'), null
  union all select 4, 'studies withdrawn', coalesce((select count from t where name = 'studies.withdrawn'), 0), (select count from n where name = 'studies'), null
  union all select 5, 'objects copied', coalesce((select count from t where name = 'objects.copied'), 0), (select count from n where name = 'objects'), coalesce((select bytes from t where name = 'objects.copied'), 0)
  union all select 6, 'objects waiting', coalesce((select count from t where name = 'objects.pending'), 0), (select count from n where name = 'objects'), null
  union all select 7, 'objects failed', coalesce((select count from t where name = 'objects.failed'), 0), (select count from n where name = 'objects'), null
  union all select 8, 'objects missing at the origin', coalesce((select count from t where name = 'objects.missing'), 0), (select count from n where name = 'objects'), null
  union all select 9, 'objects retired', coalesce((select count from t where name = 'objects.retired'), 0), null, null
  union all select 10, 'series packed', coalesce((select count from t where name = 'series.packed'), 0), (select count from n where name = 'series'), null
  union all select 11, 'series waiting', coalesce((select count from t where name = 'series.waiting'), 0), (select count from n where name = 'series'), null
  union all select 12, 'series failed', coalesce((select count from t where name = 'series.failed'), 0), (select count from n where name = 'series'), null
  union all select 13, 'images in conflict with their series', coalesce((select count from t where name = 'instances.conflict'), 0), null, null
  union all select 14, 'studies claimed now', (select count(*) from claims), null, null
)
order by line;

drop view failures;

create view failures as
select verdict,
       error_class,
       study_id,
       path,
       tries,
       next_try_at,
       error_message,
       what_next
from (
  select o.verdict, o.error_class, o.study_id, s.organization_id || '/' || o.study_id || '/' || o.path as path,
         o.tries, o.next_try_at, o.error_message,
         case o.verdict
           when 'retry' then 'tried again by the next run'
           when 'missing' then 'looked for again by every run for 30 days after ' || o.missing_since
           else 'mend the cause, then: bun run copy ' || o.study_id || ' --retry-failed'
         end as what_next
  from objects o join studies s using (study_id)
  where o.state in ('failed', 'missing')
  union all
  select verdict, error_class, study_id, organization_id || '/' || study_id || '/', null, next_try_at, error_message,
         case verdict
           when 'retry' then 'tried again by the next run'
           else 'mend the cause, then: bun run copy ' || study_id || ' --retry-failed'
         end
  from studies where verdict is not null
  union all
  select 'give-up', 'InvalidDicom', o.study_id, s.organization_id || '/' || o.study_id || '/' || o.path, null, null,
         o.header_error, 'no series can hold it; when the file is mended: bun run ingest ' || o.study_id || ' --retry-failed'
  from objects o indexed by objects_without_series join studies s using (study_id)
  where o.header_error is not null and o.state = 'copied'
  union all
  select coalesce(i.verdict, 'give-up'), i.error_class, i.study_id,
         s.organization_id || '/' || i.study_id || '/' || o.path, null, null, i.error_message,
         case
           when i.result = 'conflict' then 'the series keeps the other image; to take this one: bun run cod remove that one, '
             || 'then: bun run ingest ' || i.study_id || ' --retry-failed'
           when i.verdict = 'retry' then 'tried again by the next run'
           else 'mend the cause, then: bun run ingest ' || i.study_id || ' --retry-failed'
         end
  from cod_instances i indexed by cod_instances_in_trouble
  join objects o using (study_id, position) join studies s using (study_id)
  where i.result in ('conflict', 'error') and o.series_no = i.series_no and o.state = 'copied'
  union all
  select c.verdict, c.error_class, (select min(study_id) from cod_instances i where i.series_no = c.series_no),
         'studies/' || c.study_uid || '/series/' || c.series_uid, c.tries, c.next_try_at, c.error_message,
         case
           when exists (select 1 from cod_locks l where l.series_no = c.series_no and l.ended_at is null and l.hanging_since is not null)
             then 'its lock hangs: see the view hanging_locks'
           when c.verdict = 'retry' then 'tried again by the next run'
           else 'mend the cause, then: bun run ingest ' || (select min(study_id) from cod_instances i where i.series_no = c.series_no)
             || ' --retry-failed'
         end
  from cod_series c indexed by cod_series_failed
  where c.state = 'failed'
);

drop view study_timeline;

create view study_timeline as
select study_id, at, what, detail from (
  select study_id, first_seen_at as at, 'discovered' as what,
         'organization ' || organization_id || ', modalities ' || coalesce(modalities, 'none') as detail
  from studies
  union all
  select study_id, at, standing, coalesce(reason, 'cohort ' || cohort_id) from standings
  union all
  select study_id, acquired_at, 'claimed', 'by run ' || run_id || ' until ' || expires_at from claims
  union all
  select a.study_id, coalesce(a.ended_at, a.started_at), coalesce(a.outcome, 'begun'),
         o.path || ', try ' || a.try || ' of run ' || a.run_id
         || coalesce(', ' || a.bytes || ' bytes', '') || coalesce(': ' || a.error_class || ': ' || a.error_message, '')
  from copy_attempts a join objects o using (study_id, position)
  union all
  -- The try that brought it has been folded.
  select study_id, copied_at, 'copied', path || ', ' || size || ' bytes; its tries of that time are in daily_attempts'
  from objects o
  where copied_at is not null and tries > 0
    and not exists (select 1 from copy_attempts a where a.study_id = o.study_id and a.position = o.position
                    and a.outcome in ('copied', 'adopted', 'unchanged'))
  union all
  select o.study_id, s.packed_at, 'packed', o.path || ': ' || i.result || ' in series ' || s.series_uid
         || coalesce(': ' || i.error_class || ': ' || i.error_message, '')
  from objects o
  join cod_instances i on i.series_no = o.series_no and i.study_id = o.study_id and i.position = o.position
  join cod_series s on s.series_no = o.series_no
  where i.result is not null and s.packed_at is not null
  union all
  select o.study_id, o.copy_deleted_at, 'copy deleted', o.path || ': its bytes are in the tar of its series'
  from objects o where o.copy_deleted_at is not null
  union all
  select study_id, completed_at, 'complete', 'receipt written under generation ' || coalesce(receipt_generation, '?')
  from studies where completed_at is not null
);
