import { Unavailable } from "../../../lib/storage/errors.ts"
import type { ObjectStore } from "../../../lib/storage/store.ts"

/** What becomes of a call: it takes effect and is answered, or has no effect, or its answer is lost. */
export type Fate = "done" | "refused" | "lost"

export interface Circumstances {
  /** Of the calls, one after the other; when they are used up all goes well. */
  readonly fates: readonly Fate[]
  /** Waits until it is this caller's turn: before a call takes effect, and before its answer arrives. */
  readonly turn: (what: string) => Promise<void>
  readonly oneAtATime: <T>(effect: () => Promise<T>) => Promise<T>
  readonly onCall: (number: number) => unknown
}

/** One caller's view of a store, and what the caller did there, whatever it was told. */
export function unreliable(store: ObjectStore, { fates, turn, oneAtATime, onCall }: Circumstances) {
  /** Of what it made. */
  const generations = new Set<string>()
  /** Keys of what it did not make. */
  const deletedOfOthers: string[] = []
  let calls = 0

  const call = async <T>(what: string, effect: () => Promise<T>): Promise<T> => {
    const fate = fates[calls] ?? "done"
    calls++
    onCall(calls)
    await turn(what)
    if (fate === "refused") throw new Unavailable(`${what}: refused`, {})
    const outcome = await oneAtATime(() => Promise.allSettled([effect()]))
    await turn(`${what} answered`)
    if (fate === "lost") throw new Unavailable(`${what}: its answer was lost`, {})
    if (outcome[0].status === "rejected") throw outcome[0].reason
    return outcome[0].value
  }

  const view: ObjectStore = {
    ...store,
    head: (key) => call(`head ${key}`, () => store.head(key)),
    write: (key, body, options) =>
      call(`write ${key}`, async () => {
        const info = await store.write(key, body, options)
        generations.add(info.generation)
        return info
      }),
    delete: (key, options) =>
      call(`delete ${key}`, async () => {
        const before = await store.head(key)
        await store.delete(key, options)
        if (!generations.has(before!.generation)) deletedOfOthers.push(key)
      }),
  }
  return { store: view, generations, deletedOfOthers }
}

/** Runs what it is given one after the other, in the order in which it is given. */
export function onlyOneAtATime(): Circumstances["oneAtATime"] {
  let last: Promise<unknown> = Promise.resolve()
  return (effect) => {
    const next = last.then(effect)
    last = next.catch(() => undefined)
    return next
  }
}
