import { type Html, html } from "../../support/html.ts"
import { duration } from "../../support/text.ts"
import type { RenderContext } from "../page.ts"

type Zone = Pick<RenderContext, "timezone">

/** A moment as `22 Nov 2026, 18:20`, in the page's time zone, with the ISO time for machines and for whoever hovers. */
export function moment(iso: string, context: Zone): Html {
  return timeOf(iso, momentText(iso, context))
}

/** The same where there is room for text alone. */
export function momentText(iso: string, zone: Zone): string {
  return textOf(iso, { dateStyle: "medium", timeStyle: "short" }, zone)
}

/** A moment by how far it is away: `3 min ago`, `in 2 h 5 min`. */
export function fromNow(iso: string, { now }: Pick<RenderContext, "now">): Html {
  const ms = Date.parse(iso) - now.getTime()
  if (!Number.isFinite(ms)) return timeOf(iso, iso)
  const away = duration(Math.abs(ms))
  return timeOf(iso, ms > 0 ? `in ${away}` : `${away} ago`)
}

/** The day of a moment as `22 Nov 2026`, in the page's time zone. */
export function day(iso: string, zone: Zone): Html {
  return timeOf(iso, textOf(iso, { dateStyle: "medium" }, zone))
}

/** Databases know times that are none, such as `infinity`: they are shown as they are. */
function textOf(iso: string, style: Intl.DateTimeFormatOptions, { timezone }: Zone): string {
  const ms = Date.parse(iso)
  if (!Number.isFinite(ms)) return iso
  return new Intl.DateTimeFormat("en-GB", { timeZone: timezone, ...style }).format(ms)
}

/** To the millisecond, which is what HTML takes. */
function timeOf(iso: string, text: string): Html {
  const ms = Date.parse(iso)
  if (!Number.isFinite(ms)) return html`<span>${text}</span>`
  const exact = new Date(ms).toISOString()
  return html`<time datetime="${exact}" title="${exact}">${text}</time>`
}
