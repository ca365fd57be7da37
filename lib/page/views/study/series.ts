import { type LedgerSeries, seriesByNo } from "../../../ledger/cod/series.ts"
import { type RefusedFile, refusedFiles, type SeriesNotes, seriesNotes } from "../../../ledger/page/series.ts"
import { type Html, html } from "../../../support/html.ts"
import { bytes, count, plural } from "../../../support/text.ts"
import type { PageRequest, RenderContext, View } from "../../page.ts"
import { link, studyLink } from "../../parts/link.ts"
import { pager } from "../../parts/pager.ts"
import { figure, figures, nothing, panel } from "../../parts/panel.ts"
import { noPicture, seriesThumbnail } from "../../parts/picture.ts"
import { table } from "../../parts/table.ts"
import { moment } from "../../parts/time.ts"
import { uid } from "../../parts/uid.ts"
import { type ImageLine, type ImagePage, imagePage } from "../../series/images.ts"
import { NotShown } from "../../series/not-shown.ts"
import { wholeNumber } from "../../series/which.ts"
import { BURNED_IN, seriesBadge, titleOf } from "./series-cards.ts"

/** What the view of a series shows. */
export interface SeriesData {
  readonly known: LedgerSeries
  readonly notes: SeriesNotes
  readonly refused: readonly RefusedFile[]
  /** Out of the datastore; why not, where it cannot be read. */
  readonly images: ImagePage | NotShown
}

const PER_PAGE = 24
const MOST_REFUSED = 50

/** `/series/:seriesNo`: a series with its images. */
export async function seriesView(request: PageRequest): Promise<View | undefined> {
  const data = await readSeries(request)
  if (data === undefined) return undefined
  const { known, images } = data
  const title =
    images instanceof NotShown ? `Series ${known.seriesNo}` : titleOf(images.summary, known.seriesNo)
  return { title, nav: "Browse", body: renderSeries(data, request.context) }
}

export async function readSeries(request: PageRequest): Promise<SeriesData | undefined> {
  const { deps, params, query, series, signal } = request
  const { ledger } = deps
  const seriesNo = wholeNumber(params.seriesNo ?? "")
  const known = seriesNo === undefined ? undefined : seriesByNo(ledger, seriesNo)
  if (seriesNo === undefined || known === undefined) return undefined
  const notes = seriesNotes(ledger, seriesNo)
  const refused = refusedFiles(ledger, seriesNo, MOST_REFUSED)
  const page = wholeNumber(query.get("page") ?? "") ?? 1
  try {
    const images = await imagePage(series, seriesNo, { page, perPage: PER_PAGE }, signal)
    return { known, notes, refused, images }
  } catch (error) {
    if (error instanceof NotShown) return { known, notes, refused, images: error }
    throw error
  }
}

export function renderSeries(data: SeriesData, context: RenderContext): Html {
  return html`${standing(data, context)}
${imagesPanel(data, context)}
${data.refused.length > 0 && refusedPanel(data.refused, context)}`
}

