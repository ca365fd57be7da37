-- What did the scheduler do lately? Each firing: when it was due, why it fired, what it began, and how that ended.
select due_at, why, did, outcome, error from recent_firings limit 20;
