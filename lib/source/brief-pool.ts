import type { Sql } from "postgres"
import { Aborted } from "../support/errors.ts"
import { semaphore } from "../support/pool.ts"
import { connect, type PacsSettings, type Reading, readOnly, type TimeLimits } from "./connection.ts"
import { DatabaseSilent } from "./errors.ts"

/** A few connections for the questions about single rows that come in between copies. */
export interface BriefPool {
  read<T>(work: (reading: Reading) => Promise<T>, signal?: AbortSignal): Promise<T>
  close(): Promise<void>
}

const CONNECTIONS = 4
const STATEMENT_MS = 30_000

export function briefPool(settings: PacsSettings, given: TimeLimits): BriefPool {
  const limits = { ...given, statementMs: Math.min(given.statementMs, STATEMENT_MS) }
  const slots = semaphore(CONNECTIONS)
  let current: Connections | undefined

  /** Whoever still waits for an answer over these connections is told that none will come. */
  const giveUp = async (connections: Connections, reason: Error, seconds: number) => {
    if (connections === current) current = undefined
    await connections.client.end({ timeout: seconds })
    connections.givenUp.abort(reason)
  }

  return {
    async read(work, signal) {
      // Before the time limits begin to run: waiting for a turn is not the database's silence.
      using _ = await slots.acquire(1, signal)
      current ??= { client: connect(settings, limits, CONNECTIONS), givenUp: new AbortController() }
      const used = current
      const stop = signal === undefined ? used.givenUp.signal : AbortSignal.any([signal, used.givenUp.signal])
      try {
        return await readOnly(used.client, settings, limits, work, stop)
      } catch (cause) {
        // The driver cannot end one connection alone, and one over which nothing comes would stay taken.
        if (cause instanceof DatabaseSilent) await giveUp(used, cause, 0)
        throw cause
      }
    },
    async close() {
      const closed = new Aborted("the PACS database was closed")
      if (current !== undefined) await giveUp(current, closed, limits.closeMs / 1000)
    },
  }
}

interface Connections {
  readonly client: Sql
  readonly givenUp: AbortController
}
