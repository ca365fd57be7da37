import { expect, test } from "bun:test"
import { throttle } from "../../../lib/page/access/throttle.ts"
import { testClock } from "../../support/ledger.ts"

const failing = (tries: number, { failed }: ReturnType<typeof throttle>, address: (n: number) => string) => {
  for (let n = 0; n < tries; n += 1) failed(address(n))
}

test("five wrong tries are free, then there is one every half minute", () => {
  const clock = testClock()
  const guard = throttle(clock)
  failing(4, guard, () => "10.0.0.1")
  expect(guard.wait("10.0.0.1")).toBe(0)
  guard.failed("10.0.0.1")
  expect(guard.wait("10.0.0.1")).toBe(30)
  expect(guard.wait("10.0.0.2")).toBe(0)
  clock.advance(29_001)
  expect(guard.wait("10.0.0.1")).toBe(1)
  clock.advance(999)
  expect(guard.wait("10.0.0.1")).toBe(0)
  guard.failed("10.0.0.1")
  expect(guard.wait("10.0.0.1")).toBe(30)
  clock.advance(150_000)
  failing(4, guard, () => "10.0.0.1")
  expect(guard.wait("10.0.0.1")).toBe(0)
})

test("whoever guesses from many addresses is slowed down over all of them", () => {
  const clock = testClock()
  const guard = throttle(clock)
  failing(50, guard, (n) => `10.0.0.${n}`)
  expect(guard.wait("192.0.2.1")).toBe(3)
  clock.advance(3000)
  expect(guard.wait("192.0.2.1")).toBe(0)
  guard.failed("192.0.2.1")
  expect(guard.wait("192.0.2.2")).toBe(3)
})

test.each([
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::9", true],
  ["2001:db8:1:2::1", "2001:db8:1:3::1", false],
  ["2001:db8::1", "2001:db8:0:0:ffff::1", true],
  ["::1", "::2", true],
  ["::ffff:10.0.0.1", "10.0.0.1", true],
  ["::ffff:10.0.0.1", "::ffff:10.0.0.2", false],
])("of IPv6 a network of 64 bits shares what it may: %s and %s: %p", (guessing, other, isShared) => {
  const guard = throttle(testClock())
  failing(5, guard, () => guessing)
  expect(guard.wait(other)).toBe(isShared ? 30 : 0)
})
