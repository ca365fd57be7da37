import type { Failure, TimelineLine } from "../ledger/views.ts"
import type { CopyReport, CopyTotals } from "../pipeline/copy.ts"
import type { DiscoverReport } from "../pipeline/discover.ts"
import { describeEstimate } from "../pipeline/estimate.ts"
import type { Preview } from "../pipeline/preview.ts"
import type { RunPreview, RunReport } from "../pipeline/run.ts"
import type { StudyResult } from "../pipeline/study-result.ts"
import type { VerifyReport } from "../pipeline/verify.ts"
import { bytes, count, duration, plural, safe, table } from "../support/text.ts"
import { renderIngest } from "./ingest-render.ts"
import type { Status, Versions } from "./status.ts"

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

export function renderVerify(report: VerifyReport, { dryRun }: { readonly dryRun: boolean }): string {
  const { studies, objects, problems, queued, busy, finished } = report
  return [
    ...(problems.length > 0
      ? [
          table(
            ["problem", "key", "expected", "found"],
            problems.map(({ problem, key, expected, found }) => [problem, key, expected ?? "", found ?? ""]),
          ),
          "",
        ]
      : []),
    `${plural(studies, "study", "studies")}, ${plural(objects, "object")}, ${bytes(report.bytes)}: ` +
      (problems.length > 0
        ? plural(problems.length, "problem")
        : objects > 0
          ? "all as the ledger says"
          : "nothing was compared, for nothing is recorded as copied"),
    ...(queued > 0
      ? [`${plural(queued, "object")} ${dryRun ? "would be " : ""}queued again for copy to mend`]
      : []),
    ...(busy > 0 ? [`${plural(busy, "study", "studies")} left out: another run is working on them`] : []),
    ...(finished ? [] : ["stopped before the end"]),
  ].join("\n")
}

export function renderStatus(status: Status): string {
  const {
    wrong_bytes,
    hanging_locks,
    progress,
    running,
    died,
    claims,
    failures,
    warnings,
    last_hours,
    rate,
  } = status
  return [
    section(
      "WRONG BYTES at the destination, and deleting them was refused: delete these generations by hand",
      wrong_bytes.length > 0 &&
        table(
          ["key", "generation"],
          wrong_bytes.map(({ key, detail }) => [key, detail]),
        ),
    ),
    section(
      "HANGING LOCKS: nobody writes these series before you have looked",
      hanging_locks.length > 0 &&
        hanging_locks
          .map(
            ({ series_uri, hanging_since, why, what_next }) =>
              `${safe(series_uri)}\n  since ${hanging_since}: ${safe(why)}\n  ${safe(what_next)}`,
          )
          .join("\n"),
    ),
    section(
      "Progress",
      table(
        ["item", "count", "of", "", "size"],
        progress.map(({ item, count, of, percent, size }) => [item, count, of ?? "", percent, size]),
      ),
    ),
    section("Running", running.length > 0 && renderRuns(running)),
    section(
      "Died without a word; the next copy takes over what they held",
      died.length > 0 && renderRuns(died),
    ),
    section("Rate", rate !== null && renderRate(rate)),
    section(
      "Studies claimed now",
      claims.length > 0 &&
        table(
          ["study", "run", "host", "pid", "lease ends"],
          claims.map(({ studyId, runId, host, pid, expiresAt }) => [
            studyId,
            String(runId),
            host,
            String(pid),
            expiresAt,
          ]),
        ),
    ),
    section(
      "Failures (status --failures lists them)",
      failures.length > 0 &&
        table(
          ["verdict", "error", "count", "for example"],
          failures.map(({ verdict, error_class, count, example }) => [verdict, error_class, count, example]),
        ),
    ),
    section(
      "Warnings",
      warnings.length > 0 &&
        table(
          ["key", "warning"],
          warnings.map(({ key, detail }) => [key, detail]),
        ),
    ),
    section(
      "Last hours",
      last_hours.length > 0 &&
        table(
          ["hour (UTC)", "copied", "adopted", "failed", "sent"],
          last_hours.map(({ hour, copied, adopted, failed, bytes: sent }) => [
            hour,
            copied,
            adopted,
            failed,
            bytes(sent),
          ]),
        ),
    ),
  ]
    .filter((text) => text !== "")
    .join("\n\n")
}

function renderRuns(runs: Status["running"]): string {
  return table(
    ["run", "script", "since", "host", "pid"],
    runs.map(({ run_id, script, started_at, host, pid }) => [
      String(run_id),
      script,
      started_at,
      host,
      String(pid),
    ]),
  )
}

function renderRate({
  objects_per_second,
  bytes_per_second,
  eta_seconds,
}: NonNullable<Status["rate"]>): string {
  const eta = eta_seconds === null ? "" : `, what waits is copied in ${duration(eta_seconds * 1000)}`
  return `${objects_per_second} objects/s, ${bytes(bytes_per_second)}/s${eta}`
}

export function renderFailures(failures: readonly Failure[]): string {
  if (failures.length === 0) return "No failures."
  return table(
    ["verdict", "error", "tries", "key", "message", "what next"],
    failures.map(({ verdict, error_class, tries, path, error_message, what_next }) => [
      verdict,
      error_class,
      tries ?? "",
      path,
      error_message,
      what_next,
    ]),
  )
}

export function renderTimeline(timeline: readonly TimelineLine[]): string {
  return table(
    ["at", "what", "detail"],
    timeline.map(({ at, what, detail }) => [at, what, detail]),
  )
}

export function renderVersions({ tool, bun, sqlite, zstd, ledger_schema }: Versions): string {
  return table(
    ["what", "version"],
    [
      ["tool", tool],
      ["Bun", bun],
      ["SQLite", sqlite],
      ["zstd", zstd],
      ["ledger schema", ledger_schema],
    ],
  )
}

function section(title: string, body: string | false): string {
  return body === false ? "" : `${title}\n${body}`
}
