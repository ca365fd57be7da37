import type { Call } from "./call.ts"

/** What goes wrong. Everything here is plain data, so that it can be asked for over HTTP too. */
export type Fault =
  /** An error answer; `afterEffect`: the request did what it asked for, and is told that it failed. */
  | {
      readonly kind: "status"
      readonly status: number
      readonly retryAfter?: string
      readonly afterEffect?: boolean
    }
  /** The connection is reset without a byte of answer (see `keepAlive`); `afterEffect`: a lost answer. */
  | { readonly kind: "reset"; readonly afterEffect?: boolean }
  /**
   * The answer promises its whole body and sends only `bytes` of it; then the connection is closed (every
   * byte sent arrives), reset (the last ones may not arrive), or stands still and goes on when the fault is
   * released.
   */
  | { readonly kind: "cut"; readonly bytes: number; readonly end: "close" | "reset" | "stall" }
  /**
   * The connection is reset when `bytes` of the request's body were read: a resumable session keeps them, any
   * other upload is lost. A body that is no longer than that goes through.
   */
  | { readonly kind: "cut-upload"; readonly bytes: number }
  /** The request is read, waits, and then takes effect, whether or not its client still listens. */
  | { readonly kind: "delay"; readonly ms: number }
  | { readonly kind: "stall" }
  /** The answer names wrong hashes for right bytes. */
  | { readonly kind: "wrong-checksum" }
  /** The answer's date is that of a clock that is so many seconds ahead, or behind when negative. */
  | { readonly kind: "wrong-date"; readonly seconds: number }
  /** One bit of the upload differs from what was sent. */
  | { readonly kind: "corrupt-upload" }

export interface FaultRule {
  readonly fault: Fault
  /** Exact, or a pattern in which `*` stands for anything: `gcs.resumable.*`. Left out: any. */
  readonly operation?: string
  readonly bucket?: string
  readonly key?: string
  /** The first matching request that is hit, from 1 (1). */
  readonly nth?: number
  /** How many are hit (1; with `probability` without end). */
  readonly times?: number
  /** Hits a matching request with this probability only, drawn from a generator with `seed` (1). */
  readonly probability?: number
  readonly seed?: number
}

/** A rule in force. Disposing it removes it and lets go of whatever it holds. */
export interface FaultHandle extends Disposable {
  readonly id: number
  /** Requests that were hit so far. */
  readonly hits: number
  /** Resolves when `count` (1) requests were hit. */
  reached(count?: number): Promise<void>
  /** Lets stalled requests go on and removes the rule. */
  release(): void
}

export interface Hit {
  readonly fault: Fault
  readonly released: Promise<void>
}

export interface Faults {
  add(rule: FaultRule): FaultHandle
  find(id: number): FaultHandle | undefined
  /** The first rule that strikes this request. */
  strike(call: Pick<Call, "operation" | "bucket" | "key">): Hit | undefined
  releaseAll(): void
}

export function openFaults(): Faults {
  const rules = new Map<number, ActiveRule>()
  let lastId = 0
  return {
    add(rule) {
      lastId++
      const id = lastId
      const active = activate(rule, id, () => rules.delete(id))
      rules.set(id, active)
      return active.handle
    },
    find: (id) => rules.get(id)?.handle,
    strike(call) {
      for (const rule of rules.values()) {
        const hit = rule.strike(call)
        if (hit !== undefined) return hit
      }
      return undefined
    },
    releaseAll() {
      for (const rule of rules.values()) rule.handle.release()
    },
  }
}

interface ActiveRule {
  readonly handle: FaultHandle
  strike(call: Pick<Call, "operation" | "bucket" | "key">): Hit | undefined
}

function activate(rule: FaultRule, id: number, remove: () => void): ActiveRule {
  const { nth = 1, probability = 1, seed = 1 } = rule
  const times = rule.times ?? (rule.probability === undefined ? 1 : Number.POSITIVE_INFINITY)
  const matches = matcher(rule)
  const random = mulberry32(seed)
  const released = Promise.withResolvers<void>()
  const waiting = new Set<() => void>()
  let seen = 0
  let hits = 0

  const release = () => {
    remove()
    released.resolve()
  }
  const handle: FaultHandle = {
    id,
    get hits() {
      return hits
    },
    reached(count = 1) {
      const { promise, resolve } = Promise.withResolvers<void>()
      const look = () => {
        if (hits >= count && waiting.delete(look)) resolve()
      }
      waiting.add(look)
      look()
      return promise
    },
    release,
    [Symbol.dispose]: release,
  }
  return {
    handle,
    strike(call) {
      if (hits >= times || !matches(call)) return undefined
      seen++
      if (seen < nth || (probability < 1 && random() >= probability)) return undefined
      hits++
      for (const look of waiting) look()
      return { fault: rule.fault, released: released.promise }
    },
  }
}

function matcher(rule: FaultRule): (call: Pick<Call, "operation" | "bucket" | "key">) => boolean {
  const operation = pattern(rule.operation)
  const bucket = pattern(rule.bucket)
  const key = pattern(rule.key)
  return (call) => operation(call.operation) && bucket(call.bucket) && key(call.key)
}

function pattern(text: string | undefined): (value: string | undefined) => boolean {
  if (text === undefined) return () => true
  if (!text.includes("*")) return (value) => value === text
  const source = text.split("*").map(RegExp.escape).join(".*")
  const expression = new RegExp(`^${source}$`, "s")
  return (value) => value !== undefined && expression.test(value)
}

/** Small seeded generator of numbers in [0, 1): a chaos run can be repeated from its seed. */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
