-- What the page shows beside what ledger-fill.sql made, in the same connection: three years of nights, every complete
-- study's series packed, and as many failures as a very bad night leaves.

-- One image each, in a series of its own.
insert into cod_datastore (only, uri) values (1, 'gs://copies/cod/dicomweb');

insert into cod_series (series_no, series_uid, study_uid, state, tar_generation, metadata_generation, packed_at, thumbnail)
select n, '1.2.826.0.1.' || n || '.1', '1.2.826.0.1.' || n, 'packed', '1767236400000002', '1767236400000003',
  '2026-01-01T03:00:01.000Z', 'made'
from ids where n % 10 order by n;

update objects set series_no = ids.n, sop_instance_uid = '1.2.826.0.1.' || ids.n || '.1.1',
  transfer_syntax = '1.2.840.10008.1.2.4.70', frames = 1
from ids where ids.study_id = objects.study_id and position = 2 and ids.n % 10;

insert into cod_instances (series_no, study_id, position, result, crc32c, start_byte)
select n, study_id, 2, 'new', 'AAAAAA==', 1536 from ids where n % 10 order by n;

-- Of those that wait, one in five has failed in one way or another.
update objects set state = 'failed', verdict = 'retry', tries = 3, error_class = 'Unavailable',
  error_message = 'read s3://origin/' || path || ': 503 SlowDown Please reduce your request rate.',
  next_try_at = '2026-03-01T03:00:00.000Z'
where position = 1 and study_id in (select study_id from ids where n % 100 = 30);

update objects set state = 'missing', verdict = 'missing', tries = 1, error_class = 'NotFound',
  error_message = 'read s3://origin/' || path || ': 404 NoSuchKey The specified key does not exist.',
  missing_since = '2026-03-01T02:00:00.000Z'
where position = 2 and study_id in (select study_id from ids where n % 100 = 50);

update objects set state = 'failed', verdict = 'give-up', tries = 1, error_class = 'DestinationConflict',
  error_message = 'something else stands at the destination, and it is not ours'
where position = 0 and study_id in (select study_id from ids where n % 1000 = 70);

update objects set header_error = 'not a DICOM file: no DICM prefix after 128 bytes', series_no = null
where position = 2 and study_id in (select study_id from ids where n % 1000 = 1);

update cod_series set state = 'failed', verdict = 'retry', tries = 2, error_class = 'Unavailable', error_message = 'HTTP 503'
where series_no % 1000 = 2;

update cod_series set thumbnail = 'failed', thumbnail_error_class = 'UndecodableFrame',
  thumbnail_error_message = 'the first frame cannot be decoded'
where series_no % 1000 = 3;

update cod_instances set result = 'conflict', verdict = 'give-up', error_class = 'InstanceConflict',
  error_message = 'the series has other bytes of this instance'
where series_no % 1000 = 4;

-- Three years of nights; the last one is this moment's.
create temp table nights as
with recursive n(n) as (select 0 union all select n + 1 from n where n < 1094)
select n, strftime('%Y-%m-%dT02:00:00.000Z', 'now', (n - 1095) || ' days') as at from n;

insert into runs (script, arguments, version, host, boot_id, pid, process_start, started_at, ended_at, outcome, counts)
select 'run', '[]', '0.1.0', 'box', 'boot', 4711, '1', at, strftime('%Y-%m-%dT%H:%M:%fZ', at, (1800 + n % 7 * 900) || ' seconds'),
  iif(n % 20, 'done', 'failed'), json_object('studies', 900 + n % 100, 'copied', 2700 + n % 300, 'failed', iif(n % 20, 0, 3))
from nights order by n;

insert into schedule (scheduler_run, reason, due_at, fired_at, did, job_run, ended_at, outcome)
select 1, 'due', at, at, 'run', run_id, ended_at, outcome from nights join runs on started_at = at order by n;

insert into hourly (hour, copied, adopted, failed, bytes, completed)
select strftime('%Y-%m-%dT%H', at, h || ' hours'), 900, 0, n % 3, 900 * 12000000, 300
from nights cross join (select 0 as h union all select 1 union all select 2);

insert into minutes (minute, copied, adopted, failed, bytes, completed)
select strftime('%Y-%m-%dT%H:%M', 'now', -n || ' minutes'), 15 + n % 7, 0, 0, (15 + n % 7) * 12000000, 5
from ids where n <= 1440 and true
on conflict do nothing;

insert into daily_attempts (day, outcome, error_class, attempts, bytes)
select substr(at, 1, 10), outcome, error_class, attempts, attempts * 12000000
from nights cross join (select 'copied' as outcome, '' as error_class, 2700 as attempts
  union all select 'failed', 'Unavailable', 12 union all select 'failed', 'NotFound', 1);

-- A discovery each night, of a ranking with two hundred doctors.
insert into cohorts (run_id, decided_at, rules_hash, parameters, funnel, counts)
select runs.run_id, at, rules_hash, first.parameters, first.funnel, '{"new":900,"eligible":1000000}'
from nights join runs on started_at = at cross join (select * from cohorts where cohort_id = 1) as first order by n;

insert into doctors (cohort_id, rank, user_id, studies, chosen)
select cohort_id, n, printf('0d0c0000-0000-4000-8000-%012x', (n + iif(n > 100, cohort_id % 2, 0))), 1000000 / n, n between 2 and 6
from cohorts cross join (select n from ids where n <= 200) where cohort_id > 1;

insert into standings (study_id, cohort_id, at, standing)
select study_id, (select max(cohort_id) from cohorts), '2026-03-01T02:00:00.000Z', 'eligible' from ids where n % 1000 = 5;

-- Some take long; four are at work, and three series hang.
update studies set seconds = 10 + n % 900 from ids
where ids.study_id = studies.study_id and n % 100 = 7;

insert into claims (study_id, token, run_id, acquired_at, expires_at)
select study_id, 't' || n, 1, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '1 hour')
from ids where n % 10 = 0 and n <= 40;

insert into cod_locks (token, series_no, series_uri, names, run_id, intended_at, generations, acquired_at, hanging_since,
  hanging_why, ended_at, ended)
select 'l' || n, n, 'gs://copies/cod/dicomweb/studies/1.2.826.0.1.' || n || '/series/1.2.826.0.1.' || n || '.1',
  '[".cod.lock",".gradient.lock"]', 1, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), '{".cod.lock":"17"}',
  strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), iif(n < 4, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), null),
  iif(n < 4, 'TarDisagreesError: tar and metadata disagree', null),
  iif(n < 8, null, strftime('%Y-%m-%dT%H:%M:%fZ', 'now')), iif(n < 8, null, 'released')
from ids where n <= 7000 and n % 10;

insert into actions (at, who, address, action, target, queued)
select at, 'etl', '127.0.0.1', 'retry', '{"verdict":"give-up","error_class":"DestinationConflict"}', 7 from nights where n % 10 = 0;

delete from totals;
insert into totals (name, count, bytes)
select 'studies.eligible', count(*), 0 from studies
union all select 'complete', count(*), 0 from studies where completed_at is not null
union all select 'due', count(*), 0 from studies where due = 1
union all select 'series.' || state, count(*), 0 from cod_series group by state
union all select 'instances.' || result, count(*), 0 from cod_instances group by result
union all select 'objects.' || state, count(*), coalesce(sum(size), 0) from objects group by state;
