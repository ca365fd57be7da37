import { type CheckReport, check as checkSeries, type Finding, type SeriesPlace } from "../../cod/index.ts"
import { plural, safe } from "../../support/text.ts"
import { withinSeries, withStoreOf } from "./open-series.ts"
import { type RetiredFinding, retiredInstances } from "./retired.ts"
import { shortTable } from "./short-table.ts"
import type { CodStart } from "./start.ts"
import { seriesTarget } from "./target.ts"

/** `cod check URI`: whether everything that is stored of a series fits together. 1 when something cannot be had. */
export async function check(
  start: CodStart,
  [uri = ""]: readonly string[],
  { quick }: { readonly quick: boolean },
): Promise<0 | 1> {
  const place = seriesTarget(uri)
  const { progress, stop } = start
  const onProgress = (done: number, of: number) =>
    done === 0 ? progress.start(of, "instances") : progress.tick()
  const report = await withStoreOf(place, start, async (store) => {
    const { findings, ...checked } = await checkSeries(
      uri,
      { store, bytes: !quick, onProgress },
      stop.requested,
    )
    const retired = checked.isSound ? await retiredInstances(start, place, store) : []
    return { ...checked, findings: [...findings, ...retired] }
  }).finally(progress.stop)
  await start.print(documentOf(report, quick), () => renderCheck(report, place, quick))
  return report.isSound ? 0 : 1
}

/** What a check found, and what the ledger knows of it. */
type Report = Omit<CheckReport, "findings"> & { readonly findings: readonly Found[] }
type Found = Finding | RetiredFinding

function documentOf({ series, instances, isSound, findings }: Report, quick: boolean) {
  return {
    uri: series,
    instances,
    bytes_read: !quick,
    sound: isSound,
    errors: findings.filter(({ severity }) => severity === "error").length,
    notes: findings.filter(({ severity }) => severity === "note").length,
    findings: findings.map(({ kind, severity, where, what, todo }) => ({
      severity,
      kind,
      where,
      what,
      todo,
    })),
  }
}

export function renderCheck(
  { series, instances, findings }: Report,
  place: SeriesPlace,
  quick: boolean,
): string {
  const errors = findings.filter(({ severity }) => severity === "error")
  const notes = findings.filter(({ severity }) => severity === "note")
  const how = quick ? ", only headers compared" : ""
  return [
    safe(series),
    ...listed("Errors", errors, place),
    ...listed("Notes, by which nothing is lost", notes, place),
    ...(findings.length === 0 ? [] : [`\nWhat to do\n${todos(findings)}`]),
    `\n${plural(instances, "instance")}${how}: ` +
      (findings.length === 0
        ? "sound"
        : [
            ...(errors.length > 0 ? [plural(errors.length, "error")] : ["sound"]),
            ...(notes.length > 0 ? [plural(notes.length, "note")] : []),
          ].join(", ")),
  ].join("\n")
}

function listed(title: string, findings: readonly Found[], place: SeriesPlace): string[] {
  if (findings.length === 0) return []
  const rows = findings.map(({ kind, where, what }) => [kind, withinSeries(where, place), what])
  return [`\n${title}\n${shortTable(["finding", "where", "what"], rows)}`]
}

function todos(findings: readonly Found[]): string {
  const byKind = new Map(findings.map(({ kind, todo }) => [kind, todo]))
  return [...byKind].map(([kind, todo]) => `${kind}: ${todo}`).join("\n")
}
