import type { SourceImage, SourceReport, SourceSeries, SourceStudy } from "./rows.ts"

/** 128 bits of SHA-256 over the facts, as hex digits. */
export function fingerprint(...facts: readonly unknown[]): string {
  return new Bun.CryptoHasher("sha256").update(JSON.stringify(facts)).digest("hex").slice(0, 32)
}

export type UnversionedStudy = Omit<SourceStudy, "sourceHash" | "metadataVersion">

/**
 * The two versions of a study. Ranks are in neither, for they move every day.
 * @param seriesTouched when the rows of the series were last updated, in the order of `study.series`
 */
export function studyVersions(
  study: UnversionedStudy,
  seriesTouched: readonly string[],
): Pick<SourceStudy, "sourceHash" | "metadataVersion"> {
  const { reports, series, images, newestSignedAt: _, imagesInDatabase, ...own } = study
  const told = [own, reports.map(toldOfReport), series.map(toldOfSeries), images.map(toldOfImage)]
  const versions = [...reports, ...images].map(({ version }) => version)
  return {
    metadataVersion: fingerprint(...told),
    sourceHash: fingerprint(...told, versions, seriesTouched, imagesInDatabase),
  }
}

const toldOfReport = ({ reportId, signedAt, userId }: SourceReport) => [reportId, signedAt, userId]

const toldOfSeries = ({ seriesId, dicomSeriesUid, seriesNumber, modality, bodyPart }: SourceSeries) => [
  seriesId,
  dicomSeriesUid,
  seriesNumber,
  modality,
  bodyPart?.name,
  bodyPart?.identifier,
]

const toldOfImage = ({ imageId, seriesId, instanceNumber }: SourceImage) => [
  imageId,
  seriesId,
  instanceNumber,
]
