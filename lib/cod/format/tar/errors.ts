import type { CODErrorOptions } from "../errors.ts"
import { InvalidTar } from "../errors.ts"

/** The bytes end before the tar does: an upload or a download that broke off. */
export class TruncatedTar extends InvalidTar {}

/** Damage at this offset of the tar. */
export function damagedAt(offset: number, what: string, options: CODErrorOptions = {}): InvalidTar {
  return new InvalidTar(`the tar is damaged at byte ${offset}: ${what}`, { ...options, facts: { offset } })
}

/** `offset` is that of the header whose member is cut short, or that is cut short itself. */
export function truncatedAt(offset: number, size: number): TruncatedTar {
  return new TruncatedTar(`the tar ends at byte ${size}, within what begins at byte ${offset}`, {
    facts: { offset, size },
  })
}
