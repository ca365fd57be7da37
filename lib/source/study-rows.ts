import type { Fragment, ISql } from "postgres"
import type { ChosenDoctor } from "./rows.ts"
import { chosenDoctors, isCopied, signedReports } from "./rules.ts"
import { uuidArray } from "./uuid.ts"

/**
 * CTEs `reports (study_id, version, list)` and `series (study_id, version, list)` of some studies, `wanted`. A version is
 * a sum of hashes, which knows no order; what is not asked for of a CTE is not computed.
 */
export function studyRows(sql: ISql, ids: readonly string[], doctors: readonly ChosenDoctor[]): Fragment {
  return sql`
    wanted as (select id from unnest(${uuidArray(ids)}::uuid[]) id),
    doctor as (${chosenDoctors(sql, doctors)}),
    reports as (
      select study_id, sum(${rowHash(sql, sql`r.id, user_id, signed_at, updated_at`)}) as version,
        json_agg(json_build_array(r.id, user_id, rank, signed_at, updated_at) order by signed_at nulls last, r.id) as list
      from (${signedReports(sql)}) r join doctor using (user_id)
      where study_id in (select id from wanted)
      group by study_id
    ),
    series_and_images as (
      select s.id, study_id, dicom_series_id, series_number, modality, updated_at, body_part_id, name, identifier,
        ${isCopied(sql, sql`modality`)} as copied, count(i.id) > 0 as has_images,
        sum(${rowHash(sql, sql`i.id, instance_number, file_path, file_size, i.created_at`)}) as images_version,
        json_agg(json_build_array(i.id, instance_number, file_path, file_size, i.created_at)
          order by instance_number nulls last, i.id) as images
      from pacs_series s
      left join pacs_body_part b on b.id = s.body_part_id
      left join pacs_images i on i.series_id = s.id
      where study_id in (select id from wanted)
      group by s.id, b.id
    ),
    series as (
      select study_id,
        sum(${rowHash(
          sql,
          sql`id, dicom_series_id, series_number, modality, updated_at, body_part_id, name, identifier, has_images,
            case when copied then images_version end`,
        )}) as version,
        json_agg(json_build_array(id, dicom_series_id, series_number, modality, body_part_id, name, identifier,
          has_images, case when copied and has_images then images end) order by series_number nulls last, id) as list
      from series_and_images
      group by study_id
    )`
}

/** What `studyRows` is to be followed by: studies `s` with their `reports` and `series`. */
export function studyAndItsRows(sql: ISql): Fragment {
  return sql`wanted join pacs_studies s on s.id = wanted.id
    left join reports on reports.study_id = s.id left join series on series.study_id = s.id`
}

/** A study's version, over all its rows: 16 hex digits. */
export function versionOf(sql: ISql): Fragment {
  const all = sql`s.organization_id, s.dicom_study_id, s.modalities, s.dicom_description, s.dicom_date_time,
    s.created_at, s.updated_at, reports.version, series.version`
  return sql`lpad(to_hex(${rowHash(sql, all)}), 16, '0')`
}

/** 64 bits, the same for the same values; needs no cryptography, which a server may have been built without. */
function rowHash(sql: ISql, columns: Fragment): Fragment {
  return sql`hash_record_extended(row(${columns}), 0)`
}
