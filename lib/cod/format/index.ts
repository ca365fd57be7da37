/** The format by itself: bytes in, bytes out, no store and no clock. */

export { inMemory, type RandomAccess } from "./bytes.ts"
export {
  DICOM_LIMITS,
  type DicomFile,
  type DicomJson,
  type DicomLimits,
  dicomJson,
  parseDicom,
  pixeldataOf,
  uidsOf,
} from "./dicom/index.ts"
export * from "./errors.ts"
export { buildIndex } from "./index/build.ts"
export { compareIndex } from "./index/compare.ts"
export { readIndex } from "./index/read.ts"
export {
  instanceUri,
  memberName,
  metadataUri,
  objectUri,
  parseSeriesUri,
  type SeriesPlace,
  seriesKeys,
  seriesUri,
  splitTarUri,
  tarUri,
} from "./layout.ts"
export { newInstance } from "./metadata/instance-text.ts"
export { encodeSeriesMetadata, parseSeriesMetadata } from "./metadata/series.ts"
export type { InstanceEntry, InstanceRecord, MetadataLimits, SeriesMetadata } from "./metadata/types.ts"
export { frameBytes, framesOf, type OffsetTables, offsetTables } from "./offset-tables.ts"
export type { TarMember } from "./tar/member.ts"
export { readMembers } from "./tar/read.ts"
export { scanTar, type TarScan } from "./tar/scan.ts"
export { endOfTar, placeEntry } from "./tar/write.ts"
