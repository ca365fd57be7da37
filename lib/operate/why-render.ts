import { bytes, count, plural, safe, table } from "../support/text.ts"
import { isUnavailable, type Told, type WhyReport } from "./why.ts"
import type { LedgerSide } from "./why-ledger.ts"
import type { PackedSeries, PackingSide } from "./why-packing.ts"
import type { DestinationSide, OriginSide } from "./why-places.ts"
import type { NextStep } from "./why-step.ts"

/** Paths of one kind that a person reads; the document has all. */
const LISTED = 10

export function renderWhy(report: WhyReport): string {
  const { study_id, organization_id, database, ledger, packing, origin, destination } = report
  return [
    `Study ${study_id}${organization_id === null ? "" : `, organization ${organization_id}`}`,
    section("Rules, as the database has it now", told(database, renderRules)),
    section("Ledger", ledger === null ? "not known to it" : renderLedger(ledger)),
    ...(packing === null ? [] : [section("Cloud Optimized DICOM, by the ledger", renderPacking(packing))]),
    section("Origin", origin === null ? UNASKED : told(origin, renderOrigin)),
    section("Destination", destination === null ? UNASKED : told(destination, renderDestination)),
    section("What happens next", renderNext(report)),
  ].join("\n\n")
}

const UNASKED = "not asked: nothing tells where its files would lie"

function section(title: string, body: string): string {
  return `${title}\n${body}`
}

function told<T extends object>(side: Told<T>, render: (side: T) => string): string {
  return isUnavailable(side) ? `could not be asked: ${safe(side.unavailable)}` : render(side)
}

function renderRules({
  rules,
  deleted,
}: Exclude<WhyReport["database"], { readonly unavailable: string }>): string {
  const lines = rules.map(({ rule, verdict, value }) => [rule, verdict, value])
  const mark = deleted === null ? [] : [["deleted", "no rule", String(deleted)]]
  return table(["rule", "verdict", "value"], [...lines, ...mark])
}

function renderLedger(ledger: LedgerSide): string {
  const { objects, troubled, failure } = ledger
  const facts: readonly (readonly [string, string | null])[] = [
    [
      "standing",
      ledger.standing + (ledger.standing_reason === null ? "" : `, by the rule ${ledger.standing_reason}`),
    ],
    ["planned by", `cohort ${ledger.cohort}, best rank ${ledger.doctor_rank ?? "unknown"}`],
    ["seen", `first ${ledger.first_seen_at}, last ${ledger.last_seen_at}`],
    ["begun", ledger.begun_at],
    ["complete", ledger.completed_at],
    ["receipt", ledger.receipt],
    ["failed as a whole", failure && `${failure.verdict}: ${failure.error_class}: ${failure.error_message}`],
  ]
  return [
    table(
      ["what", "value"],
      facts.map(([what, value]) => [what, value ?? "no"]),
    ),
    "",
    table(
      ["objects", "state", "count", "copied"],
      objects.map((line) => [line.kind, line.state, line.count, bytes(line.bytes)]),
    ),
    ...(troubled.length > 0 ? ["", renderTroubled(troubled)] : []),
  ].join("\n")
}

function renderTroubled(troubled: LedgerSide["troubled"]): string {
  return [
    table(
      ["verdict", "error", "tries", "path", "message"],
      troubled
        .slice(0, LISTED)
        .map((object) => [
          object.verdict,
          object.error_class,
          object.tries,
          object.path,
          object.error_message,
        ]),
    ),
    ...more(troubled),
  ].join("\n")
}

function renderPacking({ series, troubled, without_series, headers_to_read }: PackingSide): string {
  if (series.length + without_series.length + headers_to_read === 0) return "no image is copied yet"
  return [
    ...series.slice(0, LISTED).flatMap(renderSeries),
    ...more(series),
    ...(headers_to_read > 0
      ? [`${plural(headers_to_read, "image")} of which nobody knows yet to which series they belong`]
      : []),
    ...troubled
      .slice(0, LISTED)
      .map(
        ({ path, result, error_class: name, error_message: message }) =>
          `  ${result}: ${safe(path)}: ${safe(`${name}: ${message}`)}`,
      ),
    ...more(troubled),
    ...without_series
      .slice(0, LISTED)
      .map(({ path, error }) => `  no series can hold ${safe(path)}: ${safe(error)}`),
    ...more(without_series),
  ].join("\n")
}

function renderSeries({ uri, series_uid, state, reason, packed_at, images }: PackedSeries): string[] {
  const counts = Object.entries(images).filter(([name, images]) => images > 0 || name === "packed")
  const when = state === "packed" ? ` ${packed_at}` : ""
  return [
    safe(uri ?? series_uid),
    `  ${state}${when}; images of this study: ${counts.map(([name, images]) => `${count(images)} ${name}`).join(", ")}`,
    ...(reason === null ? [] : [`  ${safe(reason)}`]),
  ]
}

function renderOrigin({ uri, wanted, found, bytes: size, missing, listed }: OriginSide): string {
  return [
    `${safe(uri)} has ${count(found)} of ${plural(wanted, "object")}, ${bytes(size)}`,
    ...(listed === null
      ? []
      : [`${plural(listed, "DICOM file")} in its listing: the database has no image rows`]),
    ...missing.slice(0, LISTED).map(({ path, kind }) => `  missing: ${safe(path)}${instead(kind)}`),
    ...more(missing),
  ].join("\n")
}

/** What a copy does without the origin. */
function instead(kind: string): string {
  if (kind === "metadata") return " (made from the database instead)"
  return kind === "report" ? " (taken from the database, if it has the text)" : ""
}

function renderDestination({
  uri,
  objects,
  bytes: size,
  receipt,
  differing,
  unknown,
}: DestinationSide): string {
  return [
    `${safe(uri)} has ${plural(objects, "object")}, ${bytes(size)}, and ${receipt ? "a" : "no"} receipt`,
    ...(unknown > 0 ? [`${plural(unknown, "object")} there that the ledger does not know as copied`] : []),
    ...differing.slice(0, LISTED).map(({ path, problem }) => `  not as recorded: ${safe(path)}: ${problem}`),
    ...more(differing),
  ].join("\n")
}

function more(lines: readonly unknown[]): string[] {
  return lines.length > LISTED ? [`  and ${count(lines.length - LISTED)} more: --json lists them`] : []
}

function renderNext({ next, next_firing }: WhyReport): string {
  return [
    ...next.flatMap(renderStep),
    ...(next.some(({ when }) => when === "next run") && next_firing !== null
      ? [`A running schedule begins its next run ${next_firing}.`]
      : []),
  ].join("\n")
}

function renderStep({ when, what, not_before, unless, command }: NextStep): string[] {
  const trigger = when === "next run" ? "at once" : unless === null ? "run" : "then run"
  return [
    `${when}: ${safe(what)}`,
    ...(not_before === null ? [] : [`  by a running schedule not before ${not_before}`]),
    ...(unless === null ? [] : [`  unless ${unless}`]),
    ...(command === null ? [] : [`  ${trigger}: ${safe(command)}`]),
  ]
}
