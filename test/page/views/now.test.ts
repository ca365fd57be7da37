import { describe, expect, test } from "bun:test"
import { writeFileSync } from "node:fs"
import { claimSeries } from "../../../lib/ledger/cod/claims.ts"
import { seriesToPack } from "../../../lib/ledger/cod/series.ts"
import { endRun, startRun } from "../../../lib/ledger/runs.ts"
import { recordStudy } from "../../../lib/ledger/studies.ts"
import type { RenderContext } from "../../../lib/page/page.ts"
import { SITE } from "../../../lib/page/site.ts"
import { renderNow } from "../../../lib/page/views/now/now.ts"
import { readNow } from "../../../lib/page/views/now/read.ts"
import { thisProcess } from "../../../lib/support/owner.ts"
import { beginAll, COPIED, complete, FAILED, GIVEN_UP, MISSING, settle } from "../../support/copying.ts"
import { chestStudy, HOUR, mustClaim, type TestLedger, testLedger } from "../../support/ledger.ts"
import { copied, HANGING_URI, header, packingLedger } from "../../support/packing-ledger.ts"
import { openTestPage, pageConfig } from "../access/pages.ts"

const MINUTE = 60_000

/** The view of what the bench's ledger says, as text without tags and as HTML. */
function shown(bench: TestLedger, differing: Partial<RenderContext> = {}) {
  const { ledger, clock } = bench
  const config = pageConfig({ SCHEDULE_CRON: "30 3 * * *" }, bench)
  const context = {
    base: "",
    isStatic: false,
    timezone: "UTC",
    now: clock.now(),
    csrf: undefined,
    ...differing,
  }
  const { text: markup } = renderNow(readNow({ ledger, config, clock }), context)
  return { markup, text: markup.replace(/<[^>]*>/g, " ").replace(/\s+/g, " ") }
}

/** Nothing runs. */
function idle(): TestLedger {
  const bench = testLedger()
  endRun(bench.ledger, bench.runId, "done", {})
  return bench
}

const begin = ({ ledger }: TestLedger, script: string) =>
  startRun(ledger, { script, arguments: [], version: "0.1.0", owner: thisProcess() })

describe("An idle box", () => {
  test("says so, when it was last at work, and when it is again", () => {
    using bench = idle()
    recordStudy(bench.ledger, chestStudy("a"), bench.cohortId)
    bench.clock.advance(30 * MINUTE)
    begin(bench, "schedule")
    const { text } = shown(bench)
    expect(text).toContain("Nothing runs. The scheduler waits for its time.")
    expect(text).toContain("Next run in 1 h 0 min 1 Mar 2026, 03:30")
    expect(text).toContain("Last run done 30 min 0 s ago run 1 (copy) took 0 ms")
    expect(text).toContain("0.0 % 0 of 1 study complete 1 study left; nothing copies just now")
    expect(text).not.toContain("Studies in flight")
  })

  test("without a scheduler says that nothing begins by itself, and what a scheduler would make up for", () => {
    using bench = idle()
    recordStudy(bench.ledger, chestStudy("a"), bench.cohortId)
    endRun(bench.ledger, begin(bench, "schedule"), "stopped", {})
    bench.clock.advance(24 * HOUR)
    const { text } = shown(bench)
    expect(text).toContain("no scheduler lives that would begin the next run")
    expect(text).toContain("To make up for the run of 1 Mar 2026, 03:30 nobody was there when it was due")
  })

  test("whose scheduler died without a word says that nothing begins by itself", () => {
    using bench = idle()
    begin(bench, "schedule")
    bench.clock.advance(61_000)
    const { text } = shown(bench)
    expect(text).toContain("Nothing runs. The scheduler died: nothing begins by itself.")
    expect(text).toContain("Scheduler died nothing begins by itself")
    expect(text).toContain("Running Nothing runs.")
  })

  test("with an empty ledger says how to begin", () => {
    using bench = idle()
    const { text } = shown(bench)
    expect(text).toContain("Nothing was discovered yet.")
    expect(text).toContain("bun run discover")
    expect(text).not.toContain("The last hour")
  })

  test("with everything done has all of it, and rounds up to that never", () => {
    using bench = idle()
    for (const id of ["a", "b"]) recordStudy(bench.ledger, chestStudy(id), bench.cohortId)
    complete(bench, "a")
    complete(bench, "b")
    expect(shown(bench).text).toContain("100.0 % 2 of 2 studies complete Nothing is left to do.")
    bench.ledger.db.run("update totals set count = 9999 where name = 'complete'")
    bench.ledger.db.run("update totals set count = 1 where name = 'due'")
    expect(shown(bench).text).toContain("99.9 % 9,999 of 10,000 studies complete")
  })
})

