import uPlot from "uplot"
import "uplot/dist/uPlot.min.css"
import type { PlotData, PlotSeries } from "../parts/plot.ts"

const HEIGHT = 180

/** Draws the plots within an element, as wide as it is; they follow when it changes its width. */
export function drawPlots(within: ParentNode) {
  for (const place of within.querySelectorAll<HTMLElement>("[data-plot]")) drawPlot(place)
}

function drawPlot(place: HTMLElement) {
  const data: PlotData = JSON.parse(place.dataset.plot ?? "")
  place.replaceChildren()
  const style = getComputedStyle(place)
  const colours = [style.getPropertyValue("--accent"), style.getPropertyValue("--second")]
  const units = [...new Set(data.series.map(({ unit }) => unit))]
  const quiet = style.getPropertyValue("--quiet")
  const grid = { stroke: style.getPropertyValue("--line"), width: 1 }
  const font = `12px ${style.fontFamily}`
  const chart = new uPlot(
    {
      width: place.clientWidth,
      height: HEIGHT,
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), data.timezone),
      cursor: { y: false, points: { size: 6 } },
      scales: Object.fromEntries(
        units.map((unit) => [unit, { range: (_, _min, max) => [0, Math.max(max, 1)] }]),
      ),
      axes: [
        { stroke: quiet, grid: { show: false }, ticks: grid, font },
        ...units.map((unit, n) => ({
          scale: unit,
          side: (n === 0 ? 3 : 1) as uPlot.Axis.Side,
          stroke: quiet,
          grid: n === 0 ? grid : { show: false },
          ticks: { show: false },
          font,
          size: 64,
          values: (_: uPlot, ticks: number[]) => ticks.map((value) => written(value, unit)),
        })),
      ],
      series: [{}, ...data.series.map((series, n) => drawn(series, colours[n % colours.length]!, data.bars))],
    },
    [[...data.times], ...data.series.map(({ values }) => [...values])],
    place,
  )
  new ResizeObserver(() => chart.setSize({ width: place.clientWidth, height: HEIGHT })).observe(place)
}

function drawn({ label, unit }: PlotSeries, colour: string, bars = false): uPlot.Series {
  return {
    label,
    scale: unit,
    stroke: colour,
    fill: `color-mix(in srgb, ${colour} 18%, transparent)`,
    width: 1.5,
    points: { show: false },
    value: (_, value) => (value === null ? "–" : written(value, unit)),
    ...(bars && uPlot.paths.bars !== undefined && { paths: uPlot.paths.bars({ size: [0.7, 40] }) }),
  }
}

const COUNT = new Intl.NumberFormat("en-US", { maximumFractionDigits: 1 })
const UNITS = ["B", "kB", "MB", "GB", "TB", "PB"]

function written(value: number, unit: PlotSeries["unit"]): string {
  const per = unit.endsWith("/s") ? "/s" : ""
  if (!unit.startsWith("bytes")) return COUNT.format(value) + per
  let step = 0
  for (; value >= 1000 && step < UNITS.length - 1; step += 1) value /= 1000
  return `${COUNT.format(value)} ${UNITS[step]}${per}`
}
