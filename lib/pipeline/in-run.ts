import { asLedgerError } from "../ledger/errors.ts"
import { foldAttempts } from "../ledger/fold-attempts.ts"
import { type Ledger, openLedger } from "../ledger/open.ts"
import { endRun, RUN_HEARTBEAT_MS, type RunCounts, renewRun, startRun } from "../ledger/runs.ts"
import type { Config } from "../support/config.ts"
import type { Log } from "../support/log.ts"
import { withLogIds } from "../support/log-ids.ts"
import { thisProcess } from "../support/owner.ts"
import type { Stop } from "../support/stop.ts"
import { VERSION } from "../support/version.ts"

/** What a run is recorded as, and what it is told. */
export interface RunOf {
  readonly script: string
  /** Its words as they were typed. */
  readonly words: readonly string[]
  readonly config: Pick<Config, "ledger">
  readonly log: Log
  readonly stop: Stop
  /** Only while no other run of this script is alive. */
  readonly alone?: boolean
}

/** How the work ended: the exit code, and what the ledger's row of the run tells of it. */
export interface End {
  readonly outcome: 0 | 1
  readonly counts: RunCounts
}

/**
 * One run of a script: a row of the ledger from its start to its outcome, and a scope for what it opens.
 * @throws RunUnderWay when it is to be alone and another run of the script is alive; then nothing is recorded
 */
export async function inRun(
  start: RunOf,
  work: (scope: AsyncDisposableStack, ledger: Ledger, runId: number) => Promise<End>,
): Promise<0 | 1> {
  await using scope = new AsyncDisposableStack()
  const { script, words, stop, config, log, alone = false } = start
  const ledger = scope.use(openLedger(config.ledger.path))
  const owner = thisProcess()
  const runId = startRun(ledger, { script, arguments: words, version: VERSION, owner, alone })
  using _ = heartbeat(ledger, runId, log)
  try {
    const { outcome, counts } = await withLogIds({ run: runId }, () => work(scope, ledger, runId))
    const ended = outcome === 0 ? "done" : "failed"
    endRun(ledger, runId, stop.requested.aborted ? "stopped" : ended, counts)
    await withLogIds({ run: runId }, () => foldOldAttempts(ledger, log, stop))
    return outcome
  } catch (cause) {
    const error = asLedgerError(cause, config.ledger.path)
    endRun(ledger, runId, stop.requested.aborted ? "stopped" : "failed", {})
    throw error
  }
}

/** The run has ended and is recorded: what can be done another day as well takes nothing from it. */
async function foldOldAttempts(ledger: Ledger, log: Log, stop: Stop) {
  try {
    const folded = await foldAttempts(ledger, stop.requested)
    if (folded > 0) log.info({ folded }, "tries older than 90 days are daily totals now")
  } catch (error) {
    log.warn({ err: error }, "old tries could not be folded; the next run does it")
  }
}

/** Missing a beat does no harm, and missing all of them no more than that another run believes this one dead. */
function heartbeat(ledger: Ledger, runId: number, log: Log): Disposable {
  const timer = setInterval(() => {
    try {
      renewRun(ledger, runId)
    } catch (error) {
      log.warn({ err: error }, "the run could not say that it lives")
    }
  }, RUN_HEARTBEAT_MS)
  return { [Symbol.dispose]: () => clearInterval(timer) }
}
