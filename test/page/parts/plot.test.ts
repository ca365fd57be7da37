import { describe, expect, test } from "bun:test"
import { plot, rate } from "../../../lib/page/parts/plot.ts"
import type { PlotData } from "../../../lib/page/parts/plot-data.ts"

const minutes = (n: number, differing: Partial<PlotData> = {}): PlotData => ({
  times: Array.from({ length: n }, (_, i) => Date.parse("2026-03-01T02:00:00Z") / 1000 + 60 * i),
  series: [
    { label: "Bytes", unit: "bytes/s", values: Array.from({ length: n }, (_, i) => i * 1000) },
    { label: "Objects", unit: "count", values: Array.from({ length: n }, () => null) },
  ],
  timezone: "UTC",
  ...differing,
})

const linesOf = (markup: string) => markup.match(/<tr>.*?<\/tr>/g) ?? []
const wordsOf = (markup: string) => markup.replace(/<[^>]*>/g, " ").replace(/\s+/g, " ")

describe("A plot", () => {
  test("tells its figures in a table, the latest first, without spans in which nothing moved", () => {
    const { text } = plot("Speed", "some", minutes(3))
    expect(linesOf(text)).toHaveLength(3)
    expect(wordsOf(text)).toContain("Minute Bytes Objects 02:02 2.0 kB/s – 02:01 1.0 kB/s –")
  })

  test("tells no more than sixty of them", () => {
    expect(linesOf(plot("Speed", "some", minutes(500)).text)).toHaveLength(61)
  })

  test("tells times in the zone of its data, and days as days", () => {
    const { text } = plot("Speed", "some", minutes(2, { timezone: "America/Sao_Paulo" }))
    expect(wordsOf(text)).toContain("23:01 1.0 kB/s")
    expect(wordsOf(plot("Speed", "some", minutes(2, { bars: true })).text)).toContain(
      "Day Bytes Objects 1 Mar 2026",
    )
  })

  test("says what it shows to who does not see it", () => {
    const { text } = plot('A "b"', "<none>", minutes(1))
    expect(text).toContain('role="img" aria-label="A &quot;b&quot;: &lt;none&gt;"')
    expect(text).toContain("Nothing moved.")
  })
})

test.each([
  [0, "0"],
  [0.0123, "0.012"],
  [7, "7"],
  [7.123, "7.1"],
  [99.96, "100"],
  [1234.5, "1,235"],
])("A rate of %d is written %s", (value, text) => {
  expect(rate(value)).toBe(text)
})
