-- Failures are looked at, and asked for again, class by class: how many there are, and which, is read from these alone.
-- The state is in it although it is in its condition: SQLite would look it up in the table else.
create index objects_failed on objects (verdict, error_class, study_id, position, state)
  where state in ('failed', 'missing');

drop index studies_failed;
create index studies_failed on studies (verdict, error_class, study_id) where verdict is not null;

drop index cod_instances_in_trouble;
create index cod_instances_in_trouble
  on cod_instances (coalesce(verdict, 'give-up'), error_class, study_id, position, series_no)
  where result in ('conflict', 'error');

drop index cod_series_failed;
create index cod_series_failed on cod_series (verdict, error_class, series_no) where state = 'failed';

drop index cod_series_not_drawn;
create index cod_series_not_drawn on cod_series (thumbnail_error_class, series_no) where thumbnail = 'failed';
