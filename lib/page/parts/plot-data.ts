/** What changes over time, as it is drawn. Times are seconds since 1970, values one for each time. */
export interface PlotData {
  readonly times: readonly number[]
  /** Two at most; each has an axis of its own where their units differ. */
  readonly series: readonly PlotSeries[]
  /** Bars, each of a day, instead of lines by the minute (false). */
  readonly bars?: boolean
  /** In which times are shown. */
  readonly timezone: string
}

export interface PlotSeries {
  readonly label: string
  readonly unit: PlotUnit
  /** Null where nothing is known. */
  readonly values: readonly (number | null)[]
}

export type PlotUnit = "bytes" | "bytes/s" | "count" | "count/s"
