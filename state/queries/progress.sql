-- How far is it? Studies, objects and series done, waiting, failed, missing, retired, and what is being worked on now.
select * from progress;
