import { type Html, html } from "../../support/html.ts"
import { duration } from "../../support/text.ts"
import type { RenderContext } from "../page.ts"

/** A moment as `22 Nov 2026, 18:20`, in the page's time zone, with the ISO time for machines and for whoever hovers. */
export function moment(iso: string, context: RenderContext): Html {
  return html`<time datetime="${iso}" title="${iso}">${momentText(iso, context)}</time>`
}

/** The same where there is room for text alone. */
export function momentText(iso: string, { timezone }: Pick<RenderContext, "timezone">): string {
  return new Intl.DateTimeFormat("en-GB", {
    timeZone: timezone,
    dateStyle: "medium",
    timeStyle: "short",
  }).format(new Date(iso))
}

/** A moment by how far it is away: `3 min ago`, `in 2 h 5 min`. */
export function fromNow(iso: string, { now }: RenderContext): Html {
  const ms = new Date(iso).getTime() - now.getTime()
  const away = duration(Math.abs(ms))
  return html`<time datetime="${iso}" title="${iso}">${ms > 0 ? `in ${away}` : `${away} ago`}</time>`
}

/** The day of a moment as `22 Nov 2026`, in the page's time zone. */
export function day(iso: string, { timezone }: RenderContext): Html {
  const text = new Intl.DateTimeFormat("en-GB", { timeZone: timezone, dateStyle: "medium" }).format(
    new Date(iso),
  )
  return html`<time datetime="${iso}" title="${iso}">${text}</time>`
}
