import type { MovedIn } from "../../../ledger/page/moved.ts"
import { NOTHING_MOVED, sumOf } from "../../../ledger/tally.ts"
import { type Html, html } from "../../../support/html.ts"
import { bytes, count, plural } from "../../../support/text.ts"
import type { RenderContext } from "../../page.ts"
import { figure, figures, panel } from "../../parts/panel.ts"
import { plot, rate } from "../../parts/plot.ts"
import type { PlotData } from "../../parts/plot-data.ts"
import { isEmpty } from "./headline.ts"
import { isCopying, type Now } from "./read.ts"

const MINUTE_MS = 60_000

/** Of so many minutes the speed is told: of fewer it jumps, of more it is old. */
const RECENT_MINUTES = 5

/** A minute that has just begun tells little of its speed. */
const TELLING_SECONDS = 15

/** How fast objects and bytes move, and how they did within the hour. */
export function renderSpeed(now: Now, { timezone }: RenderContext): Html | false {
  if (isEmpty(now) && now.running.length === 0) return false
  const speed = speedOf(now)
  const hour = now.lastHour.reduce(sumOf, NOTHING_MOVED)
  const objects = hour.copied + hour.adopted
  const recently = speed === undefined ? "nothing copies just now" : `in the last ${speed.minutes} min`
  return panel(
    "The last hour",
    html`${figures([
      figure("Objects per second", speed === undefined ? "–" : rate(speed.objects), recently),
      figure("Bytes per second", speed === undefined ? "–" : `${bytes(Math.round(speed.bytes))}/s`, recently),
      figure("Objects moved", count(objects), `${bytes(hour.bytes)} sent, ${count(hour.adopted)} adopted`),
      figure("Studies completed", count(hour.completed), `${plural(hour.failed, "try", "tries")} failed`),
    ])}
${plot(
  "By the minute",
  objects === 0 ? "nothing moved" : `${plural(objects, "object")}, ${bytes(hour.bytes)}`,
  plotOf(now, timezone),
)}`,
  )
}

interface Speed {
  /** Objects and bytes, each second. */
  readonly objects: number
  readonly bytes: number
  readonly minutes: number
}

/** Since the oldest of what copies now began, and no longer than some minutes ago; undefined while nothing copies. */
function speedOf({ at, running, lastHour }: Now): Speed | undefined {
  const copying = running.filter(isCopying).map(({ started_at }) => Date.parse(started_at))
  if (copying.length === 0) return undefined
  const oldest = Math.min(...copying)
  const first =
    Math.floor(Math.max(oldest, at.getTime() - RECENT_MINUTES * MINUTE_MS) / MINUTE_MS) * MINUTE_MS
  // What moved is known by the minute: of the first one all of it counts, but for what was before the run.
  const seconds = Math.max(1, (at.getTime() - Math.max(first, oldest)) / 1000)
  const moved = lastHour.filter((minute) => Date.parse(minute.at) >= first).reduce(sumOf, NOTHING_MOVED)
  return {
    objects: (moved.copied + moved.adopted) / seconds,
    bytes: moved.bytes / seconds,
    minutes: Math.max(1, Math.round(seconds / 60)),
  }
}

/** Each minute of the hour, those in which nothing moved as well. */
function plotOf({ at, lastHour }: Now, timezone: string): PlotData {
  const last = Math.floor(at.getTime() / MINUTE_MS) * MINUTE_MS
  const byMinute = new Map(lastHour.map((minute) => [Date.parse(minute.at), minute]))
  const times = Array.from({ length: 60 }, (_, n) => last - (59 - n) * MINUTE_MS)
  const each = (amountOf: (moved: Pick<MovedIn, "copied" | "adopted" | "bytes">) => number) =>
    times.map((time) => {
      const seconds = Math.min(60, (at.getTime() - time) / 1000)
      return seconds < TELLING_SECONDS ? null : round(amountOf(byMinute.get(time) ?? NOTHING_MOVED) / seconds)
    })
  return {
    times: times.map((time) => time / 1000),
    series: [
      { label: "Bytes sent", unit: "bytes/s", values: each((moved) => moved.bytes) },
      { label: "Objects moved", unit: "count/s", values: each((moved) => moved.copied + moved.adopted) },
    ],
    timezone,
  }
}

function round(value: number): number {
  return Number(value.toPrecision(3))
}
