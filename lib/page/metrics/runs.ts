import type { Ledger } from "../../ledger/open.ts"
import { type LastRun, lastEndedRuns, lastRun } from "../../ledger/page/last-runs.ts"
import { runsByOutcome } from "../../ledger/page/machine.ts"
import { livingRuns } from "../../ledger/runs.ts"
import type { Exposition, Sample } from "./exposition.ts"

const OUTCOMES = ["done", "failed", "stopped", "crashed"] as const

/** What ran, how it ended, and what runs now. */
export function tellRuns({ gauge, counter }: Exposition, ledger: Ledger) {
  counter(
    "etl_runs_total",
    "Runs that ended, by script and outcome.",
    runsByOutcome(ledger).flatMap(({ script, outcome, count }) =>
      outcome === null ? [] : [{ labels: { script, outcome }, value: count }],
    ),
  )
  const living = Map.groupBy(livingRuns(ledger), ({ script }) => script)
  gauge(
    "etl_runs_under_way",
    "Runs whose process lives, by script.",
    [...living].map(([script, { length }]) => ({ labels: { script }, value: length })),
  )
  const scheduler = lastRun(ledger, "schedule")
  if (scheduler !== undefined)
    gauge(
      "etl_scheduler_up",
      "1 while a scheduler lives; absent where none ever ran.",
      Number(isUp(scheduler)),
    )
  tellLastRuns(gauge, lastEndedRuns(ledger))
}

function tellLastRuns(gauge: Exposition["gauge"], last: readonly LastRun[]) {
  const of = (value: (run: LastRun) => number): Sample[] =>
    last.map((run) => ({ labels: { script: run.script }, value: value(run) }))
  gauge(
    "etl_last_run_start_timestamp_seconds",
    "When the last run of a script that ended began.",
    of(({ startedAt }) => seconds(startedAt)),
  )
  gauge(
    "etl_last_run_end_timestamp_seconds",
    "When it ended.",
    of(({ endedAt }) => seconds(endedAt)),
  )
  gauge(
    "etl_last_run_duration_seconds",
    "How long it took.",
    of(({ startedAt, endedAt }) => (Date.parse(endedAt ?? startedAt) - Date.parse(startedAt)) / 1000),
  )
  gauge(
    "etl_last_run_outcome",
    "1 for the outcome that it had, 0 for the others.",
    last.flatMap(({ script, state }) =>
      OUTCOMES.map((outcome) => ({ labels: { script, outcome }, value: Number(outcome === state) })),
    ),
  )
}

function isUp({ state }: LastRun): boolean {
  return state === "running"
}

function seconds(iso: string | null): number {
  return iso === null ? Number.NaN : Date.parse(iso) / 1000
}
