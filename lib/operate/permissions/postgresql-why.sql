-- What why shows beyond what discover reads.
grant select (deleted) on pacs_studies to research_reader;
