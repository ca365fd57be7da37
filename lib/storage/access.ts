import { AccessDenied } from "./errors.ts"
import type { ObjectSource, ObjectStore } from "./store.ts"

/**
 * A store whose `AccessDenied` ends the run (verdict `stop`) only as long as no call of its kind has succeeded. Once
 * one has, a refusal concerns one object: another key encrypts it, or it is not there and S3, asked by somebody who may
 * not list, says 403 instead of 404. Then the verdict is `retry`.
 */
export function withAccessRule<S extends ObjectSource>(store: S): S {
  const reading = right()
  const listing = right()
  const { partSize, probe } = store
  return {
    ...store,
    ...(isWritable(store) ? writingRules(store) : {}),
    head: (key, signal) => reading.use(() => store.head(key, signal)),
    read: (key, options, signal) => reading.use(() => store.read(key, options, signal)),
    list: (prefix, signal) => ({
      [Symbol.asyncIterator]() {
        const items = store.list(prefix, signal)[Symbol.asyncIterator]()
        return { next: () => listing.use(() => items.next()) }
      },
    }),
    ...(partSize && {
      partSize: (key, generation, signal) => reading.use(() => partSize(key, generation, signal)),
    }),
    ...(probe && {
      async probe(signal) {
        const couldLook = await probe(signal)
        if (couldLook) reading.expect()
        return couldLook
      },
    }),
  }
}

/**
 * What may be listed can mostly be read as well: so many refusals are believed to be the objects' own before the right
 * to read is taken for missing.
 */
const BENEFIT_OF_DOUBT = 16

function right() {
  let isProven = false
  let doubts = 0
  return {
    expect() {
      doubts = BENEFIT_OF_DOUBT
    },
    async use<T>(call: () => Promise<T>): Promise<T> {
      try {
        const result = await call()
        isProven = true
        return result
      } catch (error) {
        if (!(error instanceof AccessDenied)) throw error
        if (!isProven && doubts === 0) throw error
        doubts = Math.max(0, doubts - 1)
        throw new AccessDenied(error.message, error.facts, error.cause, "retry")
      }
    },
  }
}

function writingRules(store: ObjectStore) {
  const writing = right()
  const deleting = right()
  return {
    write: (key, body, options, signal) => writing.use(() => store.write(key, body, options, signal)),
    delete: (key, options, signal) => deleting.use(() => store.delete(key, options, signal)),
  } satisfies Partial<ObjectStore>
}

function isWritable(store: ObjectSource): store is ObjectStore {
  return "write" in store
}