function standing({ known, notes, images }: SeriesData, context: RenderContext): Html {
  const { state, packedAt, tries, errorClass, errorMessage, seriesNo } = known
  const summary = images instanceof NotShown ? undefined : images.summary
  const why =
    notes.hangingWhy ?? (errorClass === null ? notes.thumbnailError : `${errorClass}: ${errorMessage}`)
  const missing = images instanceof NotShown ? images.message : "no thumbnail"
  const picture =
    summary?.thumbnail === undefined
      ? noPicture(packedAt === null ? "not packed yet" : missing)
      : seriesThumbnail(seriesNo, summary.thumbnail, `Thumbnail of series ${seriesNo}`, context)
  const { files } = notes
  const left = files.waiting + files.conflict + files.error
  return panel(
    "How it stands",
    html`<div class="beside"><div class="frame">${picture}</div><div>
${figures([
  figure(
    "State",
    seriesBadge({ state, hangingSince: notes.hangingSince }),
    packedAt === null ? undefined : moment(packedAt, context),
  ),
  figure(
    "Images",
    summary === undefined ? "unknown" : count(summary.images),
    summary && plural(summary.frames, "frame"),
  ),
  figure(
    "Tar",
    summary === undefined ? "unknown" : summary.tarBytes === undefined ? "none" : bytes(summary.tarBytes),
    summary?.transferSyntax,
  ),
  figure(
    "Files",
    count(files.new + files.same),
    left > 0 ? fates(files) : files.same > 0 && `${count(files.same)} the same as others`,
  ),
])}
<p>${summary?.hasBurnedInText && BURNED_IN}</p>
${why !== null && html`<p class="why bad">${why}${tries > 1 && `, after ${plural(tries, "try", "tries")}`}</p>`}
${notes.hangingSince !== null && html`<p class="note">Nothing is packed into it before a person has looked: ${link("/locks", "Locks", context)} says how.</p>`}
<dl class="pairs"><dt>Series</dt><dd>${uid(known.seriesUid)}</dd><dt>Study</dt><dd>${uid(known.studyUid)}</dd>
<dt>In the ledger</dt><dd>${notes.studyIds.map((id) => html`${studyLink(id, context)} `)}</dd></dl>
</div></div>`,
    `series ${count(seriesNo)}`,
  )
}

function fates({ waiting, conflict, error }: SeriesNotes["files"]): string {
  const all = [
    [waiting, "waiting"],
    [conflict, "in conflict"],
    [error, "in error"],
  ] as const
  return all.flatMap(([n, name]) => (n > 0 ? [`${count(n)} ${name}`] : [])).join(", ")
}

function imagesPanel({ known, images }: SeriesData, context: RenderContext): Html {
  if (images instanceof NotShown) return panel("Images", nothing(images.message))
  const { page, pages } = images
  const address = `${context.base}/series/${known.seriesNo}`
  const to = (n: number) => (n < 1 || n > pages ? undefined : `${address}?page=${n}#panel-images`)
  const cards = images.images.map((image) => imageCard(known.seriesNo, image, context))
  return panel(
    "Images",
    html`<ul class="cards">${cards}</ul>${
      !context.isStatic &&
      pager("Images", [
        { text: "Before", href: to(page - 1) },
        { text: "Next", href: to(page + 1) },
      ])
    }`,
    pages > 1 ? `page ${count(page)} of ${count(pages)}` : "drawn as they are asked for",
  )
}

function imageCard(seriesNo: number, { place, bytes: size, facts }: ImageLine, context: RenderContext): Html {
  const path = `/series/${seriesNo}/instances/${place}`
  const { frames, rows, columns, view, number } = facts
  const title = `Image ${number ?? place}`
  const picture =
    frames === 0 || context.isStatic
      ? noPicture("no pixels")
      : html`<img class="picture" src="${context.base}${path}/frames/1?size=256" width="256" height="256" loading="lazy" decoding="async" alt="">`
  const words = [
    ...(view === undefined ? [] : [view]),
    ...(rows === undefined || columns === undefined ? [] : [`${count(columns)} × ${count(rows)}`]),
    ...(frames > 1 ? [plural(frames, "frame")] : []),
    bytes(size),
  ]
  return html`<li class="card">${picture}<div class="facts"><h3>${link(path, title, context)}</h3><p class="note">${words.join(" · ")}</p>${facts.hasBurnedInText && html`<p>${BURNED_IN}</p>`}</div></li>`
}

function refusedPanel(refused: readonly RefusedFile[], context: RenderContext): Html {
  const columns = [
    { heading: "File", isCode: true },
    { heading: "Study", isCode: true },
    { heading: "Result" },
    { heading: "Why" },
  ]
  const rows = refused.map((file) => [
    file.path,
    studyLink(file.studyId, context),
    file.result,
    file.errorClass === null ? undefined : `${file.errorClass}: ${file.errorMessage}`,
  ])
  const note = refused.length === MOST_REFUSED ? `the first ${MOST_REFUSED}` : undefined
  return panel("Files that it did not take", table("Files that the series did not take", columns, rows), note)
}
