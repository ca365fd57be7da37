import { expect, test } from "bun:test"
import fc from "fast-check"
import { inAdvance } from "../../../lib/cod/thumbnail/in-advance.ts"
import { failureOf } from "../../contract/bodies.ts"

test("what is opened in advance comes in its order, once, and never more of it than there is room for", async () => {
  const sizes = fc.array(fc.integer({ min: 0, max: 10 }), { maxLength: 12 })
  const check = async (items: readonly number[], count: number, bytes: number) => {
    const places = items.map((size, at) => ({ size, at }))
    const opened: number[] = []
    const advance = {
      count,
      bytes,
      sizeOf: ({ size }: (typeof places)[number]) => size,
      open: async ({ at }: (typeof places)[number]) => {
        opened.push(at)
        return at
      },
    }
    const seen: number[] = []
    for await (const at of inAdvance(places, advance)) {
      seen.push(at)
      const ahead = opened.filter((other) => other > at)
      expect(ahead.length).toBeLessThanOrEqual(count)
      expect(ahead.reduce((sum, other) => sum + items[other]!, 0)).toBeLessThanOrEqual(bytes)
      // As far as there is room.
      if (at + 1 < items.length && count > 0 && items[at + 1]! <= bytes)
        expect(ahead.length).toBeGreaterThan(0)
    }
    expect(seen).toEqual([...items.keys()])
    expect(opened.toSorted((a, b) => a - b)).toEqual(seen)
  }
  await fc.assert(fc.asyncProperty(sizes, fc.nat(4), fc.nat(20), check))
})

test("what fails ahead of its turn fails in its turn, and nothing else is opened any more", async () => {
  const failure = new RangeError("the third")
  const signals: AbortSignal[] = []
  const open = async (at: number, signal?: AbortSignal) => {
    signals.push(signal!)
    if (at === 2) throw failure
    return at
  }
  const seen: number[] = []
  const all = async () => {
    for await (const at of inAdvance([0, 1, 2, 3, 4, 5, 6], { open, sizeOf: () => 1, count: 3, bytes: 9 }))
      seen.push(at)
  }
  expect(await failureOf(all())).toBe(failure)
  expect(seen).toEqual([0, 1])
  expect(signals.length).toBe(5)
  expect(signals.every(({ aborted }) => aborted)).toBe(true)
})
