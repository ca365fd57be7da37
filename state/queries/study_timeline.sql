-- What happened to one study, oldest first? Set the id before:
--   sqlite3 state/ledger.sqlite -cmd ".param set :study '1b4e28ba-2fa1-4d2e-883f-0016d3cca427'" < state/queries/study_timeline.sql
-- Without an id: the study that was discovered last.
select at, what, detail
from study_timeline
where study_id = coalesce(:study, (select study_id from studies order by first_seen_at desc, study_id limit 1))
order by at;
