import { describe, expect, test } from "bun:test"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { endRun, startRun } from "../../lib/ledger/runs.ts"
import { exposition } from "../../lib/page/metrics/exposition.ts"
import { metricsRoute } from "../../lib/page/metrics/route.ts"
import { thisProcess } from "../../lib/support/owner.ts"
import { VERSION } from "../../lib/support/version.ts"
import { HOUR, rows, testLedger } from "../support/ledger.ts"
import { packingLedger } from "../support/packing-ledger.ts"
import { type Family, parseMetrics } from "../support/prometheus.ts"
import { openTestPage, type TestPage } from "./access/pages.ts"

const SITE = { routes: [metricsRoute], views: [] }

async function scrape(page: TestPage): Promise<Map<string, Family>> {
  const answer = await page.ask("/metrics")
  expect([answer.status, answer.headers.get("content-type")]).toEqual([
    200,
    "text/plain; version=0.0.4; charset=utf-8",
  ])
  return parseMetrics(await answer.text())
}

/** Values by their labels' values. */
function valuesOf(families: Map<string, Family>, name: string): Record<string, number> {
  const { samples } = families.get(name)!
  return Object.fromEntries(samples.map(({ labels, value }) => [Object.values(labels).join(" "), value]))
}

describe("/metrics", () => {
  test("tells of a ledger what is in it", async () => {
    const bench = packingLedger()
    await using page = await openTestPage({}, { bench, site: SITE })
    const found = await scrape(page)
    const [{ copied }] = rows<{ copied: number }>(
      bench.ledger,
      "select sum(size) as copied from objects where state = 'copied'",
    ) as [{ copied: number }]
    expect({
      studies: valuesOf(found, "etl_studies"),
      objects: valuesOf(found, "etl_objects"),
      bytes: valuesOf(found, "etl_objects_copied_bytes"),
      series: valuesOf(found, "etl_series"),
      instances: valuesOf(found, "etl_instances"),
      thumbnails: valuesOf(found, "etl_series_thumbnails"),
      claims: valuesOf(found, "etl_claims"),
      locks: valuesOf(found, "etl_locks_hanging"),
      failures: valuesOf(found, "etl_failures"),
      tries: valuesOf(found, "etl_object_tries_total"),
    }).toEqual({
      studies: { eligible: 3, out_of_cohort: 0, withdrawn: 0 },
      objects: { pending: 0, copied: 9, failed: 0, missing: 0, retired: 0 },
      bytes: { "": copied },
      series: { waiting: 1, packed: 1, failed: 1 },
      instances: { new: 1, same: 0, conflict: 1, error: 0 },
      thumbnails: { failed: 0, none: 1, settled: 0 },
      claims: { study: 0, series: 0 },
      locks: { "": 1 },
      failures: {
        "give-up InstanceConflict image": 1,
        "give-up InvalidDicom header": 1,
        "give-up TarDisagreesError series": 1,
      },
      tries: { copied: 9, adopted: 0, failed: 0 },
    })
  })

  test("tells how runs ended and when, and whether a scheduler lives", async () => {
    const bench = testLedger()
    bench.ledger.db.run("update runs set script = 'status'")
    await using page = await openTestPage({}, { bench, site: SITE })
    expect((await scrape(page)).has("etl_scheduler_up")).toBe(false)
    const run = { script: "run", arguments: [], version: "0.1.0", owner: thisProcess() }
    const began = bench.clock.now().getTime() / 1000
    const [first, second] = [startRun(bench.ledger, run), startRun(bench.ledger, run)]
    endRun(bench.ledger, first, "done", {})
    bench.clock.advance(HOUR)
    endRun(bench.ledger, second, "failed", {})
    startRun(bench.ledger, { ...run, script: "schedule" })
    const found = await scrape(page)
    expect(valuesOf(found, "etl_runs_total")).toEqual({ "run done": 1, "run failed": 1 })
    expect(valuesOf(found, "etl_runs_under_way")).toEqual({ schedule: 1 })
    expect(valuesOf(found, "etl_scheduler_up")).toEqual({ "": 1 })
    expect(valuesOf(found, "etl_last_run_start_timestamp_seconds")).toEqual({ run: began })
    expect(valuesOf(found, "etl_last_run_end_timestamp_seconds")).toEqual({ run: began + 3600 })
    expect(valuesOf(found, "etl_last_run_duration_seconds")).toEqual({ run: 3600 })
    expect(valuesOf(found, "etl_last_run_outcome")).toEqual({
      "run done": 0,
      "run failed": 1,
      "run stopped": 0,
      "run crashed": 0,
    })
    bench.clock.advance(HOUR)
    expect(valuesOf(await scrape(page), "etl_scheduler_up")).toEqual({ "": 0 })
  })

  test("tells of the box its disk, its spool and its versions", async () => {
    const bench = testLedger()
    await using page = await openTestPage({ SPOOL_BYTES: "7 GiB" }, { bench, site: SITE })
    expect(valuesOf(await scrape(page), "etl_spool_bytes")).toEqual({ "": 0 })
    mkdirSync(bench.dir.file("tmp"))
    writeFileSync(join(bench.dir.file("tmp"), "body"), "x".repeat(1234))
    bench.clock.advance(5000)
    const found = await scrape(page)
    expect(valuesOf(found, "etl_spool_bytes")).toEqual({ "": 1234 })
    expect(valuesOf(found, "etl_spool_limit_bytes")).toEqual({ "": 7 * 2 ** 30 })
    expect(Object.keys(valuesOf(found, "etl_disk_free_bytes"))).toEqual(["ledger", "spool"])
    expect(found.get("etl_build_info")!.samples).toMatchObject([{ labels: { version: VERSION }, value: 1 }])
  })

  test("names what it tells as Prometheus wants it", async () => {
    await using page = await openTestPage({}, { bench: packingLedger(), site: SITE })
    for (const { name, type, help, samples } of (await scrape(page)).values()) {
      expect(name).toMatch(/^etl_[a-z]+(?:_[a-z]+)*$/)
      expect({ name, isCounter: name.endsWith("_total") }).toEqual({ name, isCounter: type === "counter" })
      expect(name).not.toMatch(/_(?:kb|mb|gb|ms|minutes|hours|days|percent|count|sum|bucket|info_total)$/)
      expect(help).toMatch(/\.$/)
      for (const { labels } of samples)
        for (const label of Object.keys(labels)) expect(label).toMatch(/^(?!__)[a-z_]+$/)
    }
  })

  test("is for whoever logs in, or says so by HTTP Basic", async () => {
    await using page = await openTestPage(
      { FLOWER_USER: "etl", FLOWER_PASSWORD: "p" },
      { bench: testLedger(), site: SITE },
    )
    expect((await page.ask("/metrics")).status).toBe(401)
    const headers = { authorization: `Basic ${btoa("etl:p")}` }
    expect((await page.ask("/flower/metrics", { headers })).status).toBe(200)
  })
})

test("what stands in labels and helps may be any text", async () => {
  const { gauge, text } = exposition()
  const odd = 'a"b\\c\nd{},= é'
  gauge("odd", `first\\n\nsecond`, [{ labels: { one: odd, two: "" }, value: 1e21 }])
  gauge("none", "None.", [])
  const found = parseMetrics(await text())
  expect(found.get("odd")).toEqual({
    name: "odd",
    type: "gauge",
    help: "first\\n\nsecond",
    samples: [{ labels: { one: odd, two: "" }, value: 1e21 }],
  })
  expect(found.get("none")!.samples).toEqual([])
})
