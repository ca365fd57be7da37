import { type Html, html } from "../../support/html.ts"
import type { RenderContext } from "../page.ts"

/** The picture of a series, still. Its square is kept before it is there, and when it never is. */
export function seriesStill(seriesNo: number, alt: string, { base }: RenderContext): Html {
  return html`<img class="picture" src="${base}/series/${seriesNo}/thumbnail?still=1" width="256" height="256" loading="lazy" decoding="async" alt="${alt}">`
}

/** The same as it is stored: a picture, or a video that is played by whoever wants to see it. */
export function seriesThumbnail(
  seriesNo: number,
  kind: "jpg" | "mp4" | undefined,
  alt: string,
  context: RenderContext,
): Html {
  if (kind !== "mp4") return seriesStill(seriesNo, alt, context)
  const thumbnail = `${context.base}/series/${seriesNo}/thumbnail`
  return html`<video class="picture" controls muted loop playsinline preload="none" width="256" height="256" poster="${thumbnail}?still=1" src="${thumbnail}" aria-label="${alt}"></video>`
}

/** In place of a picture that there is not yet. */
export function noPicture(why: string): Html {
  return html`<span class="picture without"><span>${why}</span></span>`
}
