-- What the page shows beside what was there already, and what is done there.

-- What was moved in each minute of the last day; older ones are removed when a run starts.
create table minutes (
  minute         text primary key,              -- 2026-03-01T02:15
  copied         integer not null default 0,
  adopted        integer not null default 0,
  adopted_bytes  integer not null default 0,    -- of what was adopted: nothing of it was sent
  failed         integer not null default 0,
  bytes          integer not null default 0,    -- sent to the destination
  completed      integer not null default 0     -- studies that became complete
) strict, without rowid;

-- Studies that became complete in that hour, each time that they did.
alter table hourly add column completed integer not null default 0;
-- Since this ledger has it: of what was adopted before nobody knows the bytes by the hour.
alter table hourly add column adopted_bytes integer not null default 0;

insert into hourly (hour, completed)
select substr(completed_at, 1, 13), count(*) from studies where completed_at is not null group by 1
on conflict (hour) do update set completed = excluded.completed;

-- What people asked for on the page.
create table actions (
  action_id  integer primary key,
  at         text not null,
  who        text not null,                     -- the user of the session; local: at the box, without a login
  address    text not null,                     -- from where
  action     text not null check (action in ('retry')),
  target     text not null,                     -- JSON object: verdict and class of failures, or the id of a study
  queued     integer not null                   -- how much was queued by it
) strict;

-- In the order in which studies are looked through, with what they are filtered by.
create index studies_by_day on studies (coalesce(newest_signed_at, '') desc, study_id, doctor_rank, modalities);
create index studies_slow on studies (seconds desc) where seconds >= 10;
-- Looked at every second: few, or none, among however many failures.
create index objects_wrong on objects (study_id, position) where wrong_generation is not null;

-- Failures are looked at, and asked for again, class by class: how many there are, and which, is read from these alone.
-- The state is in it although it is in its condition: SQLite would look it up in the table else.
create index objects_failed on objects (verdict, error_class, study_id, position, state)
  where state in ('failed', 'missing');

drop index studies_failed;
create index studies_failed on studies (verdict, error_class, study_id) where verdict is not null;

drop index cod_instances_in_trouble;
create index cod_instances_in_trouble
  on cod_instances (coalesce(verdict, 'give-up'), error_class, study_id, position, series_no)
  where result in ('conflict', 'error');

drop index cod_series_failed;
create index cod_series_failed on cod_series (verdict, error_class, series_no) where state = 'failed';
