import { CODError } from "../cod/index.ts"
import type { StudySeries } from "../ledger/cod/study-series.ts"
import type { PackingOutlook } from "../ledger/outlook.ts"
import type { SeriesPlaces } from "../pipeline/receipts/receipt-document.ts"
import { plural } from "../support/text.ts"
import { type NextStep, step } from "./why-step.ts"

/** What the ledger holds of the packing of a study's images. */
export interface PackingSide {
  readonly series: readonly PackedSeries[]
  /** Images that their series did not take. */
  readonly troubled: readonly {
    readonly path: string
    readonly result: "conflict" | "error"
    readonly verdict: string
    readonly error_class: string
    readonly error_message: string
  }[]
  /** Files that no series can hold. */
  readonly without_series: readonly { readonly path: string; readonly error: string }[]
  /** Files whose headers are read when they are packed. */
  readonly headers_to_read: number
}

export interface PackedSeries {
  /** Where it lies, or will; null for UIDs that are no path. */
  readonly uri: string | null
  readonly study_uid: string
  readonly series_uid: string
  /** `hanging`: its lock was left standing, until a person has looked. */
  readonly state: "packed" | "waiting" | "failed" | "hanging"
  /** Why it is not packed; null where nothing failed. */
  readonly reason: string | null
  readonly packed_at: string | null
  readonly next_try_at: string | null
  /** Images of this study. */
  readonly images: {
    readonly packed: number
    readonly waiting: number
    readonly conflict: number
    readonly error: number
  }
}

export function packingSide(packing: PackingOutlook, places: SeriesPlaces): PackingSide {
  return {
    series: packing.series.map((series) => ({
      uri: uriOf(places, series),
      study_uid: series.studyUid,
      series_uid: series.seriesUid,
      state: series.hangingSince === null ? series.state : "hanging",
      reason: reasonOf(series),
      packed_at: series.packedAt,
      next_try_at: series.nextTryAt,
      images: {
        packed: series.packed,
        waiting: series.waiting,
        conflict: series.conflicts,
        error: series.errors,
      },
    })),
    troubled: packing.unpacked.map(({ path, result, verdict, errorClass, errorMessage }) => ({
      path,
      result,
      verdict,
      error_class: errorClass,
      error_message: errorMessage,
    })),
    without_series: packing.unpackable,
    headers_to_read: packing.unread,
  }
}

function uriOf(places: SeriesPlaces, series: StudySeries): string | null {
  try {
    return places.uriOf(series)
  } catch (error) {
    if (error instanceof CODError) return null
    throw error
  }
}

function reasonOf({ hangingWhy, errorClass, errorMessage }: StudySeries): string | null {
  return hangingWhy ?? (errorClass === null ? null : `${errorClass}: ${errorMessage}`)
}

/** What will happen to the images of a study that are copied and not packed. */
export function packingSteps(studyId: string, packing: PackingOutlook): NextStep[] {
  const { series, unpacked, unpackable, unread } = packing
  const waiting = series.filter((one) => one.verdict !== "give-up")
  const images = sum(waiting.map((one) => one.waiting)) + unread
  const again = unpacked.filter(({ verdict }) => verdict === "retry").length
  const command = `bun run ingest ${studyId}`
  const not_before = waiting.flatMap(({ nextTryAt }) => nextTryAt ?? []).sort()[0] ?? null
  return [
    ...(images > 0
      ? [step("next run", `${plural(images, "copied image")} packed`, { not_before, command })]
      : []),
    ...(again > 0 ? [step("next run", `${plural(again, "image")} in error packed again`, { command })] : []),
    ...series.flatMap(hangingStep),
    ...givenUpSteps(studyId, packing, unpackable.length),
  ]
}

function hangingStep({ seriesUid, hangingSince, hangingWhy }: StudySeries): NextStep[] {
  if (hangingSince === null) return []
  const what = `the lock of series ${seriesUid} hangs since ${hangingSince}: ${hangingWhy}`
  return [step("never", what, { unless: "a person has looked", command: "bun run locks list" })]
}

function givenUpSteps(studyId: string, { series, unpacked }: PackingOutlook, unpackable: number): NextStep[] {
  const failed = series.filter(({ verdict, hangingSince }) => verdict === "give-up" && hangingSince === null)
  const conflicts = unpacked.filter(({ result }) => result === "conflict").length
  const errors = unpacked.filter(({ result, verdict }) => result === "error" && verdict === "give-up").length
  const what = [
    ...(failed.length > 0
      ? [`${plural(failed.length, "series", "series")} given up (${failed[0]!.errorClass})`]
      : []),
    ...(conflicts > 0 ? [`${plural(conflicts, "image")} in conflict with others of their UIDs`] : []),
    ...(errors > 0 ? [`${plural(errors, "image")} in error`] : []),
    ...(unpackable > 0 ? [`${plural(unpackable, "file")} that no series can hold`] : []),
  ]
  if (what.length === 0) return []
  const command = `bun run ingest ${studyId} --retry-failed`
  return [step("never", `not packed: ${what.join(", ")}`, { unless: "the cause is mended", command })]
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
