-- What copy, run and schedule read beyond what discover does: the text of a report that the origin has no file of.
grant select (content) on pacs_reports to research_reader;
