-- How far is the packing? Series by state, what was given up, images in conflict or error, and when one was packed last.
with states(line, state) as (values (1, 'packed'), (2, 'waiting'), (3, 'failed')),
     troubled as (
       select series_no,
              count(*) filter (where result = 'conflict') as conflicts,
              count(*) filter (where result = 'error') as errors
       from cod_instances
       where result in ('conflict', 'error')
       group by series_no
     )
select state,
       count(c.series_no) as series,
       count(*) filter (where c.verdict = 'give-up') as given_up,
       coalesce(sum(t.conflicts), 0) as images_in_conflict,
       coalesce(sum(t.errors), 0) as images_in_error,
       max(c.packed_at) as last_packed
from states
left join cod_series c using (state)
left join troubled t using (series_no)
group by line
order by line;
