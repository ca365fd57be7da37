import { LedgerBusy, LedgerUnusable } from "./errors.ts"
import type { Ledger } from "./open.ts"
import type { Tally } from "./tally.ts"

/** Collects small writes of many tasks into one FULL commit. */
export interface GroupCommit {
  /**
   * Resolves with what the write returned once the commit that holds it is on disk; rejects when the write or the
   * commit failed. A write is done again when another of its commit failed, so it must change the ledger alone.
   */
  add<T>(write: (tally: Tally) => T): Promise<T>
}

const MAX_WRITES = 64

interface Waiting {
  readonly write: (tally: Tally) => unknown
  readonly resolve: (result: unknown) => void
  readonly reject: (error: unknown) => void
}

export function groupCommit(ledger: Ledger): GroupCommit {
  let waiting: Waiting[] = []
  let timer: ReturnType<typeof setTimeout> | undefined
  let nextAt = 0

  function flush() {
    clearTimeout(timer)
    timer = undefined
    const batch = waiting
    waiting = []
    const startedAt = performance.now()
    commit(ledger, batch)
    // It flushed the disk, whatever it held, and all else stood still meanwhile. Whether the disk is fast or slow, half
    // of the time is left to the work, and a busy time fills each commit with what comes during one.
    const endedAt = performance.now()
    nextAt = endedAt + (endedAt - startedAt)
  }

  return {
    add<T>(write: (tally: Tally) => T): Promise<T> {
      const { promise, resolve, reject } = Promise.withResolvers<unknown>()
      waiting.push({ write, resolve, reject })
      if (waiting.length >= MAX_WRITES) flush()
      else timer ??= setTimeout(flush, Math.max(0, nextAt - performance.now()))
      return promise as Promise<T>
    },
  }
}

/** A write that throws is rolled back alone; a commit that fails fails all of them. */
function commit(ledger: Ledger, batch: readonly Waiting[]) {
  try {
    const results = ledger.write((tally) => batch.map(({ write }) => write(tally)))
    batch.forEach(({ resolve }, index) => {
      resolve(results[index])
    })
  } catch (error) {
    const failsAll = error instanceof LedgerUnusable || error instanceof LedgerBusy
    if (failsAll || batch.length === 1) for (const { reject } of batch) reject(error)
    // Which of them it was is found by doing each alone: that is rare, and a savepoint around each would not be.
    else for (const one of batch) commit(ledger, [one])
  }
}
