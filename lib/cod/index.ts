/** Cloud Optimized DICOM: series of DICOM files in one tar each, read from anywhere, written under a lock. */

export {
  type CheckOptions,
  type CheckReport,
  check,
  type Finding,
  type FindingKind,
  type OnProgress,
  type Severity,
} from "./check.ts"
export {
  CODObject,
  type CODObjectAccess,
  type CODObjectOptions,
  type DeserializeAccess,
  type Dirty,
  type Which,
} from "./cod-object.ts"
export {
  type DicomwebAccess,
  type DicomwebAnswer,
  handleRequest,
  type InstanceOfSeries,
  retrieveFrames,
  retrieveInstance,
  retrieveSeries,
  retrieveStudy,
  type SeriesOfStudy,
  type StudyAttributes,
  type StudyPlace,
} from "./dicomweb.ts"
export * from "./errors.ts"
export { type DicomFile, parseDicom } from "./format/dicom/index.ts"
export {
  instanceUri,
  metadataUri,
  parseSeriesUri,
  type SeriesPlace,
  seriesUri,
  tarUri,
} from "./format/layout.ts"
export type {
  InstanceEntry,
  InstanceRecord,
  MetadataLimits,
  MetadataVersion,
  SeriesMetadata,
  StoredElement,
  StoredTags,
  UnreadableInstance,
} from "./format/metadata/types.ts"
export type { OffsetTables } from "./format/offset-tables.ts"
export type { Hints } from "./hints.ts"
export { describeRecord, type SeriesInfo, seriesInfo } from "./info.ts"
export { type IngestOptions, type IngestResult, ingest } from "./ingest.ts"
export { type Belief, Instance, type InstanceOptions, type UidHashFunc } from "./instance.ts"
export { type ListedSeries, type ListedStudy, type ListOptions, listSeries, listStudies } from "./listing.ts"
export { instancesInLock } from "./locking/backup.ts"
export { breakLock, type LockChoice, locksToBreak } from "./locking/break.ts"
export { describeLock, type FoundLock, findLocks } from "./locking/found.ts"
export type { LockHolder, LockOwner } from "./locking/owner.ts"
export type { HeldLock, IntendedLock, LockJournal, SerializedLock, SeriesLock } from "./locking/types.ts"
export { type LoadedMetadata, MetadataCache, type MetadataCacheOptions } from "./metadata-cache.ts"
export { Metrics, type MetricsSnapshot } from "./metrics.ts"
export {
  type DecodedFrame,
  type DecodeOptions,
  decodeFrame,
  describePixels,
  type PixelDescription,
  type PixelLimits,
  type RenderedFrame,
  type RenderOptions,
  renderFrame,
  type Window,
} from "./pixels/index.ts"
export {
  type GroupingEvents,
  InvalidQueryRow,
  instancesToSeries,
  type QueryFile,
  type QueryRow,
  queryResultToInstances,
  queryResultToSeries,
  type SeriesGroup,
} from "./query-parsing.ts"
export type { Extraction } from "./reading/extract.ts"
export type { ScratchOptions } from "./reading/scratch.ts"
export type { SeriesAccess } from "./reading/series-at.ts"
export type { StoreChoice } from "./reading/store-of.ts"
export { type TarRecord, tarRecordOf } from "./reading/tar-record.ts"
export {
  type LeftOver,
  type LostInstance,
  type RepairAccess,
  type RepairOptions,
  type RepairReport,
  repair,
} from "./repair.ts"
export type { SerializedCODObject } from "./serialize.ts"
export * from "./thumbnail/index.ts"
export { uidHashFingerprint, uidHashFunc } from "./uid-hash.ts"
export { ByteView, type SeekFrom } from "./view.ts"
export { type SeriesToWorkOn, type WorkOptions, withCODObject } from "./with-cod-object.ts"
export type { DependencyOptions, DependencyReport } from "./writing/dependencies.ts"
export type { UpgradeReport } from "./writing/upgrade.ts"
export type { AppendOptions, AppendResult, SyncOptions } from "./writing/writer.ts"
