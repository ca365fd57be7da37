-- How far is it? Studies and objects done, waiting, failed, missing, retired, and what is being worked on now.
select * from progress;
