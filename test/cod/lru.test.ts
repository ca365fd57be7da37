import { expect, test } from "bun:test"
import { lru } from "../../lib/cod/reading/lru.ts"

const known = (capacity: number, ...names: string[]) => {
  const things = lru<string>(capacity, (name) => name.length)
  for (const name of names) things.set(name, name)
  return (name: string) => things.get(name) !== undefined
}

test("what was not used for longest goes when the weight of all exceeds the room", () => {
  const things = lru<string>(4, (name) => name.length)
  things.set("a", "aa")
  things.set("b", "bb")
  things.get("a")
  things.set("c", "c")
  expect([things.get("a"), things.get("b"), things.get("c")]).toEqual(["aa", undefined, "c"])
})

test("what is too large for all the room is not kept, and drives nothing out", () => {
  const isKnown = known(3, "a", "bb", "cccc")
  expect(["a", "bb", "cccc"].map(isKnown)).toEqual([true, true, false])
})

test("what is set again weighs once", () => {
  const isKnown = known(3, "aa", "aa", "b")
  expect(["aa", "b"].map(isKnown)).toEqual([true, true])
})
