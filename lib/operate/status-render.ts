import type { Failure, TimelineLine } from "../ledger/views.ts"
import { bytes, duration, safe, table } from "../support/text.ts"
import type { Status, Versions } from "./status.ts"

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
