import type { CopyReport, CopyTotals } from "../pipeline/copy/copy.ts"
import { describeEstimate } from "../pipeline/copy/estimate.ts"
import type { Preview } from "../pipeline/copy/preview.ts"
import type { StudyResult } from "../pipeline/copy/study-result.ts"
import type { DiscoverReport } from "../pipeline/discover/discover.ts"
import type { RunPreview, RunReport } from "../pipeline/run.ts"
import { bytes, count, duration, plural, safe, table } from "../support/text.ts"
import { renderIngest } from "./ingest-render.ts"
import { renderThumbnails } from "./thumbnails-render.ts"

// Reports as people read them; with --json the same reports are printed as they are.

export function renderDiscover(
  { ranking, funnel, studies, cohort, pinned }: DiscoverReport,
  ranks: { readonly from: number; readonly to: number },
): string {
  const chosen = pinned ?? ranks
  const changes = ["new", "changed", "unchanged", "withdrawn", "out_of_cohort", "eligible"] as const
  return [
    pinned === undefined
      ? "Ranking (* chosen)"
      : `Ranking of cohort ${pinned.cohort}, which is pinned (* chosen)`,
    table(
      ["rank", "user", "signed chest studies"],
      ranking.map(({ rank, user_id, studies }) => [
        `${rank}${rank >= chosen.from && rank <= chosen.to ? " *" : ""}`,
        user_id,
        studies,
      ]),
    ),
    "",
    "Funnel",
    table(
      ["rule", "studies left"],
      funnel.map(({ rule, studies }) => [rule, studies]),
    ),
    "",
    cohort === null ? "Studies (dry run, nothing recorded)" : `Studies, cohort ${cohort}`,
    table(
      ["what", "studies"],
      changes.map((change) => [change.replaceAll("_", " "), studies[change]]),
    ),
  ].join("\n")
}

export function renderCopy({ studies, totals }: Pick<CopyReport, "studies" | "totals">): string {
  const troubled = studies.filter(({ success }) => !success)
  const objects = totals.dicom_files_uploaded + totals.reports_uploaded + totals.metadata_uploaded
  const held = totals.held_by_others
  const unlisted = totals.failed - troubled.length
  // A study without an organization was never in the ledger, so that it lists nothing of it.
  const isListed = troubled.some(({ organization_id }) => organization_id !== null)
  return [
    ...troubled.flatMap(renderTrouble),
    ...(unlisted > 0 ? [`not complete: ${plural(unlisted, "more study", "more studies")}`] : []),
    ...(totals.studies === 0
      ? totals.ended_by === undefined
        ? [held === 0 ? "Nothing left to do." : "Nothing left to do here."]
        : []
      : [
          `${plural(totals.studies, "study", "studies")}: ${count(totals.succeeded)} complete, ${count(totals.failed)} not`,
          `${plural(objects, "object")} uploaded (${plural(totals.dicom_files_uploaded, "DICOM file")}, ` +
            `${plural(totals.reports_uploaded, "report")}, ${count(totals.metadata_uploaded)} metadata), ` +
            `${count(totals.skipped)} were there already`,
          ...renderPacked(totals),
          ...renderThumbnails(totals),
          `${bytes(totals.bytes)} in ${duration(totals.seconds * 1000)}`,
        ]),
    ...renderLeft(totals),
    ...(held > 0 ? [`${plural(held, "more study", "more studies")}: another run is working on them.`] : []),
    ...(totals.warnings > 0
      ? [`${plural(totals.warnings, "warning")}: see the log, and bun run status`]
      : []),
    ...(isListed ? ["What failed and what happens next: bun run status --failures"] : []),
  ].join("\n")
}

/** Of a run; a copy by itself packs nothing. */
function renderPacked(totals: CopyTotals): string[] {
  const { series_packed, instances_new, instances_same, instances_conflict } = totals
  if (series_packed + instances_new + instances_same + instances_conflict === 0) return []
  return [
    `${plural(series_packed, "series", "series")} packed (${plural(instances_new, "new instance")}, ` +
      `${count(instances_same)} there already, ${count(instances_conflict)} in conflict)`,
  ]
}

const LIMIT_FLAGS = { until: "--until", max_duration: "--max-duration", max_bytes: "--max-bytes" } as const

function renderLeft({ ended_by, left_studies = 0, left_objects = 0, left_bytes = 0 }: CopyTotals): string[] {
  if (ended_by === undefined) return []
  const left = `${plural(left_studies, "study", "studies")}, ${plural(left_objects, "object")}, ${bytes(left_bytes)}`
  return [`Ended by ${LIMIT_FLAGS[ended_by]}; left for the next copy: ${left}`]
}

export function renderRun(
  { discovery, copy, ingest }: RunReport,
  chosen: { readonly from: number; readonly to: number },
): string {
  const { studies = 0, series_lost = 0, held_by_others = 0 } = ingest?.totals ?? {}
  // What the copy left, and only then.
  const later = studies + series_lost + held_by_others > 0 ? [renderIngest(ingest!)] : []
  return [renderDiscover(discovery, chosen), renderCopy(copy), ...later].join("\n\n")
}

export function renderRunPreview(
  { discovery, copy }: RunPreview,
  chosen: { readonly from: number; readonly to: number },
): string {
  return `${renderDiscover(discovery, chosen)}\n\n${renderPreview(copy)}`
}

export function renderPreview({ studies, left_out, totals }: Preview): string {
  return [
    ...left_out.map(({ study_id, reason }) => `left out: ${study_id}: ${safe(reason)}`),
    table(
      ["study", "objects", "expected"],
      studies.map(({ study_id, objects, expected_bytes }) => [study_id, objects, bytes(expected_bytes)]),
    ),
    "",
    `A copy would try ${describeEstimate(totals)}`,
  ].join("\n")
}

function renderTrouble({ study_id, errors }: StudyResult): string[] {
  return [`not complete: ${study_id}`, ...errors.map((error) => `  ${safe(error)}`)]
}
