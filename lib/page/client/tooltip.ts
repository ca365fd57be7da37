import type uPlot from "uplot"
import type { PlotData } from "../parts/plot-data.ts"
import { written } from "./written.ts"

/** Says what stands under the pointer; beside it, on the side that has room. */
export function tooltip(dataOf: () => PlotData, colours: readonly string[]): uPlot.Plugin {
  const tip = document.createElement("div")
  tip.className = "tip"
  tip.hidden = true

  function show({ cursor: { idx, left }, over }: uPlot) {
    const data = dataOf()
    const at = idx === null || idx === undefined ? undefined : data.times[idx]
    tip.hidden = at === undefined || left === undefined || left < 0
    if (tip.hidden || at === undefined || left === undefined) return
    tip.replaceChildren(timeOf(at, data), ...linesOf(idx!, data, colours))
    const isRight = left > over.clientWidth / 2
    tip.style.left = isRight ? "" : `${left + 14}px`
    tip.style.right = isRight ? `${over.clientWidth - left + 14}px` : ""
  }

  return {
    hooks: {
      init: ({ over }) => void over.append(tip),
      setCursor: show,
      setData: show,
    },
  }
}

function timeOf(at: number, { bars, timezone }: PlotData): HTMLElement {
  const time = document.createElement("strong")
  const style = bars ? ({ dateStyle: "full" } as const) : ({ timeStyle: "short" } as const)
  time.textContent = new Intl.DateTimeFormat("en-GB", { timeZone: timezone, ...style }).format(at * 1000)
  return time
}

function linesOf(idx: number, { series }: PlotData, colours: readonly string[]): HTMLElement[] {
  return series.map(({ label, unit, values }, n) => {
    const line = document.createElement("span")
    const value = values[idx]
    line.style.setProperty("--of", colours[n % colours.length]!)
    line.textContent = `${label}: ${value === null || value === undefined ? "–" : written(value, unit)}`
    return line
  })
}
