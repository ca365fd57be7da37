-- Which studies took longest? Seconds held by copies over all runs, with objects and size.
select s.study_id,
       round(s.seconds, 1) as seconds,
       count(*) as objects,
       printf('%.1f MB', sum(o.size) / 1e6) as size,
       sum(o.tries) as tries,
       s.completed_at
from (select * from studies order by seconds desc limit 20) s
join objects o using (study_id)
group by s.study_id
order by s.seconds desc;
