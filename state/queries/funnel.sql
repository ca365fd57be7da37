-- What did the last complete discovery decide? Studies left after each rule, in the order of the rules.
select json_extract(line.value, '$.rule') as rule,
       json_extract(line.value, '$.studies') as studies_left
from (select funnel from cohorts where counts is not null order by cohort_id desc limit 1) cohort,
     json_each(cohort.funnel) line
order by line.key;