describe("A busy box", () => {
  function busy(): TestLedger {
    const bench = testLedger()
    const { ledger, runId, cohortId, clock } = bench
    for (const id of ["a", "b", "c"]) recordStudy(ledger, chestStudy(id), cohortId)
    complete(bench, "a")
    clock.advance(100_000)
    const claim = mustClaim(ledger, runId, "b")
    settle(ledger, claim, beginAll(ledger, claim)[0]!, COPIED)
    ledger.db.run("update runs set alive_until = '2026-03-01T03:00:00.000Z'")
    return bench
  }

  test("tells what runs, since when and where, and what was done since", () => {
    using bench = busy()
    const { text } = shown(bench)
    expect(text).toContain("A copy is under way.")
    expect(text).toContain("copy alive run 1 since 1 Mar 2026, 02:00 , 1 min 40 s ago")
    expect(text).toContain(`pid ${process.pid}`)
    expect(text).toContain("Since it began: 5 objects, 5.0 kB; 1 study complete.")
  })

  test("tells how fast, and how long what is left takes at this pace", () => {
    using bench = busy()
    const { text } = shown(bench)
    expect(text).toContain("Objects per second 0.05 in the last 2 min Bytes per second 50 B/s")
    expect(text).toContain("Objects moved 5 5.0 kB sent, 0 adopted")
    // 7 objects of 0.05 in each second.
    expect(text).toContain("2 studies left; at this pace in 2 min 20 s")
  })

  test("tells the studies in flight, and which places are free", () => {
    using bench = busy()
    const { text, markup } = shown(bench)
    expect(text).toContain("Studies in flight 1 study")
    expect(text).toContain("b 1 of 4 1.0 kB 0 ms org")
    expect(markup).toContain('<progress aria-label="objects of b" max="4" value="1">')
    expect(markup.match(/free/g)).toHaveLength(3)
  })

  test("draws the last hour by the minute, and tells its figures to who does not see it", () => {
    using bench = busy()
    const { markup, text } = shown(bench)
    const data = JSON.parse(/data-plot="([^"]*)"/.exec(markup)![1]!.replaceAll("&quot;", '"'))
    expect(data.times).toHaveLength(60)
    expect(data.times.at(-1)).toBe(Date.parse("2026-03-01T02:01:00Z") / 1000)
    expect(data.series).toMatchObject([
      { unit: "bytes/s", values: expect.arrayContaining([66.7, 25]) },
      { unit: "count/s", values: expect.arrayContaining([0.0667, 0.025]) },
    ])
    expect(text).toContain("Minute Bytes sent Objects moved 02:01 25 B/s 0.025/s 02:00 67 B/s 0.067/s")
  })

  test("tells series that are packed, and what is in the spool", () => {
    using bench = busy()
    const { ledger, runId, dir } = bench
    copied(bench, "x", [header("1.2", 1)])
    claimSeries(ledger, runId, seriesToPack(ledger, "x")[0]!.seriesNo)
    Bun.spawnSync(["mkdir", "-p", dir.file("tmp", "folder")])
    writeFileSync(dir.file("tmp", "one"), new Uint8Array(3_000))
    writeFileSync(dir.file("tmp", "two"), new Uint8Array(4_000))
    const { text } = shown(bench)
    expect(text).toContain("Of study Files For x 1 0 ms")
    expect(text).toContain("7.0 kB of 4.3 GB 2 files")
  })

  test("tells who died without a word", () => {
    using bench = idle()
    const { ledger } = bench
    recordStudy(ledger, chestStudy("a"), bench.cohortId)
    begin(bench, "run")
    ledger.db.run("update runs set process_start = '1' where script = 'run'")
    const { text } = shown(bench)
    expect(text).toContain("A run died without a word")
    expect(text).toContain("run died run 2 since")
  })
})

