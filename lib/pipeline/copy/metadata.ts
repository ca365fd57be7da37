import type { SourceStudy } from "../../source/rows.ts"

/**
 * A study's `metadata.json`, made from the database where the origin has none. Keys stand in one order and nothing in
 * it depends on the moment, so that the same facts are the same bytes. No names, no e-mails, no report text.
 */
export function metadataJson(study: SourceStudy): string {
  const document = {
    study_id: study.studyId,
    organization_id: study.organizationId,
    study_instance_uid: study.dicomStudyUid ?? null,
    modalities: study.modalities ?? null,
    description: study.description ?? null,
    study_date_time: study.studyDateTime ?? null,
    created_at: study.createdAt,
    updated_at: study.updatedAt,
    reports: study.reports.map((report) => ({
      report_id: report.reportId,
      signed_at: report.signedAt ?? null,
      signed_by_user_id: report.userId,
      signer_rank: report.rank,
    })),
    series: study.series.map((series) => ({
      series_id: series.seriesId,
      series_instance_uid: series.dicomSeriesUid ?? null,
      series_number: series.seriesNumber ?? null,
      modality: series.modality ?? null,
      body_part: series.bodyPart?.name ?? null,
      body_part_identifier: series.bodyPart?.identifier ?? null,
      images: study.images
        .filter((image) => image.seriesId === series.seriesId)
        .map((image) => ({ image_id: image.imageId, instance_number: image.instanceNumber ?? null })),
    })),
  }
  return `${JSON.stringify(document, undefined, 2)}\n`
}
