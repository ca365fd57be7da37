-- What must be done by one process at a time, and what the scheduler did.

-- Renewed for as long as the run's process lives, so that one of another boot or host is not taken for alive forever.
-- NULL: begun by a program that did not renew it yet.
alter table runs add column alive_until text;

create index runs_by_script on runs (script, run_id);

-- At most one row: whose discovery may write now. One of an older snapshot must not undo what a newer one recorded.
create table discovering (
  only         integer primary key check (only = 1),
  run_id       integer not null references runs (run_id),
  acquired_at  text not null
) strict;

-- One row per firing of the schedule, also of those that did not begin a run.
create table schedule (
  firing_id      integer primary key,
  scheduler_run  integer not null references runs (run_id),
  reason         text not null check (reason in ('due', 'missed', 'cut off', 'asked', 'left over')),
  due_at         text not null,
  fired_at       text not null,
  did            text not null check (did in ('run', 'discover', 'nothing')),
  during_run     integer references runs (run_id),  -- the run that lasted, so that no second one was begun
  job_run        integer references runs (run_id),  -- what was begun; NULL when it did not come to it
  ended_at       text,
  outcome        text check (outcome in ('done', 'failed', 'stopped')),
  error_class    text,
  error_message  text
) strict;

create view recent_firings as
select s.due_at,
       s.fired_at,
       case s.reason
         when 'due' then 'on time'
         when 'missed' then 'catch-up: nothing ran when it was due'
         when 'cut off' then 'catch-up: its run was cut off'
         when 'asked' then 'asked for by --once'
         else 'the run before had ended too early for what was discovered'
       end as why,
       case s.did
         when 'run' then 'run' || coalesce(' ' || s.job_run, '')
         when 'discover' then 'discovery' || coalesce(' ' || s.job_run, '') || ', for run'
           || coalesce(' ' || s.during_run, '') || ' was under way'
         else 'nothing, for a run and a discovery were under way'
       end as did,
       case
         when s.outcome is not null then s.outcome
         when s.did = 'nothing' then 'skipped'
         when coalesce(j.outcome, r.outcome) is not null then coalesce(j.outcome, r.outcome)
         else 'under way'
       end as outcome,
       coalesce(s.error_class || ': ' || s.error_message, '') as error
from schedule s
join runs r on r.run_id = s.scheduler_run
left join runs j on j.run_id = s.job_run
order by s.firing_id desc
limit 50;
