import type { ByteRange, ObjectSource } from "../../lib/storage/store.ts"

/** One call of a store. */
export interface WatchedCall {
  readonly verb: "head" | "read" | "list"
  readonly key: string
  readonly range?: ByteRange
  readonly ifGeneration?: string
}

/** A store that remembers what it was asked. */
export interface WatchedStore extends ObjectSource {
  readonly calls: WatchedCall[]
  /** Calls that asked for bytes, of keys that end so. */
  reads(ending?: string): WatchedCall[]
}

/** @param before is called before each call is passed on, and may change what is stored by then, or throw */
export function watched(
  store: ObjectSource,
  before: (call: WatchedCall, earlier: readonly WatchedCall[]) => unknown = () => {},
): WatchedStore {
  const calls: WatchedCall[] = []
  const note = async (call: WatchedCall) => {
    const earlier = [...calls]
    calls.push(call)
    await before(call, earlier)
  }
  return {
    uri: store.uri,
    calls,
    reads: (ending = "") => calls.filter(({ verb, key }) => verb === "read" && key.endsWith(ending)),
    async head(key, signal) {
      await note({ verb: "head", key })
      return await store.head(key, signal)
    },
    async read(key, options = {}, signal) {
      await note({ verb: "read", key, ...options })
      return await store.read(key, options, signal)
    },
    async *list(prefix, signal) {
      await note({ verb: "list", key: prefix })
      yield* store.list(prefix, signal)
    },
  }
}
