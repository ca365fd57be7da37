-- Tries that ended more than 90 days ago are folded: how many there were on each day, how they ended, what they sent.
-- Their objects still tell how often they were tried and when they were copied.
create table daily_attempts (
  day          text not null,                   -- 2026-03-01, UTC, on which they ended
  outcome      text not null,
  error_class  text not null,                   -- '' where there was no error
  attempts     integer not null,
  bytes        integer not null,                -- sent to the destination
  primary key (day, outcome, error_class)
) strict, without rowid;

-- Every try that ended before this day is folded.
alter table ledger add column folded_before text;

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
  select study_id, completed_at, 'complete', 'receipt written under generation ' || coalesce(receipt_generation, '?')
  from studies where completed_at is not null
);
