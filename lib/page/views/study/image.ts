import type { Window } from "../../../cod/index.ts"
import { type Html, html } from "../../../support/html.ts"
import { bytes, count } from "../../../support/text.ts"
import type { PageRequest, RenderContext, View } from "../../page.ts"
import { link } from "../../parts/link.ts"
import { pager } from "../../parts/pager.ts"
import { nothing, panel } from "../../parts/panel.ts"
import { noPicture } from "../../parts/picture.ts"
import { table } from "../../parts/table.ts"
import { type WholeImage, wholeImage } from "../../series/images.ts"
import { NotShown } from "../../series/not-shown.ts"
import { wholeNumber, windowIn } from "../../series/which.ts"
import { BURNED_IN } from "./series-cards.ts"

/** What the view of an image shows. */
export interface ImageData {
  readonly seriesNo: number
  readonly image: WholeImage
  /** From 1. */
  readonly frame: number
  /** Instead of its own. */
  readonly window: Window | undefined
}

/** `/series/:seriesNo/instances/:n`: an image, frame by frame, in any window, and its header. */
export async function imageView(request: PageRequest): Promise<View | undefined> {
  const { params } = request
  const seriesNo = wholeNumber(params.seriesNo ?? "")
  if (seriesNo === undefined) return undefined
  try {
    const data = await readImage(seriesNo, request)
    const { number } = data.image.facts
    const title = `Image ${number ?? data.image.place}`
    return { title, nav: "Browse", body: renderImage(data, request.context) }
  } catch (error) {
    if (!(error instanceof NotShown)) throw error
    if (error.status === 404) return undefined
    return { title: "Image", nav: "Browse", body: panel("Picture", nothing(error.message)) }
  }
}

export async function readImage(
  seriesNo: number,
  { params, query, series, signal }: PageRequest,
): Promise<ImageData> {
  const image = await wholeImage(series, seriesNo, params.n ?? "", signal)
  const asked = wholeNumber(query.get("frame") ?? "") ?? 1
  const frame = Math.max(1, Math.min(asked, image.facts.frames))
  return { seriesNo, image, frame, window: windowOf(query) }
}

/** What is no window is not worth losing the view for. */
function windowOf(query: URLSearchParams): Window | undefined {
  const [center, width] = [query.get("center") ?? "", query.get("width") ?? ""]
  if (center === "" && width === "") return undefined
  try {
    return windowIn(`${center},${width}`)
  } catch (error) {
    if (error instanceof NotShown) return undefined
    throw error
  }
}

export function renderImage(data: ImageData, context: RenderContext): Html {
  return html`<div class="image">
${picturePanel(data, context)}
${tagsPanel(data)}
</div>`
}

function picturePanel({ seriesNo, image, frame, window }: ImageData, context: RenderContext): Html {
  const { place, of, facts } = image
  const address = `${context.base}/series/${seriesNo}/instances/${place}`
  const windowed = window === undefined ? "" : `&window=${window.center},${window.width}`
  const source = (size: number) => `${address}/frames/${frame}?size=${size}${windowed}`
  const inWindow = window === undefined ? "" : `&center=${window.center}&width=${window.width}`
  const frameAt = (n: number) => (n < 1 || n > facts.frames ? undefined : `${address}?frame=${n}${inWindow}`)
  const imageAt = (n: number) =>
    n < 1 || n > of ? undefined : `${context.base}/series/${seriesNo}/instances/${n}`
  const { rows = 1, columns = 1 } = facts
  const picture =
    facts.frames === 0
      ? noPicture("no pixels")
      : html`<a class="whole" href="${source(2048)}"><img class="picture" src="${source(1024)}" width="${columns}" height="${rows}" alt="Image ${place} of series ${seriesNo}, larger by a click"></a>`
  return panel(
    "Picture",
    html`${facts.hasBurnedInText && html`<p>${BURNED_IN} By its header there is text within this picture; it may name a person.</p>`}
${picture}
${
  facts.frames > 1 &&
  pager("Frames", [
    { text: "Frame before", href: frameAt(frame - 1) },
    { text: "Next frame", href: frameAt(frame + 1) },
  ])
}
${facts.frames > 0 && windowForm(address, frame, window)}
${pager("Images", [
  { text: "Image before", href: imageAt(place - 1) },
  { text: "Next image", href: imageAt(place + 1) },
])}`,
    html`${facts.frames > 1 && `frame ${count(frame)} of ${count(facts.frames)} · `}image ${count(place)} of ${count(of)} of ${link(`/series/${seriesNo}`, `series ${seriesNo}`, context)} · ${bytes(image.bytes)}`,
  )
}

/** Which greys are told apart, in the unit of the modality. */
function windowForm(address: string, frame: number, window: Window | undefined): Html {
  return html`<form class="filters" method="get" action="${address}"><input type="hidden" name="frame" value="${frame}">
<label>Window center<input type="number" name="center" step="any" value="${window?.center}"></label>
<label>Window width<input type="number" name="width" step="any" min="0" value="${window?.width}"></label>
<button>Show</button>${window !== undefined && html`<a class="button" href="${address}?frame=${frame}">Its own window</a>`}</form>`
}

function tagsPanel({ image }: ImageData): Html {
  const columns = [{ heading: "Attribute" }, { heading: "Value" }, { heading: "Tag", isCode: true }]
  const rows = image.tags.map(({ name, value, meaning, tag }) => [
    name,
    meaning === undefined ? value : html`<span title="${value}">${meaning}</span>`,
    tag,
  ])
  const body =
    rows.length === 0
      ? nothing("Nothing of its header can be shown.")
      : table("Header of the image", columns, rows)
  return panel("Header", body, "without all that is personal")
}
