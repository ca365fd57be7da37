import { describe, expect, test } from "bun:test"
import { foldAttempts } from "../../../lib/ledger/fold-attempts.ts"
import { openLedger } from "../../../lib/ledger/open.ts"
import { endRun, startRun } from "../../../lib/ledger/runs.ts"
import { recordStudy } from "../../../lib/ledger/studies.ts"
import type { RenderContext } from "../../../lib/page/page.ts"
import { SITE } from "../../../lib/page/site.ts"
import { renderHistory } from "../../../lib/page/views/history/history.ts"
import { readHistory } from "../../../lib/page/views/history/read.ts"
import { wordsOf } from "../../../lib/page/views/history/words.ts"
import { thisProcess } from "../../../lib/support/owner.ts"
import { complete, FAILED } from "../../support/copying.ts"
import { chestStudy, DAY, HOUR, newRun, type TestLedger, testLedger } from "../../support/ledger.ts"
import { tempDir } from "../../support/temp.ts"
import { openTestPage, pageConfig } from "../access/pages.ts"

function shown(bench: TestLedger, { timezone = "UTC", isStatic = false }: Partial<RenderContext> = {}) {
  const { ledger, clock } = bench
  const config = pageConfig({ SCHEDULE_TZ: timezone }, bench)
  const context = { base: "", isStatic, timezone, now: clock.now(), csrf: undefined }
  const { text: markup } = renderHistory(readHistory({ ledger, config, clock }), context)
  return { markup, text: markup.replace(/<[^>]*>/g, " ").replace(/\s+/g, " ") }
}

function copiedOnTwoDays(): TestLedger {
  const bench = testLedger()
  const { ledger, cohortId, clock } = bench
  for (const id of ["a", "b", "c"]) recordStudy(ledger, chestStudy(id), cohortId)
  complete(bench, "a")
  complete(bench, "b", { failing: [2], as: FAILED })
  // From two at night to half past midnight.
  clock.advance(22.5 * HOUR)
  complete(bench, "c")
  return bench
}

describe("Days", () => {
  test("are told with what moved on them", () => {
    using bench = copiedOnTwoDays()
    const { text } = shown(bench)
    expect(text).toContain("Studies completed 2 2 busy days Bytes sent 11 kB 7.0 kB on the busiest day")
    expect(text).toContain("Objects copied 11 0 adopted Tries failed 1 8.3 % of all")
    expect(text).toContain("Day Bytes sent Studies completed 2 Mar 2026 4.0 kB 1 1 Mar 2026 7.0 kB 1")
  })

  test("are those of the page's time zone", () => {
    using bench = copiedOnTwoDays()
    const { text } = shown(bench, { timezone: "America/Sao_Paulo" })
    expect(text).toContain("1 Mar 2026 4.0 kB 1 28 Feb 2026 7.0 kB 1")
  })

  test("are sixty, whatever happened on them, also where the clock is moved", () => {
    using bench = copiedOnTwoDays()
    bench.clock.advance(40 * DAY)
    const { markup } = shown(bench, { timezone: "Europe/Madrid" })
    const data = JSON.parse(/data-plot="([^"]*)"/.exec(markup)![1]!.replaceAll("&quot;", '"'))
    const gaps = data.times.slice(1).map((time: number, n: number) => time - data.times[n])
    expect([data.times.length, ...new Set(gaps)]).toEqual([60, 86_400])
    expect(data.times.at(-1)).toBe(Date.parse("2026-04-11") / 1000)
    expect(data.series.map(({ values }: { values: number[] }) => values.reduce((a, b) => a + b))).toEqual([
      11_000, 2,
    ])
  })
})

