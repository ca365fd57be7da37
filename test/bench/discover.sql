-- The rules of eligibility in the plainest SQL, written down once more and not shared with the product: the baseline of
-- the benchmark. One row for each image of each eligible study, with its reports.
with report as (
  select r.id, r.study_id, r.signed_at, p.user_id
  from pacs_reports r
  join pacs_practitioners p on p.id = r.signed_by_id
  where r.status = 'SIGNED' and r.is_active and not r.deleted and p.user_id is not null
),
chest as (
  select s.id, s.organization_id, s.dicom_study_id, s.modalities, s.updated_at,
    string_to_array(upper(replace(s.modalities, ' ', '')), ',') as modality
  from pacs_studies s
  join pacs_organizations o on o.id = s.organization_id
  where not s.migrated and not o.is_demo and (
    s.dicom_description ~* 'chest|t[oóÓ]rax|thorax|pecho|peito'
    or exists (
      select from pacs_series e
      join pacs_body_part b on b.id = e.body_part_id
      where e.study_id = s.id and concat(b.name, ' ', b.identifier) ~* 'chest|t[oóÓ]rax|thorax|pecho|peito'
    )
  )
),
doctor as (
  select user_id, row_number() over (order by count(distinct study_id) desc, user_id) as rank
  from report
  join chest on chest.id = report.study_id
  where chest.modality && '{CR,DX,PX}'
  group by user_id
),
chosen as (
  select study_id, jsonb_agg(jsonb_build_object('id', report.id, 'rank', rank, 'signed_at', signed_at)) as reports
  from report join doctor using (user_id)
  where rank between 2 and 10
  group by study_id
)
select chest.id, chest.organization_id, chest.dicom_study_id, chest.modalities, chest.updated_at,
  chosen.reports,
  e.id as series_id, e.series_number, e.modality, i.id as image_id, i.instance_number, i.file_path, i.file_size
from chest
join chosen on chosen.study_id = chest.id
left join pacs_series e on e.study_id = chest.id
left join pacs_images i on i.series_id = e.id
where chest.modality && '{CR,DX}' and chest.modality <@ '{CR,DX}'
