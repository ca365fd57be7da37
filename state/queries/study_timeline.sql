-- What happened to one study, oldest first? Set its id before:
--   sqlite3 state/ledger.sqlite -cmd ".param set :study '1b4e28ba-2fa1-4d2e-883f-0016d3cca427'" < state/queries/study_timeline.sql
select at, what, detail
from study_timeline
where study_id = :study
order by at;
