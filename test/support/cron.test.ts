import { describe, expect, test } from "bun:test"
import { cronTimes, isCronLine, isTimezone } from "../../lib/support/cron.ts"

/** So many times from a moment on, as UTC has them. */
function times(line: string, timezone: string, from: string, count: number): string[] {
  const cron = cronTimes(line, timezone)
  const found: string[] = []
  for (let at = new Date(from); found.length < count; found.push(at.toISOString())) at = cron.next(at)!
  return found.map((time) => time.slice(0, 16))
}

const DAILY = "0 2 * * *"

describe("A nightly time, over the days on which the clock is moved", () => {
  test.each([
    ["Europe/Berlin", DAILY, "2026-03-27T12:00Z", ["28T01:00", "29T01:00", "30T00:00"]],
    ["Europe/Berlin", DAILY, "2026-10-23T12:00Z", ["24T00:00", "25T00:00", "26T01:00"]],
    ["Europe/Berlin", "30 2 * * *", "2026-03-27T12:00Z", ["28T01:30", "29T01:00", "30T00:30"]],
    ["Europe/Berlin", "30 2 * * *", "2026-10-23T12:00Z", ["24T00:30", "25T00:30", "26T01:30"]],
    ["America/New_York", DAILY, "2026-03-06T12:00Z", ["07T07:00", "08T07:00", "09T06:00"]],
    ["America/New_York", DAILY, "2026-10-30T12:00Z", ["31T06:00", "01T07:00", "02T07:00"]],
    ["America/New_York", "30 1 * * *", "2026-10-30T12:00Z", ["31T05:30", "01T05:30", "02T06:30"]],
    ["UTC", DAILY, "2026-03-27T12:00Z", ["28T02:00", "29T02:00", "30T02:00"]],
  ])("is due once each day: %s, %s", (timezone, line, from, expected) => {
    expect(times(line, timezone, from, 3).map((time) => time.slice(8))).toEqual(expected)
  })

  test.each([
    ["between its two 02:00", "2026-10-25T00:30:00.000Z"],
    ["at its first 02:00", "2026-10-25T00:00:00.000Z"],
    ["at its second 02:00", "2026-10-25T01:00:00.000Z"],
  ])("is not due again, looked at %s", (_, moment) => {
    const cron = cronTimes(DAILY, "Europe/Berlin")
    expect(cron.next(new Date(moment))?.toISOString()).toBe("2026-10-26T01:00:00.000Z")
  })

  test("is found backwards as it is forwards", () => {
    const cron = cronTimes(DAILY, "Europe/Berlin")
    const previous = (moment: string) => cron.previous(new Date(moment))?.toISOString()
    expect(previous("2026-03-29T12:00:00.000Z")).toBe("2026-03-29T01:00:00.000Z")
    expect(previous("2026-10-25T12:00:00.000Z")).toBe("2026-10-25T00:00:00.000Z")
    expect(previous("2026-10-25T00:00:00.000Z")).toBe("2026-10-24T00:00:00.000Z")
  })
})

test("What is due every half hour is due in each of the 25 hours of the longest day", () => {
  const found = times("*/30 * * * *", "Europe/Berlin", "2026-10-24T21:59Z", 50)
  expect(new Set(found).size).toBe(50)
  expect([found[0], found[49]]).toEqual(["2026-10-24T22:00", "2026-10-25T22:30"])
})

test.each([
  ["0 2 * * *", true],
  ["*/5 * * * 1-5", true],
  ["@daily", true],
  ["0 2 * *", false],
  ["0 25 * * *", false],
  ["0 0 30 2 *", false],
  ["2026-03-01T02:00:00", false],
  ["", false],
])("A crontab line that comes due: %p %p", (line, expected) => expect(isCronLine(line)).toBe(expected))

test.each([
  ["UTC", true],
  ["America/New_York", true],
  ["Mars/Olympus", false],
  ["", false],
])("A time zone: %p %p", (name, expected) => expect(isTimezone(name)).toBe(expected))
