import type { Cost, Side } from "./cod-side.ts"
import { medianOf } from "./measure.ts"

/** One line of the report. */
export interface Row {
  readonly what: string
  readonly ours: number
  readonly theirs: number | undefined
  /** Empty for what is counted. */
  readonly unit: "s" | "B" | ""
  /** Absent where nothing is demanded. */
  readonly floor?: { readonly demand: string; readonly passed: boolean }
}

export interface Figures<T = number> {
  readonly ours: T
  readonly theirs: T
}

export interface Both {
  readonly ours: Side
  readonly theirs: Side
  /** Rounds that are counted. */
  readonly repeats: number
}

/** Rounds of a process that only warm it up. */
export const WARM_ROUNDS = 5

export function atLeast(factor: number, { ours, theirs }: Figures): NonNullable<Row["floor"]> {
  return { demand: `Python's is at least ${factor} times ours`, passed: theirs >= factor * ours }
}

/**
 * Median seconds of both, by turns, so that whatever else the machine does troubles both. Both must come to the same
 * value.
 */
export async function secondsOf(both: Both, command: string, args: Readonly<Record<string, unknown>>) {
  const costs: Record<"ours" | "theirs", Cost>[] = []
  for (let round = 0; round < WARM_ROUNDS + both.repeats; round++) {
    const ours = await both.ours.cost(command, args)
    const theirs = await both.theirs.cost(command, args)
    requireSame(command, ours.value, theirs.value)
    costs.push({ ours, theirs })
  }
  const counted = costs.slice(WARM_ROUNDS)
  const median = (side: "ours" | "theirs") => medianOf(counted.map((pair) => pair[side].seconds))
  return { ours: median("ours"), theirs: median("theirs") }
}

/** What is fast and wrong is no measure. */
export function requireSame(what: string, ours: unknown, theirs: unknown): void {
  if (Bun.deepEquals(ours, theirs)) return
  throw new Error(`${what}: ${JSON.stringify(ours)} is not Python's ${JSON.stringify(theirs)}`)
}
