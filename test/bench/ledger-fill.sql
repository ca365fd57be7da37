-- A ledger for the benchmark of it, of as many studies as the table wanted says, three objects each. Nine of ten are
-- complete; the tries of one in ten are still told one by one. Ids are spread over the key space as random ones are, and
-- rows are inserted in the order of their keys.
create temp table ids as
with recursive n(n) as (select 1 union all select n + 1 from n, wanted where n < wanted.studies)
select n, printf('%08x-%04x-4%03x-8%03x-%012x', n * 2654435761 & 0xffffffff, n & 0xffff, n & 0xfff, n & 0xfff, n) as study_id
from n order by 2;

insert into studies
  (study_id, organization_id, dicom_study_uid, modalities, doctor_rank, newest_signed_at, source_hash, lists_origin,
   standing, cohort_id, first_seen_at, last_seen_at, begun_at, due, tried_run, seconds, completed_at, receipt_stale,
   receipt_hash, receipt_generation)
select study_id, printf('7f1c3a52-9b0e-4f6e-8f43-%012x', n % 49), '1.2.826.0.1.' || n, 'CR', n % 9 + 2,
  strftime('%Y-%m-%dT%H:%M:%f+00:00', '2024-01-01', n || ' minutes'), printf('%016x', n), 0,
  'eligible', 1, '2026-01-01T02:00:00.000Z', '2026-03-01T02:00:00.000Z',
  iif(n % 10, '2026-01-01T02:00:00.000Z', null), iif(n % 10, 0, 1), iif(n % 10, 1, null), 1.5,
  iif(n % 10, '2026-01-01T03:00:00.000Z', null), iif(n % 10, 0, 1),
  iif(n % 10, printf('%032x', n), null), iif(n % 10, '1767236400000001', null)
from ids;

insert into standings (study_id, cohort_id, at, standing)
select study_id, 1, '2026-01-01T02:00:00.000Z', 'eligible' from ids;

insert into objects
  (study_id, position, kind, path, source_id, series_id, expected_size, source_hash, state, tries, size, crc32c,
   generation, source_etag, copied_at)
select study_id, position,
  case position when 0 then 'metadata' when 1 then 'report' else 'dicom' end,
  case position when 0 then 'metadata.json' when 1 then 'reports/' || study_id || '.txt'
    else 'dicom_files/' || study_id || '/0001_' || study_id || '.dcm' end,
  iif(position > 0, study_id, null), iif(position = 2, study_id, null), iif(position = 2, 12000000 + n, null),
  printf('%016x', n), iif(n % 10, 'copied', 'pending'), iif(n % 10, 1, 0), iif(n % 10, 12000000 + n, null),
  iif(n % 10, 'AAAAAA==', null), iif(n % 10, '1767236400000001', null), iif(n % 10, printf('%032x', n), null),
  iif(n % 10, '2026-01-01T03:00:00.000Z', null)
from ids cross join (select 0 as position union all select 1 union all select 2);

-- One in a thousand of those that wait has failed before.
update objects set state = 'failed', verdict = 'retry', tries = 1, error_class = 'Unavailable', error_message = 'HTTP 503',
  next_try_at = '2026-03-01T03:00:00.000Z'
where position = 2 and study_id in (select study_id from ids where n % 1000 = 0);

insert into copy_attempts (study_id, position, try, run_id, started_at, ended_at, outcome, bytes)
select study_id, position, 1, 1, '2026-01-01T02:59:59.000Z', '2026-01-01T03:00:00.000Z', 'copied', size
from ids cross join objects using (study_id) where n % 10 = 1;

insert into totals (name, count, bytes)
select 'studies.eligible', count(*), 0 from studies
union all select 'complete', count(*), 0 from studies where completed_at is not null
union all select 'due', count(*), 0 from studies where due = 1
union all select 'objects.' || state, count(*), coalesce(sum(size), 0) from objects group by state;
