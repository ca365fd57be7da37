-- A PACS for the benchmark of discovery, of as many studies as the setting bench.studies says; every fifth is eligible.
-- Ids are made of numbers, so that the same database comes out each time, spread over the key space as random ones are.
insert into pacs_organizations (id, name, slug, is_demo)
select md5('organization ' || n)::uuid, 'Hospital ' || n, 'hospital-' || n, n = 50 from generate_series(1, 50) n;

insert into pacs_users (id, email) select md5('user ' || n)::uuid, n || '@example.org' from generate_series(1, 200) n;

insert into pacs_practitioners (id, user_id, organization_id)
select md5('practitioner ' || n)::uuid, md5('user ' || n)::uuid, md5('organization ' || (n % 49 + 1))::uuid
from generate_series(1, 200) n;

insert into pacs_body_part (id, name, identifier)
select n, (array['Chest', 'TÓRAX', 'Knee', 'Hand', 'Skull', 'Abdomen'])[n], null from generate_series(1, 6) n;

-- Chest and CR or DX: three of five. Of these one in three is signed by a doctor of ranks 2 to 10.
insert into pacs_studies
  (id, organization_id, dicom_study_id, modalities, dicom_description, dicom_date_time, migrated, created_at, updated_at)
select md5('study ' || n)::uuid, md5('organization ' || (n % 49 + 1))::uuid, '1.2.826.0.1.' || n,
  case when n % 5 < 3 then (array['CR', 'DX'])[n % 2 + 1] else (array['CT', 'MR', 'CR,CT'])[n % 3 + 1] end,
  case when n % 5 < 3 and n % 2 = 0 then 'CHEST PA' else 'EXAM ' || n % 40 end,
  '2024-01-01Z'::timestamptz + n * interval '1 minute', n % 97 = 0 and n % 15 > 2,
  '2024-01-01Z'::timestamptz + n * interval '1 minute', '2024-01-01Z'::timestamptz + n * interval '1 minute'
from generate_series(1, current_setting('bench.studies')::integer) n;

insert into pacs_series (id, study_id, dicom_series_id, series_number, modality, body_part_id)
select md5('series ' || n)::uuid, md5('study ' || n)::uuid, '1.2.826.0.2.' || n, 1,
  case when n % 5 < 3 then (array['CR', 'DX'])[n % 2 + 1] else 'CT' end,
  case when n % 5 < 3 then n % 2 + 1 else n % 4 + 3 end
from generate_series(1, current_setting('bench.studies')::integer) n;

insert into pacs_images (id, series_id, instance_number, file_path, file_size)
select md5('image ' || n || ' ' || i)::uuid, md5('series ' || n)::uuid, i,
  'dicom/' || md5('study ' || n) || '/' || i || '.dcm', 12000000 + n
from generate_series(1, current_setting('bench.studies')::integer) n, generate_series(1, 2) i;

insert into pacs_reports (id, study_id, signed_by_id, status, signed_at, updated_at)
select md5('report ' || n)::uuid, md5('study ' || n)::uuid,
  md5('practitioner ' || case when n % 15 < 3 then 2 + n % 9 when n % 4 = 0 then 1 else 11 + n % 190 end)::uuid,
  'SIGNED', '2024-01-02Z'::timestamptz + n * interval '1 minute', '2024-01-02Z'::timestamptz + n * interval '1 minute'
from generate_series(1, current_setting('bench.studies')::integer) n;
