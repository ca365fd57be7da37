import type { BrowsedStudy } from "../../../ledger/page/browse.ts"
import { type Html, html } from "../../../support/html.ts"
import { count, plural } from "../../../support/text.ts"
import type { PageRequest, RenderContext, View } from "../../page.ts"
import { pager } from "../../parts/pager.ts"
import { nothing } from "../../parts/panel.ts"
import { noPicture, seriesStill } from "../../parts/picture.ts"
import { day } from "../../parts/time.ts"
import { modalitiesText } from "../study/modalities.ts"
import { standingBadge } from "../study/standing.ts"
import { type BrowseData, keyText, readBrowse, type WantedStudies } from "./read.ts"

/** `/browse`: studies by the day of their newest report, the latest first, each with a picture. */
export function browseView(request: PageRequest): View {
  const data = readBrowse(request)
  return { title: "Browse", nav: "Browse", body: renderBrowse(data, request.context) }
}

export function renderBrowse(data: BrowseData, context: RenderContext): Html {
  const { studies, filter, isOlder, next, gaveUpAfter } = data
  const links = [
    { text: "Latest", href: isOlder ? addressOf(filter, undefined, context) : undefined },
    { text: "Older", href: next && addressOf(filter, keyText(next), context) },
  ]
  return html`${filters(data, context)}
${studies.length === 0 && gaveUpAfter === undefined ? nothing(emptyText(data)) : html`<ul class="cards">${studies.map((study) => card(study, context))}</ul>`}
${gaveUpAfter !== undefined && nothing(`${plural(gaveUpAfter, "study", "studies")} looked at, ${studies.length === 0 ? "none" : count(studies.length)} of them fit. “Older” goes on looking.`)}
${pager("Studies", links)}`
}

function emptyText({ filter: { day: wantedDay, doctorRank, modality }, isOlder }: BrowseData): string {
  if (isOlder) return "There are no older ones."
  const isFiltered = wantedDay !== undefined || doctorRank !== undefined || modality !== undefined
  return isFiltered ? "No study fits." : "No study has been discovered yet. The first run begins with that."
}

function addressOf(filter: WantedStudies, after: string | undefined, { base }: RenderContext): string {
  const query = new URLSearchParams()
  if (filter.day !== undefined) query.set("day", filter.day)
  if (filter.doctorRank !== undefined) query.set("rank", String(filter.doctorRank))
  if (filter.modality !== undefined) query.set("modality", filter.modality)
  if (after !== undefined) query.set("after", after)
  return `${base}/browse${query.size === 0 ? "" : `?${query}`}`
}

function filters({ filter, modalities }: BrowseData, { base }: RenderContext): Html {
  const isFiltered = Object.values(filter).some((value) => value !== undefined)
  return html`<form class="filters" method="get" action="${base}/browse">
<label>Signed on<input type="date" name="day" value="${filter.day}"></label>
<label>Doctor rank<input type="number" name="rank" min="1" max="999999" value="${filter.doctorRank}"></label>
<label>Modality<select name="modality"><option value="">any</option>${modalities.map((one) => html`<option${one === filter.modality && html` selected`}>${one}</option>`)}</select></label>
<button class="main">Show</button>${isFiltered && html`<a class="button" href="${base}/browse">All</a>`}
</form>`
}

function card(study: BrowsedStudy, context: RenderContext): Html {
  const { studyId, seriesNo, newestSignedAt, doctorRank, images } = study
  const picture = seriesNo === null ? noPicture(whyNoPicture(study)) : seriesStill(seriesNo, "", context)
  const signed = newestSignedAt === null ? "not signed" : day(newestSignedAt, context)
  const rank = doctorRank === null ? "no doctor" : `rank ${count(doctorRank)}`
  return html`<li class="card"><a class="card-link" href="${context.base}/studies/${encodeURIComponent(studyId)}">${picture}<span class="facts"><strong>${signed}</strong> <span>${modalitiesText(study.modalities)} · ${plural(images, "image")}</span> <span>${rank} ${standingBadge({ ...study, isClaimed: study.isClaimed === 1 })}</span></span></a></li>`
}

function whyNoPicture({ images, waiting, troubled }: BrowsedStudy): string {
  if (images === 0) return "no images"
  return waiting + troubled > 0 ? "not copied yet" : "no picture yet"
}
