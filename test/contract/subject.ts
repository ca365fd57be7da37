import { describe, test } from "bun:test"
import type { ObjectSource, ObjectStore } from "../../lib/storage/store.ts"

/** What a promise about reading is tried on: an empty place of its own, and a way to put objects there. */
export interface Origin {
  readonly source: ObjectSource
  /** Creates or replaces. */
  put(key: string, bytes: Uint8Array, traits?: Traits): Promise<void>
}

export interface Traits {
  readonly contentType?: string
  readonly contentEncoding?: string
  readonly metadata?: Readonly<Record<string, string>>
}

/** Something that keeps the contract: `open` gives each promise a place of its own. */
export interface Subject<T> {
  readonly name: string
  open(): Promise<T & AsyncDisposable>
}

/** A promise is a function whose name is its sentence. */
export type Promises<T> = Readonly<Record<string, (place: T) => Promise<void>>>

/**
 * One test for each promise.
 * @param shortfalls promises that a server does not keep, with what it does and where the promise is proved instead. They
 * run all the same and must fail: the table stays true when the server learns better.
 */
export function keeps<T>(
  subject: Subject<T>,
  promises: Promises<T>,
  shortfalls: Readonly<Record<string, string>> = {},
): void {
  describe(subject.name, () => {
    for (const [name, promise] of Object.entries(promises)) {
      const run = async () => {
        await using place = await subject.open()
        await promise(place)
      }
      const shortfall = shortfalls[name]
      if (shortfall === undefined) test(sentence(name), run)
      else test.failing(`${sentence(name)} (not kept: ${shortfall})`, run)
    }
  })
}

/** `shouldRefuseWrongChecksum` as `should refuse wrong checksum`. */
function sentence(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
}

/** The origin's promises are tried on stores too, which fill themselves. */
export function asOrigin(store: ObjectStore): Origin {
  return {
    source: store,
    async put(key, bytes, { contentType = "application/octet-stream", ...traits } = {}) {
      const ifGeneration = (await store.head(key))?.generation ?? "absent"
      await store.write(key, bytes, { ifGeneration, contentType, ...traits })
    },
  }
}
