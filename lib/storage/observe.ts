import { AppError, describeError } from "../support/errors.ts"
import type { Asked } from "./failures.ts"
import type { ObjectInfo, ObjectSource, ObjectStore } from "./store.ts"

/** One call of a store and how it ended. It names no URL: those that are signed are secrets. */
export interface Call extends Asked {
  /** `ok`, `absent`, or the class of the error. */
  readonly outcome: string
  /** HTTP status of a refusal, where there was one. */
  readonly status?: number
  readonly ms: number
  /** What a listing gave, what a write sent. */
  readonly items?: number
  readonly bytes?: number
}

/**
 * A store that tells of every call when it has ended, of a `read` when its body begins, of a listing when its last item was given. Put
 * below the one that repeats calls, it tells of every try.
 */
export function withObserver<S extends ObjectSource>(store: S, onCall: OnCall): S {
  const observe: Observe = async (asked, work, tell = () => ({})) => {
    const startedAt = performance.now()
    const end = (outcome: string, more: Partial<Call>) =>
      onCall({ ...asked, store: store.uri, outcome, ms: Math.round(performance.now() - startedAt), ...more })
    try {
      const result = await work()
      end(result === undefined && asked.verb === "head" ? "absent" : "ok", tell(result))
      return result
    } catch (error) {
      end(describeError(error).class, statusOf(error))
      throw error
    }
  }
  return {
    ...store,
    ...observedReads(store, observe, { store: store.uri, onCall }),
    ...(isWritable(store) ? observedWrites(store, observe) : {}),
  }
}

type OnCall = (call: Call) => void

interface Observer {
  readonly store: string
  readonly onCall: OnCall
}

type Observe = <T>(
  asked: Pick<Asked, "verb" | "key">,
  work: () => Promise<T>,
  tell?: (result: T) => Partial<Call>,
) => Promise<T>

function observedReads(store: ObjectSource, observe: Observe, observer: Observer) {
  const { partSize, probe } = store
  return {
    head: (key, signal) => observe({ verb: "head", key }, () => store.head(key, signal)),
    read: (key, options, signal) => observe({ verb: "read", key }, () => store.read(key, options, signal)),
    list: (prefix, signal) => ({
      [Symbol.asyncIterator]: () => observedIterator(store.list(prefix, signal), prefix, observer),
    }),
    ...(partSize && {
      partSize: (key, generation, signal) =>
        observe({ verb: "head", key }, () => partSize(key, generation, signal)),
    }),
    ...(probe && { probe: (signal) => observe({ verb: "probe" }, () => probe(signal)) }),
  } satisfies Partial<ObjectSource>
}

/** Its time is what the listing took, not what was done with the items. */
function observedIterator(
  list: AsyncIterable<ObjectInfo>,
  prefix: string,
  { onCall, store }: Observer,
): AsyncIterator<ObjectInfo> {
  const iterator = list[Symbol.asyncIterator]()
  let items = 0
  let ms = 0
  const tell = (outcome: string, more = {}) =>
    onCall({ verb: "list", store, key: prefix, outcome, ms: Math.round(ms), items, ...more })
  return {
    async next() {
      const startedAt = performance.now()
      try {
        const result = await iterator.next()
        ms += performance.now() - startedAt
        if (result.done) tell("ok")
        else items += 1
        return result
      } catch (error) {
        ms += performance.now() - startedAt
        tell(describeError(error).class, statusOf(error))
        throw error
      }
    },
  }
}

function observedWrites(store: ObjectStore, observe: Observe) {
  return {
    write: (key, body, options, signal) =>
      observe(
        { verb: "write", key },
        () => store.write(key, body, options, signal),
        ({ size }) => ({ bytes: size }),
      ),
    delete: (key, options, signal) =>
      observe({ verb: "delete", key }, () => store.delete(key, options, signal)),
  } satisfies Partial<ObjectStore>
}

function statusOf(error: unknown): { status?: number } {
  const status = error instanceof AppError ? error.facts.status : undefined
  return typeof status === "number" ? { status } : {}
}

function isWritable(store: ObjectSource): store is ObjectStore {
  return "write" in store
}
