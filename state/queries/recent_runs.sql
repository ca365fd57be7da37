-- What ran lately, for how long, and how did it end?
select run_id, script, started_at, duration, outcome, counts from recent_runs limit 20;
