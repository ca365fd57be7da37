-- What came of the thumbnail of a series as it is packed now. NULL: nobody has made one yet, a later ingest does;
-- due: the next run makes it, for somebody asked for it again, or what kept it from being made passes by itself.
alter table cod_series add column thumbnail text check (thumbnail in ('made', 'failed', 'nothing to show', 'due'));
alter table cod_series add column thumbnail_error_class text;
alter table cod_series add column thumbnail_error_message text;

create index cod_series_undrawn on cod_series (series_no) where state = 'packed' and thumbnail is null;
create index cod_series_drawn_again on cod_series (series_no) where state = 'packed' and thumbnail = 'due';
create index cod_series_not_drawn on cod_series (thumbnail_error_class, series_no) where thumbnail = 'failed';

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
  union all
  select 'give-up', c.thumbnail_error_class, (select min(study_id) from cod_instances i where i.series_no = c.series_no),
         'studies/' || c.study_uid || '/series/' || c.series_uid, null, null, c.thumbnail_error_message,
         'the series is packed, its thumbnail is missing; mend the cause, then: bun run ingest '
           || (select min(study_id) from cod_instances i where i.series_no = c.series_no) || ' --retry-failed'
  from cod_series c indexed by cod_series_not_drawn
  where c.thumbnail = 'failed'
);
