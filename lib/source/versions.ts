import type { SourceImage, SourceReport, SourceSeries, SourceStudy } from "./rows.ts"

/** 128 bits of SHA-256 over the facts, as hex digits. */
export function fingerprint(...facts: readonly unknown[]): string {
  return new Bun.CryptoHasher("sha256").update(JSON.stringify(facts)).digest("hex").slice(0, 32)
}

/** Of what a `metadata.json` made from these facts says; ranks are not in it, for they move every day. */
export function metadataVersion(study: Omit<SourceStudy, "sourceHash" | "metadataVersion">): string {
  const { reports, series, images, newestSignedAt: _, imagesInDatabase: __, ...own } = study
  return fingerprint(own, reports.map(toldOfReport), series.map(toldOfSeries), images.map(toldOfImage))
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
