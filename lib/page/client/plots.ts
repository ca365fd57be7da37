import uPlot from "uplot"
import "uplot/dist/uPlot.min.css"
import type { PlotData, PlotSeries, PlotUnit } from "../parts/plot-data.ts"
import { tooltip } from "./tooltip.ts"
import { written } from "./written.ts"

/** Room for the axes and what is between them; the legend stands below it. */
const HEIGHT = 190

/** What is drawn where; an element that has gone takes its chart with it. */
interface Drawn {
  readonly chart: uPlot
  /** As it stood in the element. */
  text: string
  data: PlotData
}

const drawn = new WeakMap<HTMLElement, Drawn>()
const resized = new ResizeObserver((entries) => {
  for (const { target, contentRect } of entries)
    drawn.get(target as HTMLElement)?.chart.setSize({ width: contentRect.width, height: HEIGHT })
})

/** Draws the plots within an element, as wide as it is; those that stand there already get what is new of their data. */
export function drawPlots(within: ParentNode) {
  for (const place of placesIn(within)) {
    const text = place.dataset.plot ?? ""
    const there = drawn.get(place)
    if (there === undefined) draw(place, text)
    else if (there.text !== text) update(place, there, text)
  }
}

/** Draws plots anew when the colours change with the scheme. */
export function followScheme() {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    for (const place of placesIn(document)) redraw(place)
  })
}

const placesIn = (within: ParentNode) => within.querySelectorAll<HTMLElement>("[data-plot]")

function update(place: HTMLElement, there: Drawn, text: string) {
  const data: PlotData = JSON.parse(text)
  if (shapeOf(data) !== shapeOf(there.data)) return redraw(place)
  there.text = text
  there.data = data
  there.chart.setData(valuesOf(data))
}

/** What a chart is made for, and cannot be told later. */
function shapeOf({ series, bars, timezone }: PlotData): string {
  return JSON.stringify([series.map(({ label, unit }) => [label, unit]), bars, timezone])
}

function redraw(place: HTMLElement) {
  drawn.get(place)?.chart.destroy()
  draw(place, place.dataset.plot ?? "")
}

function draw(place: HTMLElement, text: string) {
  const data: PlotData = JSON.parse(text)
  const chart = new uPlot(optionsOf(place, data), valuesOf(data), place)
  drawn.set(place, { chart, text, data })
  resized.observe(place)
}

function valuesOf({ times, series }: PlotData): uPlot.AlignedData {
  return [[...times], ...series.map(({ values }) => [...values])]
}

function optionsOf(place: HTMLElement, data: PlotData): uPlot.Options {
  const style = getComputedStyle(place)
  const colours = [style.getPropertyValue("--accent"), style.getPropertyValue("--second")]
  const units = [...new Set(data.series.map(({ unit }) => unit))]
  const line = { stroke: style.getPropertyValue("--line"), width: 1 }
  const axis = {
    stroke: style.getPropertyValue("--quiet"),
    font: `12px ${style.fontFamily}`,
    ticks: { show: false },
  }
  return {
    width: place.clientWidth,
    height: HEIGHT,
    padding: [12, null, 0, null],
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), data.timezone),
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 7 } },
    legend: { live: false, isolate: false },
    scales: {
      x: { range: (_, min, max) => (data.bars ? [min - DAY / 2, max + DAY / 2] : [min, max]) },
      ...Object.fromEntries(units.map((unit) => [unit, { range: (_, _min, max) => [0, topOf(max, unit)] }])),
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        ticks: { ...line, size: 4 },
        size: 28,
        space: 64,
        values: data.bars ? DAYS : MINUTES,
      },
      ...units.map((unit, n) => ({
        ...axis,
        scale: unit,
        side: (n === 0 ? 3 : 1) as uPlot.Axis.Side,
        grid: n === 0 ? line : { show: false },
        size: 58,
        gap: 6,
        space: 34,
        values: (_: uPlot, ticks: number[]) => ticks.map((value) => written(value, unit)),
      })),
    ],
    series: [
      {},
      ...data.series.map((series, n) =>
        seriesOf(series, {
          colour: colours[n % colours.length]!,
          isFirst: n === 0,
          bars: data.bars ?? false,
        }),
      ),
    ],
    plugins: [tooltip(() => drawn.get(place)?.data ?? data, colours)],
  }
}

const DAY = 86_400

/** uPlot's notation, by the distance between ticks in seconds. */
const MINUTES: uPlot.Axis.Values = [[60, "{HH}:{mm}", null, null, null, null, null, null, 1]]
const DAYS: uPlot.Axis.Values = [[DAY, "{D} {MMM}", null, null, null, null, null, null, 1]]

/** An axis on which nothing moved still has ticks that somebody can read. */
function topOf(max: number | null, unit: PlotUnit): number {
  if (max !== null && max > 0) return max * 1.05
  return unit.startsWith("bytes") ? 1_000_000 : 10
}

function seriesOf(
  { label, unit }: PlotSeries,
  { colour, isFirst, bars }: { readonly colour: string; readonly isFirst: boolean; readonly bars: boolean },
): uPlot.Series {
  const faint = (percent: number) => `color-mix(in srgb, ${colour} ${percent}%, transparent)`
  const common = { label, scale: unit, stroke: colour, points: { show: false } }
  const barsOf = uPlot.paths.bars
  if (!bars || barsOf === undefined)
    return { ...common, width: 1.75, ...(isFirst && { fill: faint(16) }), spanGaps: false }
  // Two stand beside each other within their day.
  const paths = barsOf({ size: [0.42, 24], align: isFirst ? -1 : 1, radius: 0.15 })
  return { ...common, width: 0, fill: faint(isFirst ? 85 : 70), paths }
}
