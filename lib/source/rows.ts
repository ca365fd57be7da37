/**
 * What the PACS database tells of a study, in the shapes that the rest of the project works with.
 *
 * Ids are canonical lower-case UUIDs. Instants are ISO 8601 text in UTC with the database's microseconds
 * (`2025-03-01T08:15:00.123456+00:00`), because a `Date` would lose three digits and a change with them.
 * Versions are 32 hex digits (a study's as a whole 16), stable while the facts behind them are.
 */

/** The parameters of the rules; everything else about them is fixed. */
export interface Rules {
  /** First and last rank of the chosen doctors, both included. */
  readonly rankFrom: number
  readonly rankTo: number
  /** Modalities that a study may have beside CR and DX. */
  readonly toleratedModalities: readonly string[]
  /** A ranking of another day and who was chosen by it: then nobody is ranked anew, and the ranks above say nothing. */
  readonly pinned?: PinnedDoctors | undefined
}

export interface PinnedDoctors {
  readonly ranking: readonly RankedDoctor[]
  /** Some of them. */
  readonly chosen: readonly RankedDoctor[]
}

/** One line of the doctor ranking. */
export interface RankedDoctor {
  readonly rank: number
  readonly userId: string
  /** Distinct signed chest studies. */
  readonly studies: number
}

/** A doctor whose reports count, with the rank that is written beside them. */
export type ChosenDoctor = Pick<RankedDoctor, "userId" | "rank">

/** The rules of eligibility in the order in which a study is held against them. */
export const RULES = [
  "exists",
  "non_demo_organization",
  "not_migrated",
  "chest",
  "has_cr_or_dx",
  "no_other_modality",
  "signed_report",
  "chosen_doctor",
] as const

export type Rule = (typeof RULES)[number]

/** How many studies are left after a rule and all rules before it; `exists` counts every study. */
export interface FunnelStep {
  readonly rule: Rule
  readonly studies: number
}

/** What decides about a single study. */
export interface Criteria extends Pick<Rules, "toleratedModalities"> {
  readonly chosen: readonly ChosenDoctor[]
}

/** The ranking and the funnel as of one snapshot. */
export interface Survey extends Criteria {
  /** Every ranked user, best first. */
  readonly ranking: readonly RankedDoctor[]
  /** Those of the ranking between `rankFrom` and `rankTo`, or the pinned ones. */
  readonly chosen: readonly RankedDoctor[]
  /** One step a rule, in their order. */
  readonly funnel: readonly FunnelStep[]
}

/** A study that satisfies every rule. */
export interface EligibleStudy {
  readonly studyId: string
  /** The best among the chosen doctors that signed a report of it. */
  readonly doctorRank: number
}

export interface EligibleOptions {
  /** At most so many, those with the newest signed report (undated last, then the smaller id). */
  readonly limit?: number | undefined
  /** Told of all eligible studies in the order of their ids, some at a time, as they arrive. */
  readonly each?: (studies: readonly EligibleStudy[]) => void
}

/** A signed, active, non-deleted report by a chosen doctor. */
export interface SourceReport {
  readonly reportId: string
  readonly userId: string
  readonly rank: number
  readonly signedAt: string | undefined
  /** Moves when the report's row was updated; independent of rank and ranking. */
  readonly version: string
}

/** An image whose file is copied. */
export interface SourceImage {
  readonly imageId: string
  readonly seriesId: string
  readonly instanceNumber: number | undefined
  /** As the database has it: an S3 key, an `s3://` URI, nothing, or nonsense. */
  readonly filePath: string | undefined
  /** Bytes, if the database knows them. A hint, not a promise. */
  readonly fileSize: number | undefined
  readonly version: string
}

/** Any series of a study, also one whose images are not copied. */
export interface SourceSeries {
  readonly seriesId: string
  readonly dicomSeriesUid: string | undefined
  readonly seriesNumber: number | undefined
  readonly modality: string | undefined
  readonly bodyPart:
    | { readonly name: string | undefined; readonly identifier: string | undefined }
    | undefined
}

/** A study that satisfies every rule, with all that is copied of it and all that its metadata tells. */
export interface SourceStudy {
  readonly studyId: string
  readonly organizationId: string
  readonly dicomStudyUid: string | undefined
  /** As the database has it, for example `CR, dx`. */
  readonly modalities: string | undefined
  readonly description: string | undefined
  readonly studyDateTime: string | undefined
  readonly createdAt: string
  readonly updatedAt: string
  /** Newest `signedAt` among `reports`; undefined when none of them tells. */
  readonly newestSignedAt: string | undefined
  /** In the order of signing (undated last), then id. */
  readonly reports: readonly SourceReport[]
  /** In the order of series number (unnumbered last), then id. */
  readonly series: readonly SourceSeries[]
  /** Images of the series with modality CR, DX or none given, series by series, by instance number, then id. */
  readonly images: readonly SourceImage[]
  /**
   * False when the database has no image row for any series of the study, whatever its modality: then the
   * origin's listing says what there is to copy.
   */
  readonly imagesInDatabase: boolean
  /**
   * Moves when any row behind what is told here changes, ranks excepted: a ranking alone changes no study. Made by the
   * database of its own hash of rows, so that an unchanged study need not be read.
   */
  readonly sourceHash: string
  /** Moves when what a `metadata.json` made from these facts says would change, ranks excepted. */
  readonly metadataVersion: string
}

export type StudyVersion = Pick<SourceStudy, "studyId" | "sourceHash">

/** A study that the ledger holds, with the reports that it holds of it. */
export interface KnownStudy {
  readonly studyId: string
  readonly reportIds: readonly string[]
}

/**
 * Where a known study stands in a snapshot.
 *
 * - `out_of_cohort`: only the ranking moved. The study satisfies every rule but the choice of doctors, and a
 *   report that was copied for it still is signed, active and not deleted.
 * - `withdrawn`: one of its own facts changed; `failed` is the first rule that it does not satisfy.
 */
export type Standing =
  | { readonly studyId: string; readonly standing: "eligible" }
  | { readonly studyId: string; readonly standing: "out_of_cohort" | "withdrawn"; readonly failed: Rule }
