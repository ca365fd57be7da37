import type { ObjectStore } from "../../../lib/storage/store.ts"

/** One call of a store. */
export interface StoreCall {
  readonly verb: "head" | "read" | "list" | "write" | "delete"
  readonly key: string
  /** From 1. */
  readonly number: number
}

/** A store whose calls are counted, and one of which can be made to fail, before it was passed on or after. */
export interface StoppingStore {
  readonly store: ObjectStore
  readonly calls: readonly StoreCall[]
  /** The next call of which this is true throws; those after it are passed on again, or fail as well (`forGood`). */
  stopAt(
    which: (call: StoreCall) => boolean,
    error: Error,
    when?: "before" | "after",
    forGood?: boolean,
  ): void
}

export function stopping(inner: ObjectStore): StoppingStore {
  const calls: StoreCall[] = []
  let stop:
    | { which(call: StoreCall): boolean; error: Error; when: "before" | "after"; forGood: boolean }
    | undefined
  let isDead: Error | undefined

  const pass = async <T>(verb: StoreCall["verb"], key: string, work: () => Promise<T>): Promise<T> => {
    if (isDead !== undefined) throw isDead
    const call = { verb, key, number: calls.length + 1 }
    calls.push(call)
    const stopped = stop?.which(call) === true ? stop : undefined
    if (stopped === undefined) return await work()
    stop = undefined
    if (stopped.when === "after") await work()
    if (stopped.forGood) isDead = stopped.error
    throw stopped.error
  }

  const store: ObjectStore = {
    uri: inner.uri,
    head: (key, signal) => pass("head", key, () => inner.head(key, signal)),
    read: (key, options, signal) => pass("read", key, () => inner.read(key, options, signal)),
    async *list(prefix, signal) {
      await pass("list", prefix, async () => {})
      yield* inner.list(prefix, signal)
    },
    write: (key, body, options, signal) => pass("write", key, () => inner.write(key, body, options, signal)),
    delete: (key, options, signal) => pass("delete", key, () => inner.delete(key, options, signal)),
  }
  return {
    store,
    calls,
    stopAt(which, error, when = "before", forGood = false) {
      stop = { which, error, when, forGood }
    },
  }
}
