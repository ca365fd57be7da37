import type { Ledger } from "../../ledger/open.ts"
import { type LastRun, lastFiring, lastRun } from "../../ledger/page/last-runs.ts"
import { COPYING } from "../../ledger/runs.ts"
import { type Check, failing, well } from "./check.ts"

/**
 * Whether the scheduler does what it is there for. It is dead when it ended without anybody asking: its process is gone,
 * its lease has lapsed, it crashed or failed; until the next one starts. One that somebody stopped is meant to be; and
 * where none ever ran, somebody else begins the runs.
 */
export function checkScheduler(ledger: Ledger): Check {
  const scheduler = lastRun(ledger, "schedule")
  if (scheduler === undefined) return well("scheduler", "none has run here")
  const { runId, startedAt, endedAt, state } = scheduler
  if (state === "running") return well("scheduler", `run ${runId} waits since ${startedAt}`)
  if (state === "stopped" || state === "done")
    return well("scheduler", `none is running: run ${runId} was stopped at ${endedAt}`)
  return failing("scheduler", `run ${runId}, begun at ${startedAt}, ${LOST[state]}; start it again`)
}

/** Whether the last run that copies came to a good end, or may still: one that is under way is a new try. */
export function checkLastRun(ledger: Ledger): Check {
  const last = newest(COPYING.map((script) => lastRun(ledger, script)))
  const firing = lastFiring(ledger)
  // The scheduler's job may fail before it becomes a run: the database did not answer.
  if (firing?.outcome === "failed" && firing.firedAt > (last?.startedAt ?? "")) {
    const { firedAt, errorClass, errorMessage } = firing
    const why = errorClass === null ? "" : `: ${errorClass}: ${errorMessage}`
    return failing("last run", `what the scheduler began at ${firedAt} failed${why}`)
  }
  if (last === undefined) return well("last run", "none yet")
  const { runId, script, startedAt, endedAt, state } = last
  const told = `run ${runId} (${script})`
  if (state === "running") return well("last run", `${told} is under way since ${startedAt}`)
  if (state === "crashed" || state === "failed")
    return failing("last run", `${told}, begun at ${startedAt}, ${LOST[state]}`)
  return well("last run", `${told} ${state === "done" ? "ended well" : "was stopped"} at ${endedAt}`)
}

const LOST = { crashed: "died without a word", failed: "failed" } as const

function newest(runs: readonly (LastRun | undefined)[]): LastRun | undefined {
  return runs.filter((run) => run !== undefined).toSorted((a, b) => b.runId - a.runId)[0]
}
