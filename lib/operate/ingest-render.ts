import type { IngestReport } from "../pipeline/ingest/ingest-report.ts"
import type { IngestPreview } from "../pipeline/ingest/preview.ts"
import { bytes, count, duration, plural, safe } from "../support/text.ts"
import { renderDeletedCopies } from "./copies-render.ts"
import { renderThumbnails } from "./thumbnails-render.ts"

export function renderIngest({ studies, totals, copies }: IngestReport): string {
  const troubled = studies.filter(({ success }) => !success)
  const unlisted = totals.failed - troubled.length
  const { series_packed, series_lost, held_by_others: held } = totals
  return [
    ...troubled.flatMap(({ study_id, errors }) => [
      `not packed: ${study_id}`,
      ...errors.map((error) => `  ${safe(error)}`),
    ]),
    ...(unlisted > 0 ? [`not packed: ${plural(unlisted, "more study", "more studies")}`] : []),
    ...(series_lost > 0
      ? [
          `${plural(series_lost, "series", "series")} had been overwritten by somebody else, and lacked what was packed`,
        ]
      : []),
    totals.studies === 0
      ? `Nothing left to pack${held > 0 ? " here" : ""}.`
      : `${plural(series_packed, "series", "series")} packed of ${plural(totals.studies, "study", "studies")}: ` +
        `${plural(totals.instances_new, "new instance")}, ${count(totals.instances_same)} there already, ` +
        `${count(totals.instances_conflict)} in conflict; ${duration(totals.seconds * 1000)}`,
    ...renderThumbnails(totals),
    ...(held > 0 ? [`${plural(held, "more series", "more series")}: another run is packing them.`] : []),
    ...(copies === undefined ? [] : [renderDeletedCopies(copies)]),
    ...(troubled.length > 0 ? ["What failed and what happens next: bun run status --failures"] : []),
  ].join("\n")
}

export function renderIngestPreview({ copies, ...work }: IngestPreview): string {
  if (copies === undefined) return renderPackingWork(work)
  const { series, files, bytes: size } = copies
  const deleted =
    `Of what is packed already it would look through ${plural(series, "series", "series")}, and delete up to ` +
    `${plural(files, "raw copy", "raw copies")}, ${bytes(size)}.`
  return `${renderPackingWork(work)}\n${deleted}`
}

function renderPackingWork(work: Omit<IngestPreview, "copies">): string {
  const { studies, series, instances, headers_to_read: headers } = work
  const also = alsoOf(work)
  if (studies === 0) return `Nothing to pack.${also}`
  const unread = headers > 0 ? `, after reading ${plural(headers, "header")}` : ""
  return (
    `An ingest would pack ${plural(instances, "instance")} (${bytes(work.bytes)}) of ` +
    `${plural(studies, "study", "studies")} into ${plural(series, "known series", "known series")}${unread}.${also}`
  )
}

function alsoOf({ given_up: given, thumbnails }: Omit<IngestPreview, "copies">): string {
  const series = (number: number) => plural(number, "series", "series")
  const givenUp = `${series(given)} given up before: --retry-failed tries them again.`
  const undrawn = `It would make thumbnails of ${series(thumbnails)} that are packed without.`
  return `${given > 0 ? ` ${givenUp}` : ""}${thumbnails > 0 ? ` ${undrawn}` : ""}`
}