describe("What somebody has to look at", () => {
  test("comes first: wrong bytes, then hanging locks", () => {
    using bench = packingLedger()
    bench.ledger.db.run("update objects set wrong_generation = '77' where study_id = 'a' and position = 0")
    const { text } = shown(bench)
    const places = [
      "Wrong bytes stand at the destination. A copy is under way.",
      "org/a/metadata.json generation 77",
      HANGING_URI,
      "Progress",
    ].map((words) => text.indexOf(words))
    expect(places).toEqual(places.toSorted((a, b) => a - b))
    expect(places[0]).toBeGreaterThan(-1)
  })

  test("is not there when there is nothing of it", () => {
    using bench = idle()
    expect(shown(bench).text).not.toMatch(/Wrong bytes|Hanging/)
  })

  test("are failures in one line, by what becomes of them", () => {
    using bench = idle()
    for (const id of ["a", "b", "c", "d"]) recordStudy(bench.ledger, chestStudy(id), bench.cohortId)
    complete(bench, "d")
    expect(shown(bench).text).toContain("Nothing failed.")
    complete(bench, "a", { failing: [0, 1], as: FAILED })
    complete(bench, "b", { failing: [0], as: MISSING })
    complete(bench, "c", { failing: [0], as: GIVEN_UP })
    const { text, markup } = shown(bench)
    expect(text).toContain(
      "4 failures : 2 tried again by the next run, 1 missing at the origin and looked for again, 1 given up until somebody asks.",
    )
    expect(text).toContain("Tried again 2 that failed, 1 that were missing by the next run, in 1 h 30 min")
    expect(markup).toContain('<a href="/failures">4 failures</a>')
  })
})

describe("The view", () => {
  test("has no links and nothing live in a static file", () => {
    using bench = packingLedger()
    mustClaim(bench.ledger, bench.runId, "c")
    const { markup } = shown(bench, { isStatic: true })
    expect(markup).not.toMatch(/<a |data-live|<form|<button/)
  })

  test("says nothing that changes each second to who only listens", () => {
    using bench = testLedger()
    const status = () => /<p role="status">([^<]*)/.exec(shown(bench).markup)![1]
    const before = status()
    bench.clock.advance(5000)
    expect([status(), shown(bench).markup.includes("aria-live")]).toEqual([before, false])
  })

  test("shows words from outside as words", async () => {
    const evil = `<img src=x onerror=alert(1)>"'&`
    const bench = testLedger()
    recordStudy(bench.ledger, chestStudy(evil, { organizationId: evil }), bench.cohortId)
    const claim = mustClaim(bench.ledger, bench.runId, evil)
    settle(bench.ledger, claim, beginAll(bench.ledger, claim)[0]!, COPIED)
    bench.ledger.db.run("update objects set wrong_generation = '<b>' where position = 1")
    bench.ledger.db.query("update runs set script = $evil, host = host").run({ evil })
    await using page = await openTestPage({}, { bench, site: SITE })
    const markup = await (await page.ask("/")).text()
    expect(markup).toContain("&lt;img src=x onerror=alert(1)&gt;&quot;&#x27;&amp;")
    expect(markup).not.toMatch(/<img|<b>/)
  })

  test("follows the ledger from the base that it is looked at under", async () => {
    await using page = await openTestPage({}, { site: SITE })
    expect(await (await page.ask("/flower")).text()).toContain('data-live="/flower/events/now"')
    expect(await (await page.ask("/")).text()).toContain('data-live="/events/now"')
  })
})
