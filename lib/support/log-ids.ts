import { AsyncLocalStorage } from "node:async_hooks"

/** What a piece of work is about, for every line that is logged on its behalf. */
export interface LogIds {
  readonly run?: number
  readonly study?: string
  /** Path of an object within its study. */
  readonly object?: string
}

const current = new AsyncLocalStorage<LogIds>()

/**
 * Does the work; each line logged in it, also deep in a store that knows of no study, carries these ids beside those of
 * the work around it.
 */
export function withLogIds<T>(ids: LogIds, work: () => T): T {
  return current.run({ ...current.getStore(), ...ids }, work)
}

/** A copy, for the logger to add to. */
export function logIds(): LogIds {
  return { ...current.getStore() }
}
