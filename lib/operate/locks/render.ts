import type { SettledLock } from "../../pipeline/ingest/settle-locks.ts"
import { describeError } from "../../support/errors.ts"
import { duration, plural, safe, table } from "../../support/text.ts"
import type { LocksCheck } from "./check.ts"
import type { LockLine } from "./lines.ts"
import type { ReleasedLocks } from "./release.ts"

export function renderList(lines: readonly LockLine[]): string {
  if (lines.length === 0) return "No lock is held, and none is left."
  return [...lines.map(blockOf), summary(lines)].join("\n\n")
}

function blockOf({ series_uri, state, age_seconds, owner, why, generations, what_next }: LockLine): string {
  const age = age_seconds === null ? "since when is not known" : `for ${duration(age_seconds * 1000)}`
  const objects = Object.entries(generations ?? {}).map(([name, generation]) => `${name}#${generation}`)
  const rows: [string, string][] = [
    ["owner", `${owner}, ${age}`],
    ["why", why],
    ["objects", objects.join(" ") || "not known"],
    ["next", what_next],
  ]
  const width = Math.max(...rows.map(([name]) => name.length))
  return [
    `${state} ${safe(series_uri)}`,
    ...rows.map(([name, text]) => `  ${name.padEnd(width)}  ${safe(text)}`),
  ].join("\n")
}

function summary(lines: readonly LockLine[]): string {
  const states = ["held", "unfinished", "hanging", "foreign"] as const
  const counts = states.map((state) => [lines.filter((line) => line.state === state).length, state] as const)
  return `${plural(lines.length, "lock")}: ${counts
    .filter(([count]) => count > 0)
    .map(([count, state]) => `${count} ${state}`)
    .join(", ")}`
}

export function renderCheck({ own, foreign, faults }: LocksCheck): string {
  const rows = own.map(({ series_uri, state, standing, is_fault, what_next }) => [
    series_uri,
    state,
    standing,
    is_fault ? what_next : "",
  ])
  return [
    ...(rows.length === 0 ? [] : [table(["series", "state", "in the datastore", "what next"], rows), ""]),
    ...foreign.flatMap((line) => [blockOf(line), ""]),
    faults === 0
      ? `The ledger agrees with the datastore${own.length === 0 ? ": no lock of its own is open" : ""}.`
      : `${plural(faults, "lock")} of ${own.length} ${faults === 1 ? "hangs or differs" : "hang or differ"}.`,
  ].join("\n")
}

export function renderReleased({ series_uri, objects, ended }: ReleasedLocks, dryRun: boolean): string {
  const uri = safe(series_uri)
  if (objects.length === 0 && ended === 0) return `${uri}: nothing to do, it is not locked`
  const rows = objects.map(({ name, generation, held_by }) => [name, generation, held_by])
  return [
    uri,
    ...(rows.length === 0 ? ["nothing stands there any more; the ledger had not heard of it"] : []),
    ...(rows.length === 0
      ? []
      : [table([dryRun ? "would be released" : "released", "generation", "held by"], rows)]),
    "",
    dryRun
      ? "nothing was written"
      : `the next run tries the series again; bun run cod check ${uri} tells whether it is sound`,
  ].join("\n")
}

/** What became of every unfinished lock. */
export function renderAdopted(settled: readonly SettledLock[]): string {
  if (settled.length === 0) return "No lock is unfinished."
  const rows = settled.map(({ seriesUri, outcome, error }) => [
    seriesUri,
    outcome,
    error === undefined ? NEXT[outcome] : describeError(error).message,
  ])
  return table(["series", "lock", ""], rows)
}

const NEXT: Partial<Record<SettledLock["outcome"], string>> = {
  left: "was stored by half: bun run ingest finishes it",
  "in use": "another run packs the series",
}
