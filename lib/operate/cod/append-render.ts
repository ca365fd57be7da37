import { count, plural, safe, table } from "../../support/text.ts"
import type { SeriesReport } from "./append-series.ts"
import type { Reason } from "./append-sources.ts"
import { shortTable } from "./short-table.ts"

/** What became of everything that was named: each file is in one of the lists, once. */
export interface AppendReport {
  readonly dryRun: boolean
  readonly series: readonly SeriesReport[]
  /** Of which nothing was stored. */
  readonly refused: readonly RefusedSeries[]
  /** Series that were not begun when it was asked to stop. */
  readonly notBegun: number
  readonly unreadable: readonly Reason[]
  /** Files in folders that are no instances. */
  readonly skipped: readonly Reason[]
}

export interface RefusedSeries {
  readonly uri: string
  readonly files: readonly string[]
  readonly why: string
  readonly hint: string | undefined
}

/** Whether something that was meant to be stored is not. */
export function hasFailed({ series, refused, notBegun, unreadable }: AppendReport): boolean {
  const hasLeftOut = series.some(({ conflict, errors }) => conflict.length + errors.length > 0)
  return hasLeftOut || refused.length + notBegun + unreadable.length > 0
}

export function documentOf({ dryRun, series, refused, notBegun, unreadable, skipped }: AppendReport) {
  return { dry_run: dryRun, series, refused, not_begun: notBegun, unreadable, skipped }
}

export function renderAppend(report: AppendReport): string {
  const { series, refused, skipped } = report
  return [
    ...(series.length === 0
      ? []
      : [table(["series", "new", "same", "conflict", "errors"], series.map(rowOf)), ""]),
    ...refused.flatMap(refusalOf),
    ...listed("not stored", notStored(report)),
    ...listed("passed over", skipped),
    summaryOf(report),
  ].join("\n")
}

function refusalOf({ uri, files, why, hint }: RefusedSeries): string[] {
  const told = why.includes(uri) ? why : `${uri}: ${why}`
  return [
    `${safe(told)}: ${plural(files.length, "file")} not stored`,
    ...(hint === undefined ? [] : [`  ${safe(hint)}`]),
    "",
  ]
}

function rowOf({ uri, new: fresh, same, conflict, errors }: SeriesReport) {
  return [uri, fresh.length, same.length, conflict.length, errors.length]
}

function notStored({ series, unreadable }: AppendReport): Reason[] {
  const conflicts = series.flatMap(({ conflict }) => conflict)
  return [
    ...unreadable,
    ...series.flatMap(({ errors }) => errors),
    ...conflicts.map(({ file, key }) => ({ file, why: `${key} is stored with other bytes, which stay` })),
  ]
}

function listed(title: string, reasons: readonly Reason[]): string[] {
  if (reasons.length === 0) return []
  const rows = reasons.map(({ file, why }) => [file, withoutFile(why, file)])
  return [shortTable([title, "because"], rows), ""]
}

/** It stands in front of it. */
function withoutFile(why: string, file: string): string {
  return why.startsWith(file) ? why.slice(file.length).replace(/^:? /, "") : why
}

function summaryOf(report: AppendReport): string {
  const { series, refused, skipped, notBegun, dryRun } = report
  const sum = (list: "new" | "same") => series.reduce((total, one) => total + one[list].length, 0)
  const left = notStored(report).length + refused.reduce((total, { files }) => total + files.length, 0)
  const parts = [
    `${plural(sum("new"), "instance")} ${dryRun ? "would be stored" : "stored"}`,
    ...(sum("same") > 0 ? [`${count(sum("same"))} there already`] : []),
    ...(left > 0 ? [`${count(left)} not`] : []),
    ...(skipped.length > 0 ? [`${plural(skipped.length, "file")} passed over`] : []),
  ]
  const rest =
    notBegun > 0 ? `; ${plural(notBegun, "series", "series")} not begun: start it again to go on` : ""
  return parts.join(", ") + rest + (dryRun ? "; nothing was written" : "")
}
