-- What discover reads. No name, no e-mail address and no text of a report is among it.
-- Once, with a password of your own:  create role research_reader login password '...';
grant select (id, is_demo) on pacs_organizations to research_reader;
grant select (id, user_id) on pacs_practitioners to research_reader;
grant select (id, name, identifier) on pacs_body_part to research_reader;
grant select (id, organization_id, dicom_study_id, modalities, dicom_description, dicom_date_time, migrated,
  created_at, updated_at) on pacs_studies to research_reader;
grant select (id, study_id, dicom_series_id, series_number, modality, body_part_id, updated_at)
  on pacs_series to research_reader;
grant select (id, series_id, instance_number, file_path, file_size, created_at) on pacs_images to research_reader;
grant select (id, study_id, signed_by_id, status, is_active, deleted, signed_at, updated_at)
  on pacs_reports to research_reader;
