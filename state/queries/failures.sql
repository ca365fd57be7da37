-- What failed, why, and what happens next? One line an object or study, those that need a person first.
select verdict, error_class, tries, path, error_message, what_next
from failures
order by verdict <> 'give-up', verdict, error_class, path;
