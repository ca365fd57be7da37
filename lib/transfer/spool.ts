import { rmSync } from "node:fs"
import { type Clock, systemClock } from "../support/clock.ts"
import { openBooks } from "./spool-books.ts"

export { SpoolUnusable } from "./spool-books.ts"

/**
 * A folder for bodies on their way, bounded over all processes that share it. Who is there first is served first; a
 * body larger than the whole spool passes alone. Files of dead processes are adopted by whoever wants the same body,
 * else removed.
 */
export interface Spool extends Disposable {
  readonly dir: string
  /** A place at once, or undefined when one has to wait for it. */
  tryPlace(identity: string, bytes: number): SpoolPlace | undefined
  /** A place at once out of room that nobody has to give up for it. */
  spare(identity: string, bytes: number): SpoolPlace | undefined
  /** Waits for room. Rejects with the signal's reason. */
  place(identity: string, bytes: number, signal?: AbortSignal): Promise<SpoolPlace>
  /**
   * For who keeps what he could do without: while it lasts, `giveUp` is called whenever somebody of this process has to
   * wait for room, and may give places back. Who holds nothing but what he needs cannot keep another from going on.
   */
  whenShort(giveUp: GiveUp): Disposable
  /** Who waits in this process asks again: something may be given up that could not be before. */
  askAgain(): void
}

/** @param lacking bytes that the first of those who wait lacks, whichever process's he is; 0 when his room is there */
export type GiveUp = (lacking: number) => void

/** Room for one body; disposing it removes the file and gives the room back. */
export interface SpoolPlace extends Disposable {
  /** Mostly there is no file yet; a dead process may have left the beginning of this very body. */
  readonly path: string
  /** Removes the file and keeps the room. */
  clear(): void
}

export interface SpoolOptions {
  readonly dir: string
  /** Bytes in all. */
  readonly capacity: number
  readonly clock?: Clock
}

/** How often a waiting process looks whether another has made room. */
const POLL_MS = 50

/**
 * Opens the spool. What dead processes left in it is there for the taking; what nobody took is removed when it is closed.
 * @param options.dir made when it is not there; its book-keeping lies beside it as `{dir}.sqlite`
 */
export function openSpool({ dir, capacity, clock = systemClock }: SpoolOptions): Spool {
  const books = openBooks(dir, capacity)
  const waiters = new Set<() => void>()
  const keepers = new Set<GiveUp>()

  const askAgain = () => {
    for (const wake of waiters) wake()
  }
  const giveBack = (placeId: number) => {
    books.exclusively(() => books.giveBack(placeId))
    askAgain()
  }
  const giveUp = (lacking: number) => {
    for (const keeper of keepers) keeper(lacking)
  }
  const placeAt = (placeId: number, path: string): SpoolPlace => {
    let isGivenBack = false
    return {
      path,
      clear: () => rmSync(path, { force: true }),
      [Symbol.dispose]: () => {
        // Who waits is not to be woken by room that he knows of.
        if (isGivenBack) return
        isGivenBack = true
        rmSync(path, { force: true })
        giveBack(placeId)
      },
    }
  }
  /** A place, or how many bytes are lacking. */
  const atOnce = (identity: string, bytes: number): SpoolPlace | number =>
    books.exclusively(() => {
      const placeId = books.ask(identity, bytes)
      const answer = books.grant(placeId)
      if ("path" in answer) return placeAt(placeId, answer.path)
      books.giveBack(placeId)
      return answer.lacking
    })
  const orNone = (place: SpoolPlace | number) => (typeof place === "number" ? undefined : place)

  return {
    dir,
    askAgain,
    tryPlace(identity, bytes) {
      const place = atOnce(identity, bytes)
      if (typeof place !== "number" || keepers.size === 0) return orNone(place)
      giveUp(place)
      return orNone(atOnce(identity, bytes))
    },
    spare: (identity, bytes) => orNone(atOnce(identity, bytes)),
    async place(identity, bytes, signal) {
      signal?.throwIfAborted()
      const placeId = books.exclusively(() => books.ask(identity, bytes))
      try {
        for (;;) {
          const answer = books.exclusively(() => books.grant(placeId))
          if ("path" in answer) return placeAt(placeId, answer.path)
          await roomOrPoll({ waiters, clock, meanwhile: () => giveUp(answer.lacking) }, signal)
        }
      } catch (error) {
        giveBack(placeId)
        throw error
      }
    },
    whenShort(keeper) {
      keepers.add(keeper)
      return { [Symbol.dispose]: () => void keepers.delete(keeper) }
    },
    [Symbol.dispose]: () => books[Symbol.dispose](),
  }
}

interface Waiting {
  readonly waiters: Set<() => void>
  readonly clock: Clock
  /** Called once room that comes of it is heard of. */
  readonly meanwhile: () => void
}

async function roomOrPoll({ waiters, clock, meanwhile }: Waiting, signal?: AbortSignal) {
  const { promise, resolve } = Promise.withResolvers<void>()
  waiters.add(resolve)
  const stop = new AbortController()
  const linked = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal])
  try {
    meanwhile()
    await Promise.race([promise, clock.delay(POLL_MS, linked)])
  } finally {
    waiters.delete(resolve)
    stop.abort()
  }
}
