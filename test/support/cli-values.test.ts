import { describe, expect, test } from "bun:test"
import { byteSize, timeOfDay, timeSpan } from "../../lib/support/cli-values.ts"
import { UsageError } from "../../lib/support/errors.ts"

test.each([
  ["20M", 20e6],
  ["500G", 500e9],
  ["1.5 GiB", 1.5 * 2 ** 30],
  ["1000", 1000],
])("the size %s is %p bytes", (text, bytes) => {
  expect(byteSize(text)).toBe(bytes)
})

test.each([
  ["07:00", { hour: 7, minute: 0 }],
  ["7:05", { hour: 7, minute: 5 }],
  ["23:59", { hour: 23, minute: 59 }],
  ["00:00", { hour: 0, minute: 0 }],
])("the time of day %s is %p", (text, time) => {
  expect(timeOfDay(text)).toEqual(time)
})

test.each([
  ["2h", 7_200_000],
  ["90m", 5_400_000],
  ["1h30m", 5_400_000],
  ["1 h 30 min", 5_400_000],
  ["45s", 45_000],
])("the time %s is %p ms", (text, ms) => {
  expect(timeSpan(text)).toBe(ms)
})

describe("what is none of these is refused, with an example of what is", () => {
  test.each([
    [byteSize, "fast", "4 GiB"],
    [byteSize, "0", "4 GiB"],
    [byteSize, "-1M", "4 GiB"],
    [timeOfDay, "24:00", "07:00"],
    [timeOfDay, "7", "07:00"],
    [timeOfDay, "7:60", "07:00"],
    [timeSpan, "", "2h"],
    [timeSpan, "0h", "2h"],
    [timeSpan, "2", "2h"],
    [timeSpan, "30m1h", "2h"],
  ])("%p of %p", (parse, text, example) => {
    expect(() => parse(text)).toThrow(UsageError)
    expect(() => parse(text)).toThrow(example)
  })
})
