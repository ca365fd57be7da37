import type { TarIndex } from "./index-member.ts"

/**
 * Reads an index.sqlite of formats 0.5.0 to 0.7.0 (13 or 15 columns).
 *
 * @throws InvalidIndex whenever it is anything else, TooLarge
 */
export function readIndex(_bytes: Uint8Array): TarIndex {
  throw new Error("to come")
}
