import { backOff, DEFAULT_RETRY, type Retrying, type RetryPolicy } from "./backoff.ts"
import { AccessDenied, NotFound, PreconditionFailed } from "./errors.ts"
import type { Asked } from "./failures.ts"
import type { ObjectInfo, ObjectSource, ObjectStore, UploadBody, WriteOptions } from "./store.ts"
import { sizeOfBody } from "./upload-parts.ts"

/** A call that failed and is about to be repeated. */
export type RetryEvent = Asked & Retrying

/**
 * A store whose calls are repeated while they fail with `Unavailable`. What broke within a body that `read` already gave
 * away is its reader's matter.
 *
 * Writes and deletes are safe to repeat because each carries its precondition, but the answer to the first one may have
 * been lost after it took effect: then the second would be refused by our own object. Therefore a write is never
 * repeated blindly; `head` is asked first whether the object that we meant to write is there.
 */
export function withRetry<S extends ObjectSource>(
  store: S,
  policy: RetryPolicy = DEFAULT_RETRY,
  onRetry?: (event: RetryEvent) => void,
): S {
  const repeat: Repeat = (verb, key, work, signal) => {
    const asked = { verb, store: store.uri, ...(key === undefined ? {} : { key }) }
    return backOff(work, policy, { onRetry: (retrying) => onRetry?.({ ...asked, ...retrying }) }, signal)
  }
  return {
    ...store,
    ...repeatedReads(store, repeat),
    ...(isWritable(store) ? repeatedWrites(store, repeat) : {}),
  }
}

/** `attempt` counts from 1. */
type Repeat = <T>(
  verb: Asked["verb"],
  key: string | undefined,
  work: (attempt: number) => Promise<T>,
  signal?: AbortSignal,
) => Promise<T>

function repeatedReads(store: ObjectSource, repeat: Repeat) {
  const { partSize, probe } = store
  return {
    head: (key, signal) => repeat("head", key, () => store.head(key, signal), signal),
    read: (key, options, signal) => repeat("read", key, () => store.read(key, options, signal), signal),
    list: (prefix, signal) => ({
      [Symbol.asyncIterator]: () => repeatedIterator(store.list(prefix, signal), prefix, repeat, signal),
    }),
    ...(partSize && {
      partSize: (key, generation, signal) =>
        repeat("head", key, () => partSize(key, generation, signal), signal),
    }),
    ...(probe && { probe: (signal) => repeat("probe", undefined, () => probe(signal), signal) }),
  } satisfies Partial<ObjectSource>
}

/** Costs nothing while all goes well: a listing may have millions of items. */
function repeatedIterator(
  list: AsyncIterable<ObjectInfo>,
  prefix: string,
  repeat: Repeat,
  signal: AbortSignal | undefined,
): AsyncIterator<ObjectInfo> {
  const items = list[Symbol.asyncIterator]()
  return {
    async next() {
      try {
        return await items.next()
      } catch (failure) {
        const again = (attempt: number) => (attempt === 1 ? Promise.reject(failure) : items.next())
        return repeat("list", prefix, again, signal)
      }
    },
  }
}

function repeatedWrites(store: ObjectStore, repeat: Repeat) {
  return {
    write: (key, body, options, signal) => {
      const lostWrite = () => findWritten(store, key, body, options, signal)
      const write = async (attempt: number) => {
        const written = attempt === 1 ? undefined : await lostWrite()
        if (written !== undefined) return written
        try {
          return await store.write(key, body, options, signal)
        } catch (error) {
          // The lost write may have become visible since `head` looked.
          const own = attempt > 1 && error instanceof PreconditionFailed ? await lostWrite() : undefined
          if (own !== undefined) return own
          throw error
        }
      }
      return repeat("write", key, write, signal)
    },

    delete: (key, options, signal) => {
      const remove = async (attempt: number) => {
        try {
          await store.delete(key, options, signal)
        } catch (error) {
          // That generation never comes back: whatever stands there now, somebody put it where there was room.
          const isGone = error instanceof NotFound || error instanceof PreconditionFailed
          if (attempt === 1 || !isGone) throw error
        }
      }
      return repeat("delete", key, remove, signal)
    },
  } satisfies Partial<ObjectStore>
}

/** The object that a write made whose answer was lost, if it did. */
async function findWritten(
  store: ObjectStore,
  key: string,
  body: UploadBody,
  options: WriteOptions,
  signal: AbortSignal | undefined,
): Promise<ObjectInfo | undefined> {
  try {
    const found = await store.head(key, signal)
    return found !== undefined && isWritten(found, body, options) ? found : undefined
  } catch (error) {
    // Who may only create writes again: the precondition keeps that safe.
    if (error instanceof AccessDenied) return undefined
    throw error
  }
}

function isWritten(found: ObjectInfo, body: UploadBody, options: WriteOptions): boolean {
  const wanted = Object.entries(options.metadata ?? {})
  const sameMetadata =
    wanted.length === Object.keys(found.metadata).length &&
    wanted.every(([name, value]) => found.metadata[name.toLowerCase()] === value)
  const sameChecksum = options.crc32c === undefined || options.crc32c === found.crc32c
  // Of an object without metadata or checksum of its own nobody can say whose it is.
  const isRecognisable = wanted.length > 0 || options.crc32c !== undefined
  return (
    isRecognisable &&
    found.generation !== options.ifGeneration &&
    found.size === sizeOfBody(body) &&
    sameMetadata &&
    sameChecksum
  )
}

function isWritable(store: ObjectSource): store is ObjectStore {
  return "write" in store
}
