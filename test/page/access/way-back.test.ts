import { expect, test } from "bun:test"
import fc from "fast-check"
import { wayBack } from "../../../lib/page/access/way-back.ts"

test.each([
  ["/", "/"],
  ["/failures", "/failures"],
  ["/browse?day=2026-03-01&rank=2", "/browse?day=2026-03-01&rank=2"],
  ["/studies/a%2Fb", "/studies/a%2Fb"],
  ["/a/../locks#x", "/locks"],
])("%p leads to %p", (to, path) => {
  expect(wayBack(to)).toBe(path)
})

test.each([
  [null],
  [""],
  ["failures"],
  ["//evil.example"],
  ["/\\evil.example"],
  ["\\\\evil.example"],
  ["/\t/evil.example"],
  ["/\n/evil.example/"],
  ["/.//evil.example"],
  ["/a/..//evil.example"],
  ["///evil.example"],
  ["//evil.example/failures"],
  ["https://evil.example/"],
  ["javascript:alert(1)"],
  [" //evil.example"],
  ["/%5c/../..//evil.example"],
])("%p leads to the start", (to) => {
  expect(wayBack(to)).toBe("/")
})

test("whatever is asked for, a browser stays at the page, and what it is sent to it is sent to again", () => {
  const piece = fc.constantFrom("/", "\\", ".", "..", "@", ":", "evil.example", "\t", "?", "#", "%2f", "a")
  const text = fc.oneof(
    fc.string(),
    fc.array(piece).map((all) => `/${all.join("")}`),
  )
  fc.assert(
    fc.property(text, (to) => {
      const path = wayBack(to)
      expect(new URL(path, "http://box.example:5555/login").origin).toBe("http://box.example:5555")
      expect(wayBack(path)).toBe(path)
    }),
    { numRuns: 2000 },
  )
})
