import type { Clock } from "../../support/clock.ts"

/** Slows down whoever guesses. */
export interface Throttle {
  /** Seconds until somebody at this address may try; 0: at once. */
  wait(address: string): number
  /** A try that was wrong. One that was right costs nothing. */
  failed(address: string): void
}

/** So many wrong tries at once, and then one each time that the seconds have passed. */
interface Allowance {
  readonly tries: number
  readonly everySeconds: number
}

const PER_ADDRESS: Allowance = { tries: 5, everySeconds: 30 }
const OVERALL: Allowance = { tries: 50, everySeconds: 3 }

/**
 * Counts wrong tries by address and over all addresses, in buckets that leak: each holds the moment at which it is empty
 * again (the generic cell rate algorithm), which is all that is kept, until then. What is allowed overall bounds how
 * many there are.
 */
export function throttle(clock: Clock): Throttle {
  const emptyAt = new Map<string, number>()
  let allEmptyAt = 0
  const now = () => clock.now().getTime()
  const after = (at: number | undefined, { everySeconds }: Allowance) =>
    Math.max(at ?? 0, now()) + everySeconds * 1000

  const waitOf = (at: number | undefined, { tries, everySeconds }: Allowance) =>
    Math.max(0, Math.ceil(((at ?? 0) - now()) / 1000 - (tries - 1) * everySeconds))

  return {
    wait: (address) =>
      Math.max(waitOf(emptyAt.get(groupOf(address)), PER_ADDRESS), waitOf(allEmptyAt, OVERALL)),
    failed(address) {
      const group = groupOf(address)
      const at = after(emptyAt.get(group), PER_ADDRESS)
      for (const [other, until] of emptyAt) if (until <= now()) emptyAt.delete(other)
      emptyAt.set(group, at)
      allEmptyAt = after(allEmptyAt, OVERALL)
    },
  }
}

/** A customer of IPv6 has 2^64 addresses, which share what they may do (RFC 6177). */
function groupOf(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, "")
  return plain.includes(":") ? `${networkOf(plain).join(":")}::/64` : plain
}

function networkOf(address: string): string[] {
  const [head = "", tail = ""] = address.split("::")
  const [front, back] = [head, tail].map((part) => (part === "" ? [] : part.split(":")))
  const zeros = Array.from({ length: Math.max(0, 8 - front!.length - back!.length) }, () => "0")
  return [...front!, ...zeros, ...back!].slice(0, 4)
}
