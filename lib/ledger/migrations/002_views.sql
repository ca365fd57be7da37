-- Views for people: plain words, human units, answered at once on a ledger of a million studies.
-- Nothing here is newer than SQLite 3.40.

create view progress as
with t as (select name, count, bytes from totals),
     n(name, count, bytes) as (
       select 'studies', coalesce(sum(count), 0), 0 from t where name like 'studies.%'
       union all
       select 'objects', coalesce(sum(count), 0), 0 from t where name like 'objects.%' and name <> 'objects.retired'
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
  union all select 10, 'studies claimed now', (select count(*) from claims), null, null
)
order by line;

create view failures as
select verdict,
       error_class,
       study_id,
       path,
       tries,
       next_try_at,
       error_message,
       case verdict
         when 'retry' then 'tried again by the next run'
         when 'missing' then 'looked for again by every run for 30 days after ' || missing_since
         else 'mend the cause, then: bun run copy ' || study_id || ' --retry-failed'
       end as what_next
from (
  select o.verdict, o.error_class, o.study_id, s.organization_id || '/' || o.study_id || '/' || o.path as path,
         o.tries, o.next_try_at, o.error_message, o.missing_since
  from objects o join studies s using (study_id)
  where o.state in ('failed', 'missing')
  union all
  select verdict, error_class, study_id, organization_id || '/' || study_id || '/', null, next_try_at, error_message, null
  from studies where verdict is not null
);

create view throughput as
select hour || ':00Z' as hour,
       copied,
       adopted,
       failed,
       printf('%.1f MB', bytes / 1e6) as sent,
       printf('%.2f MB/s', bytes / 1e6 / 3600) as mean_rate
from hourly
order by hour desc;

create view recent_runs as
select run_id,
       script,
       arguments,
       started_at,
       case when ended_at is null then 'running'
            else printf('%.1f s', (julianday(ended_at) - julianday(started_at)) * 86400) end as duration,
       coalesce(outcome, 'running on ' || host || ', pid ' || pid) as outcome,
       counts
from runs
order by run_id desc
limit 50;

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
  select study_id, completed_at, 'complete', 'receipt written under generation ' || coalesce(receipt_generation, '?')
  from studies where completed_at is not null
);
