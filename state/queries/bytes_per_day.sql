-- How much was copied on each day? Objects copied, adopted and failed tries, and what copies sent to the destination;
-- the tars that they were packed into came on top.
select substr(hour, 1, 10) as day,
       sum(copied) as copied,
       sum(adopted) as adopted,
       sum(failed) as failed,
       printf('%.1f MB', sum(bytes) / 1e6) as sent
from hourly
group by day
order by day desc;
