import type { PlannedObject } from "../../ledger/objects.ts"
import type { DiscoveredStudy } from "../../ledger/studies.ts"
import type { SourceStudy } from "../../source/rows.ts"
import { dicomPath, METADATA_PATH, objectKey, reportPath } from "../layout.ts"

/** What is to be copied of an eligible study, in its order: metadata, reports, DICOM files. */
export function planStudy(study: SourceStudy): DiscoveredStudy {
  return {
    studyId: study.studyId,
    organizationId: study.organizationId,
    dicomStudyUid: study.dicomStudyUid ?? null,
    modalities: study.modalities ?? null,
    doctorRank: Math.min(...study.reports.map((report) => report.rank)),
    newestSignedAt: study.newestSignedAt ?? null,
    listsOrigin: !study.imagesInDatabase,
    sourceHash: study.sourceHash,
    // Of an unchanged study, as most are, nobody asks for them.
    get objects() {
      return [metadataObject(study), ...reportObjects(study), ...dicomObjects(study)]
    },
  }
}

/** What a listing of the origin found below `dicom_files/`, for a study without image rows. */
export function planListed(
  study: { readonly organizationId: string; readonly studyId: string },
  found: { readonly path: string; readonly size: number; readonly etag: string | undefined },
): PlannedObject {
  return {
    kind: "dicom",
    path: found.path,
    expectedSize: found.size,
    sourceHash: hashOf(objectKey(study, found.path), found.size, found.etag),
  }
}

function metadataObject(study: SourceStudy): PlannedObject {
  return {
    kind: "metadata",
    path: METADATA_PATH,
    sourceHash: hashOf(objectKey(study, METADATA_PATH), study.metadataVersion),
  }
}

function reportObjects(study: SourceStudy): PlannedObject[] {
  return study.reports.map((report) => {
    const path = reportPath(report.reportId)
    return {
      kind: "report",
      path,
      sourceId: report.reportId,
      sourceHash: hashOf(objectKey(study, path), report.version),
    }
  })
}

function dicomObjects(study: SourceStudy): PlannedObject[] {
  return study.images.map((image) => {
    const path = dicomPath(image)
    const key = objectKey(study, path)
    return {
      kind: "dicom",
      path,
      source: image.filePath === key ? undefined : image.filePath,
      sourceId: image.imageId,
      seriesId: image.seriesId,
      expectedSize: image.fileSize,
      sourceHash: hashOf(key, image.version),
    }
  })
}

/** The key is part of it: a study that moves to another organization is copied to its new place. */
function hashOf(...facts: readonly (string | number | undefined)[]): string {
  return new Bun.CryptoHasher("sha256").update(JSON.stringify(facts)).digest("hex").slice(0, 16)
}
