-- The ledger: what has been seen, tried and done. One SQLite file, read by hand with the sqlite3 CLI.
-- Times are ISO 8601 in UTC with milliseconds, so that they compare as text. Sizes are bytes.
-- Nothing personal is stored: ids, counts, sizes, hashes and error texts without contents.

-- One row: which ledger this is. Its id is part of the custom metadata of every object that we create.
create table ledger (
  ledger_id   text not null,
  created_at  text not null
) strict;

-- Every start of every script.
create table runs (
  run_id         integer primary key,
  script         text not null,
  arguments      text not null,                 -- JSON array
  version        text not null,
  host           text not null,
  boot_id        text not null,
  pid            integer not null,
  process_start  text not null,
  started_at     text not null,
  ended_at       text,
  outcome        text check (outcome in ('done', 'failed', 'stopped', 'crashed')),
  counts         text                           -- JSON object, what the script reported
) strict;

create index runs_open on runs (run_id) where ended_at is null;

-- The text of the eligibility rules, once per version of the text.
create table rules (
  rules_hash  text primary key,
  rules_text  text not null
) strict, without rowid;

-- What one discovery decided, so that a dataset can be reproduced and two nights compared.
create table cohorts (
  cohort_id   integer primary key,
  run_id      integer not null references runs (run_id),
  decided_at  text not null,
  rules_hash  text not null references rules (rules_hash),
  parameters  text not null,                    -- JSON object: ranks, tolerated modalities, limit or ids
  funnel      text not null,                    -- JSON array of {rule, studies}
  counts      text                              -- JSON object; NULL until the discovery has read all it wanted
) strict;

-- The ranking of a cohort: every ranked doctor, chosen or not. A doctor is a user of the PACS.
create table doctors (
  cohort_id  integer not null references cohorts (cohort_id),
  rank       integer not null,
  user_id    text not null,
  studies    integer not null,                  -- signed chest studies
  chosen     integer not null check (chosen in (0, 1)),
  primary key (cohort_id, rank)
) strict, without rowid;

-- One row per study ever discovered.
create table studies (
  study_id            text primary key,
  organization_id     text not null,
  dicom_study_uid     text,
  modalities          text,
  doctor_rank         integer,                  -- best rank among the doctors that made it eligible
  newest_signed_at    text,                     -- of its eligible reports; copied newest first
  source_hash         text not null,            -- of the source rows: a change is noticed
  lists_origin        integer not null check (lists_origin in (0, 1)),  -- 1: no image rows, files come from a listing
  standing            text not null check (standing in ('eligible', 'out_of_cohort', 'withdrawn')),
  standing_reason     text,                     -- the first rule that fails, NULL while eligible
  cohort_id           integer not null references cohorts (cohort_id),  -- that planned it, by the doctors it chose
  first_seen_at       text not null,
  last_seen_at        text not null,
  begun_at            text,                     -- first claim; what has begun is finished although the ranking moved
  due                 integer not null check (due in (0, 1)),  -- 1: a copy would find something to do
  tried_run           integer references runs (run_id),        -- the last run that claimed it
  seconds             real not null default 0,  -- held by copies, over all of them
  completed_at        text,                     -- all objects at the destination and the receipt written
  receipt_stale       integer not null default 1 check (receipt_stale in (0, 1)),
  receipt_intent      text,                     -- hash of the receipt that is being written
  receipt_hash        text,                     -- of the receipt that stands at the destination
  receipt_generation  text,
  verdict             text check (verdict in ('retry', 'give-up')),  -- of a failure of the study as a whole
  error_class         text,
  error_message       text,
  next_try_at         text
) strict;

create index studies_due on studies (tried_run, newest_signed_at desc, study_id) where due = 1;
create index studies_by_destination on studies (organization_id, study_id);
create index studies_failed on studies (study_id) where verdict is not null;

-- How a study's standing moved, one row per change.
create table standings (
  study_id   text not null references studies (study_id),
  cohort_id  integer not null references cohorts (cohort_id),
  at         text not null,
  standing   text not null,
  reason     text,
  primary key (study_id, cohort_id)
) strict, without rowid;

-- One row per thing to copy. Its key at the destination is {organization_id}/{study_id}/{path}.
create table objects (
  study_id          text not null references studies (study_id),
  position          integer not null,           -- order within the study, never reused
  kind              text not null check (kind in ('metadata', 'report', 'dicom')),
  path              text not null,
  source            text,                       -- as the PACS names it; NULL: the origin's key equals ours
  source_id         text,                       -- report id or image id
  series_id         text,
  expected_size     integer,                    -- as the PACS says, a hint only
  source_hash       text not null,              -- of the source row that this was queued for
  state             text not null check (state in ('pending', 'copied', 'failed', 'missing', 'retired')),
  verdict           text check (verdict in ('retry', 'missing', 'give-up')),
  tries             integer not null default 0,
  forced            integer not null default 0 check (forced in (0, 1)),  -- the operator asked for it again
  size              integer,                    -- from here: what stands at the destination, as far as we put it there
  crc32c            text,
  generation        text,
  source_etag       text,
  copied_at         text,
  wrong_generation  text,                       -- wrong bytes that we could not delete stand under this generation
  missing_since     text,
  next_try_at       text,
  error_class       text,
  error_message     text,
  warning           text,
  primary key (study_id, position)
) strict, without rowid;

create index objects_in_trouble on objects (state, verdict, study_id, position)
  where state in ('failed', 'missing') or wrong_generation is not null or warning is not null;

-- One row per try: the intent when it is inserted, the result when ended_at is set.
create table copy_attempts (
  study_id       text not null,
  position       integer not null,
  try            integer not null,
  run_id         integer not null references runs (run_id),
  started_at     text not null,
  ended_at       text,
  outcome        text check (outcome in ('copied', 'adopted', 'unchanged', 'failed', 'missing', 'interrupted')),
  bytes          integer,                       -- sent to the destination
  error_class    text,
  error_message  text,
  primary key (study_id, position, try),
  foreign key (study_id, position) references objects (study_id, position)
) strict, without rowid;

-- Who works on what right now. A claim is a lease; its owner is the run's process.
create table claims (
  study_id     text primary key references studies (study_id),
  token        text not null,
  run_id       integer not null references runs (run_id),
  acquired_at  text not null,
  expires_at   text not null
) strict, without rowid;

-- Totals that people ask for all the time, changed in the transaction that changes the rows.
create table totals (
  name   text primary key,
  count  integer not null,
  bytes  integer not null
) strict, without rowid;

-- What was moved in each hour.
create table hourly (
  hour       text primary key,                  -- 2026-03-01T02
  copied     integer not null default 0,
  adopted    integer not null default 0,
  failed     integer not null default 0,
  bytes      integer not null default 0         -- sent to the destination
) strict, without rowid;