describe("Runs", () => {
  test("are told with how long they took, how they ended and what they did", () => {
    using bench = testLedger()
    const { ledger, clock } = bench
    clock.advance(125_000)
    endRun(ledger, bench.runId, "failed", {
      studies: 12,
      succeeded: 11,
      failed: 1,
      bytes: 3.4e9,
      seconds: 125,
    })
    newRun(ledger)
    const { text } = shown(bench)
    expect(text).toContain("copy 2 under way 1 Mar 2026, 02:02 0 ms –")
    expect(text).toContain(
      "copy 1 failed 1 Mar 2026, 02:00 2 min 5 s 12 studies, 11 complete, 1 failed, 3.4 GB",
    )
    clock.advance(2 * HOUR)
    expect(shown(bench).text).toContain("copy 2 died 1 Mar 2026, 02:02 1 min 0 s –")
  })

  test("are the latest fifty", () => {
    using bench = testLedger()
    for (let n = 0; n < 60; n += 1) endRun(bench.ledger, newRun(bench.ledger), "done", {})
    const { text } = shown(bench)
    expect(text).toContain("Runs the latest 50, newest first")
    expect(["copy 61 ", "copy 12 ", "copy 11 "].map((run) => text.includes(run))).toEqual([true, true, false])
  })

  test.each([
    [null, ""],
    ["{}", ""],
    ['{"new":3,"withdrawn":0,"eligible":120}', "3 new, 120 eligible"],
    [
      '{"studies":1,"series_packed":2,"ended_by":"max_bytes","left_bytes":5000}',
      "1 study, 2 series packed, ended by max bytes, 5.0 kB left",
    ],
    ["[1]", ""],
    ['"words"', ""],
    ["{ broken", ""],
    ['{"a":{"b":1},"c":true,"d":null}', ""],
  ])("that reported %s told: %s", (counts, words) => {
    expect(wordsOf(counts)).toBe(words)
  })
})

describe("The rest", () => {
  test("tells the slowest studies first, and none that were quick", () => {
    using bench = copiedOnTwoDays()
    bench.ledger.db.run(
      "update studies set seconds = case study_id when 'a' then 75 when 'b' then 3600 else 9 end",
    )
    const { text, markup } = shown(bench)
    expect(text).toContain("b 1 h 0 min 4 3.0 kB not yet org a 1 min 15 s 4 4.0 kB 1 Mar 2026, 02:00 org")
    expect(markup).not.toContain('<a href="/studies/c">')
  })

  test("tells what was copied and what was adopted", () => {
    using bench = copiedOnTwoDays()
    bench.ledger.db.run("update hourly set adopted = 5 where hour = '2026-03-01T02'")
    const { text } = shown(bench)
    expect(text).toContain("Copied 11 objects, 11 kB")
    expect(text).toContain("Adopted 5 objects")
    expect(text).toContain("Standing 11 objects, 11 kB")
  })

  test("tells old tries by how they ended", async () => {
    using bench = copiedOnTwoDays()
    bench.clock.advance(100 * DAY)
    await foldAttempts(bench.ledger)
    const { text } = shown(bench)
    expect(text).toContain("Older tries 2026-03-01 to 2026-03-02, kept as daily totals")
    expect(text).toContain("copied 11 11 kB failed 1 0 B")
  })

  test("is said in words as long as nothing was copied", () => {
    using bench = testLedger()
    const { text } = shown(bench)
    for (const words of ["nothing moved", "Nothing was copied yet.", "No study took ten seconds or more."])
      expect(text).toContain(words)
  })

  test("is one sentence before the first run", async () => {
    using dir = tempDir("history")
    using ledger = openLedger(dir.file("ledger.sqlite"))
    const config = pageConfig()
    const context = { base: "", isStatic: false, timezone: "UTC", now: new Date(), csrf: undefined }
    const { text } = renderHistory(readHistory({ ledger, config, clock: ledger.clock }), context)
    expect(text).toContain("Nothing was done yet")
    expect(text).not.toContain("data-plot")
  })

  test("has no links in a static file, and shows words from outside as words", async () => {
    const evil = `"><script>alert(1)</script>`
    const bench = testLedger()
    recordStudy(bench.ledger, chestStudy(evil, { organizationId: evil }), bench.cohortId)
    bench.ledger.db.run("update studies set seconds = 20")
    const owner = thisProcess()
    const run = startRun(bench.ledger, { script: evil, arguments: [], version: "0.1.0", owner })
    endRun(bench.ledger, run, "done", { [evil]: 1, other: evil })
    expect(shown(bench, { isStatic: true }).markup).not.toContain("<a ")
    await using page = await openTestPage({}, { bench, site: SITE })
    const markup = await (await page.ask("/history")).text()
    expect(markup).toContain("&quot;&gt;&lt;script&gt;")
    expect(markup).not.toContain("<script>alert")
  })
})
