import { expect, test } from "bun:test"
import { metadataJson } from "../../../lib/pipeline/copy/metadata.ts"
import type { SourceStudy } from "../../../lib/source/rows.ts"

const STUDY: SourceStudy = {
  studyId: "study",
  organizationId: "org",
  dicomStudyUid: "1.2.3",
  modalities: "CR, dx",
  description: 'Tórax "PA" 100 %\n🫁',
  studyDateTime: "2025-01-15T08:00:00+00:00",
  createdAt: "2025-01-15T09:00:00+00:00",
  updatedAt: "2025-01-15T10:00:00.000001+00:00",
  newestSignedAt: "2025-01-16T08:00:00+00:00",
  reports: [
    { reportId: "r1", userId: "u1", rank: 2, signedAt: "2025-01-16T08:00:00+00:00", version: "v" },
    { reportId: "r2", userId: "u2", rank: 6, signedAt: undefined, version: "v" },
  ],
  series: [
    {
      seriesId: "s1",
      dicomSeriesUid: "1.2.3.4",
      seriesNumber: 1,
      modality: "CR",
      bodyPart: { name: "Tórax", identifier: undefined },
    },
    {
      seriesId: "s2",
      dicomSeriesUid: undefined,
      seriesNumber: undefined,
      modality: undefined,
      bodyPart: undefined,
    },
  ],
  images: [
    { imageId: "i1", seriesId: "s1", instanceNumber: 1, filePath: undefined, fileSize: 10, version: "v" },
    {
      imageId: "i2",
      seriesId: "s1",
      instanceNumber: undefined,
      filePath: undefined,
      fileSize: 10,
      version: "v",
    },
  ],
  imagesInDatabase: true,
  sourceHash: "h",
  metadataVersion: "m",
}

test("metadata made from the database tells ids, numbers, dates and ranks, in one order", () => {
  expect(metadataJson(STUDY)).toBe(`{
  "study_id": "study",
  "organization_id": "org",
  "study_instance_uid": "1.2.3",
  "modalities": "CR, dx",
  "description": "Tórax \\"PA\\" 100 %\\n🫁",
  "study_date_time": "2025-01-15T08:00:00+00:00",
  "created_at": "2025-01-15T09:00:00+00:00",
  "updated_at": "2025-01-15T10:00:00.000001+00:00",
  "reports": [
    {
      "report_id": "r1",
      "signed_at": "2025-01-16T08:00:00+00:00",
      "signed_by_user_id": "u1",
      "signer_rank": 2
    },
    {
      "report_id": "r2",
      "signed_at": null,
      "signed_by_user_id": "u2",
      "signer_rank": 6
    }
  ],
  "series": [
    {
      "series_id": "s1",
      "series_instance_uid": "1.2.3.4",
      "series_number": 1,
      "modality": "CR",
      "body_part": "Tórax",
      "body_part_identifier": null,
      "images": [
        {
          "image_id": "i1",
          "instance_number": 1
        },
        {
          "image_id": "i2",
          "instance_number": null
        }
      ]
    },
    {
      "series_id": "s2",
      "series_instance_uid": null,
      "series_number": null,
      "modality": null,
      "body_part": null,
      "body_part_identifier": null,
      "images": []
    }
  ]
}
`)
})
