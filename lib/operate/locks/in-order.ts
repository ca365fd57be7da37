import { forEachLimit } from "../../support/pool.ts"

const LOOKS_IN_FLIGHT = 8

/** What looks at each of them find, several at a time, in the order of the things. */
export async function inOrder<T, R>(
  things: readonly T[],
  look: (thing: T, signal: AbortSignal) => Promise<R>,
  signal?: AbortSignal,
): Promise<R[]> {
  const found: R[] = new Array(things.length)
  const lookAt = async ([n, thing]: [number, T], signal: AbortSignal) => {
    found[n] = await look(thing, signal)
  }
  await forEachLimit([...things.entries()], LOOKS_IN_FLIGHT, lookAt, signal)
  return found
}
