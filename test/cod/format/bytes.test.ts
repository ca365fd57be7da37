import { expect, test } from "bun:test"
import { inMemory } from "../../../lib/cod/format/bytes.ts"

const bytes = inMemory(Uint8Array.of(1, 2, 3))

test("bytes in memory are read by their range, its end exclusive", async () => {
  expect(bytes.size).toBe(3)
  expect(await bytes.read(1, 3)).toEqual(Uint8Array.of(2, 3))
  expect(await bytes.read(3, 3)).toEqual(new Uint8Array(0))
})

test.each([
  [0, 4],
  [-1, 2],
  [2, 1],
  [Number.NaN, 2],
])("a range that is not there is no shorter answer: %d to %d", async (start, end) => {
  expect(bytes.read(start, end)).rejects.toThrow(RangeError)
})

test("who gave up reads nothing", async () => {
  expect(bytes.read(0, 1, AbortSignal.abort(new Error("enough")))).rejects.toThrow("enough")
})
