import type { InstanceRecord } from "../../cod/index.ts"
import { windowValue } from "../../operate/cod/render-values.ts"
import { UsageError } from "../../support/errors.ts"
import type { PageRequest } from "../page.ts"
import { FRAME_SIZES, type FrameSize, type WantedFrame } from "./frame.ts"
import { NotShown } from "./not-shown.ts"
import type { OpenSeries } from "./open-series.ts"

/** The ledger's number of a series. @throws NotShown */
export function seriesNoOf({ seriesNo = "" }: PageRequest["params"]): number {
  const number = wholeNumber(seriesNo)
  if (number === undefined) throw new NotShown("There is no such series.", 404)
  return number
}

/** A number of nine digits at most, from 1. */
export function wholeNumber(text: string): number | undefined {
  return /^[1-9]\d{0,8}$/.test(text) ? Number(text) : undefined
}

/** Images of a series in its order, or as they are stored where they have none. */
export async function recordsOf(
  { cod }: OpenSeries,
  signal: AbortSignal,
): Promise<readonly InstanceRecord[]> {
  const instances = await cod.getInstances({ strictSorting: false }, signal)
  return [...instances.values()].map(({ record }) => record!)
}

/** @param which the place in the series' order, from 1, or the key @throws NotShown */
export async function recordOf(
  series: OpenSeries,
  which: string,
  signal: AbortSignal,
): Promise<{ readonly record: InstanceRecord; readonly place: number; readonly of: number }> {
  const records = await recordsOf(series, signal)
  const number = wholeNumber(which)
  const at = number === undefined ? records.findIndex(({ key }) => key === which) : number - 1
  const record = records[at]
  if (record === undefined) throw new NotShown("The series has no such image.", 404)
  return { record, place: at + 1, of: records.length }
}

/** Which frame, how large, and in which window. @throws NotShown */
export function frameOf(
  { f = "" }: PageRequest["params"],
  query: URLSearchParams,
): Omit<WantedFrame, "record"> {
  const frame = wholeNumber(f)
  if (frame === undefined) throw new NotShown("There is no such frame.", 404)
  return { frame, size: sizeIn(query.get("size")), window: windowIn(query.get("window")) }
}

function sizeIn(text: string | null): FrameSize {
  if (text === null) return 1024
  const size = FRAME_SIZES.find((one) => String(one) === text)
  if (size === undefined) throw new NotShown("There is no picture of that size.", 404)
  return size
}

/** `center,width`, or empty for the file's own. */
export function windowIn(text: string | null): WantedFrame["window"] {
  if (text === null || text === "") return undefined
  try {
    return windowValue(text)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    throw new NotShown("A window is center,width such as 40,400.", 404, error)
  }
}
