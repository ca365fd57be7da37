import type { Ledger } from "./open.ts"
import type { Tally } from "./tally.ts"

/** Collects small writes of many tasks into one FULL commit. */
export interface GroupCommit {
  /** Resolves once the commit that holds this write is on disk; rejects when the write or the commit failed. */
  add(write: (tally: Tally) => void): Promise<void>
}

/** A commit costs a disk flush whatever it holds; waiting this long fills it without being felt. */
const MAX_DELAY_MS = 3
const MAX_WRITES = 64

interface Waiting {
  readonly write: (tally: Tally) => void
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

export function groupCommit(ledger: Ledger): GroupCommit {
  let waiting: Waiting[] = []
  let timer: ReturnType<typeof setTimeout> | undefined

  function flush() {
    clearTimeout(timer)
    timer = undefined
    const batch = waiting
    waiting = []
    settle(batch)
  }

  /** A write that throws is rolled back alone; a commit that fails fails all of them. */
  function settle(batch: readonly Waiting[]) {
    const outcomes: (() => void)[] = []
    try {
      ledger.write(() => {
        for (const { write, resolve, reject } of batch) {
          try {
            ledger.write(write)
            outcomes.push(resolve)
          } catch (error) {
            // A full disk rolls back the whole transaction: nothing of the batch stands, and nothing more may be added.
            if (!ledger.db.inTransaction) throw error
            outcomes.push(() => reject(error))
          }
        }
      })
    } catch (error) {
      for (const { reject } of batch) reject(error)
      return
    }
    for (const report of outcomes) report()
  }

  return {
    add(write) {
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      waiting.push({ write, resolve, reject })
      if (waiting.length >= MAX_WRITES) flush()
      else timer ??= setTimeout(flush, MAX_DELAY_MS)
      return promise
    },
  }
}
