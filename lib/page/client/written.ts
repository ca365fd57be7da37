import type { PlotUnit } from "../parts/plot-data.ts"

const COUNT = new Intl.NumberFormat("en-US", { maximumFractionDigits: 1 })
const SMALL = new Intl.NumberFormat("en-US", { maximumSignificantDigits: 2 })
const BYTES = ["B", "kB", "MB", "GB", "TB", "PB"]
const COUNTS = ["", "k", "M"]

/** A value with its unit, short enough for an axis: `1.5 MB/s`, `250/s`, `12k`. */
export function written(value: number, unit: PlotUnit): string {
  const isBytes = unit.startsWith("bytes")
  const steps = isBytes ? BYTES : COUNTS
  // Thousands are grouped, up to where they become millions.
  const from = isBytes ? 1000 : 100_000
  let step = 0
  for (; value >= (step === 0 ? from : 1000) && step < steps.length - 1; step += 1) value /= 1000
  const figure = (value < 1 ? SMALL : COUNT).format(value)
  return `${figure}${isBytes ? " " : ""}${steps[step]}${unit.endsWith("/s") ? "/s" : ""}`
}
