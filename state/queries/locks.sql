-- Which locks of series are open, what became of those of the last week, and what ends one that hangs? Open ones first.
select coalesce(l.ended, iif(l.hanging_since is null, 'open', 'hangs')) as lock,
       l.series_uri,
       l.run_id,
       r.host,
       r.pid,
       l.intended_at,
       l.acquired_at,
       l.ended_at,
       coalesce(l.hanging_why, l.ended_why) as why,
       l.generations,
       h.what_next
from cod_locks l
join runs r using (run_id)
left join hanging_locks h on h.series_uri = l.series_uri and l.ended_at is null and l.hanging_since is not null
order by l.ended_at is not null, l.ended_at desc, l.intended_at
limit 200;
