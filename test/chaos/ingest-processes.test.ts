/** Several processes that pack the same series: on one ledger, and on ledgers of their own. */
import { expect, test } from "bun:test"
import { hostname } from "node:os"
import { pathToFileURL } from "node:url"
import type { IngestReport } from "../../lib/pipeline/ingest/ingest-report.ts"
import { forEachLimit } from "../../lib/support/pool.ts"
import { startChild } from "../support/children.ts"
import { rows } from "../support/ledger.ts"
import { testPacs } from "../support/pacs.ts"
import type { Finished, RunningScript } from "../support/process.ts"
import { tempDir } from "../support/temp.ts"
import { archive } from "./ingest-archive.ts"
import { expectAllPackedOnce } from "./ingest-end-state.ts"
import { type Box, type BoxOptions, type IngestSite, openIngestSite } from "./ingest-site.ts"

const SERIES = 30

/** Series that one process packs at a time. */
const IN_FLIGHT = 2

const settings = { INGEST_CONCURRENCY: String(IN_FLIGHT) }

test("Three processes on one ledger share the work, and write each series once", async () => {
  await using site = await openSite()
  using box = site.openBox({ settings })
  await copyAll(box)
  const { destination: bucket } = box
  // No lock comes to stand until all three are at work.
  using held = site.cloud.fail({
    operation: "gcs.insert",
    bucket,
    fault: { kind: "stall" },
    times: 3 * IN_FLIGHT,
  })
  const before = site.cloud.log.entries.length
  const all = Array.from({ length: 3 }, () => box.start("scripts/ingest.ts", "--json"))
  await using started = startedTogether(all)
  await held.reached(2 * IN_FLIGHT + 1)
  held.release()
  const ended = await started.finished

  expect(ended.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0])
  const fresh = ended.map((one) => totalsOf(one).instances_new)
  expect(Math.min(...fresh)).toBeGreaterThan(0)
  expect(fresh.reduce((sum, count) => sum + count)).toBe(instancesOf(site))
  const requests = site.cloud.log.entries.slice(before)
  expect(requests.filter(({ status }) => status === 412)).toEqual([])
  expect(effectsOnTars(site, box)).toEqual({ created: SERIES })
  await expectAllPackedOnce(box)
}, 120_000)

/** Two boxes, each with copies of its own, and one datastore. */
const DATASTORES = {
  "a folder": () => {
    const dir = tempDir("chaos-datastore")
    const uri = pathToFileURL(dir.file("dicomweb")).href
    return { uri, [Symbol.dispose]: () => dir[Symbol.dispose]() }
  },
  "a bucket": () => ({ uri: undefined, [Symbol.dispose]: () => undefined }),
}

for (const [where, open] of Object.entries(DATASTORES)) {
  test(`Of two boxes with one datastore in ${where}, one is told of the other's locks, and packs later`, async () => {
    using datastore = open()
    await using site = await openSite()
    const [first, second] = await twoBoxes(site, datastore.uri)
    await using slow = await startChild(["test/chaos/ingest-held.ts", JSON.stringify(first.env)], "held")

    const refused = await second.run("scripts/ingest.ts", "--json")
    expect(refused.exitCode).toBe(1)
    const errors = reportOf(refused).studies.flatMap((study) => study.errors)
    expect(errors.length).toBeGreaterThan(0)
    const told = `LockAcquisitionError: .* is held by cod/\\S+, process ${slow.pid} on ${RegExp.escape(hostname())}, for \\d+`
    for (const error of errors) expect(error).toMatch(new RegExp(told))
    expect(failuresOf(second)).toEqual([{ verdict: "retry", error_class: "LockAcquisitionError" }])

    await slow.go()
    expect(await slow.ended).toBe(0)
    expect((await second.run("scripts/ingest.ts", "--json")).exitCode).toBe(0)
    await expectShared(site, [first, second])
  }, 120_000)

  test(`Two boxes with one datastore in ${where} that run into each other lose nothing`, async () => {
    using datastore = open()
    await using site = await openSite()
    const boxes = await twoBoxes(site, datastore.uri)
    const tries = await Promise.all(boxes.map(ingestUntilDone))
    console.log(`two boxes with ${SERIES} series in ${where}: done after ${tries.join(" and ")} tries`)
    await expectShared(site, boxes)
  }, 120_000)
}

async function openSite(): Promise<IngestSite> {
  const pacs = await testPacs()
  const all = archive({ series: SERIES, shared: false, broken: false })
  await pacs.insert(all.rows)
  const site = await openIngestSite(pacs, all)
  return {
    ...site,
    async [Symbol.asyncDispose]() {
      await site[Symbol.asyncDispose]()
      await pacs[Symbol.asyncDispose]()
    },
  }
}

/** They have copied everything, and packed nothing. */
async function twoBoxes(site: IngestSite, uri: string | undefined): Promise<readonly [Box, Box]> {
  const openBox = (datastore: string | undefined) => {
    const options: BoxOptions = {
      settings: { ...settings, ...(datastore && { COD_DATASTORE_URI: datastore }) },
    }
    return site.openBox(options)
  }
  const first = openBox(uri)
  const second = openBox(first.datastore.uri)
  await Promise.all([first, second].map(copyAll))
  return [first, second]
}

async function copyAll(box: Box) {
  for (const script of ["discover", "copy"]) {
    const { exitCode, stderr } = await box.run(`scripts/${script}.ts`)
    if (exitCode !== 0) throw new Error(`${script} failed:\n${stderr}`)
  }
}

/** @returns how often it had to begin */
async function ingestUntilDone(box: Box): Promise<number> {
  for (let tries = 1; ; tries++) {
    const ended = await box.run("scripts/ingest.ts", "--json")
    if (ended.exitCode === 0) return tries
    const errors = reportOf(ended).studies.flatMap((study) => study.errors)
    expect(errors.filter((error) => !error.includes("LockAcquisitionError"))).toEqual([])
  }
}

/** Each instance was packed by one of them, and found by the other. */
async function expectShared(site: IngestSite, boxes: readonly [Box, Box]) {
  const results = boxes.map(resultsOf)
  const sum = (result: "new" | "same") => results.reduce((total, counts) => total + (counts[result] ?? 0), 0)
  expect({ new: sum("new"), same: sum("same") }).toEqual({ new: instancesOf(site), same: instancesOf(site) })
  const [first] = boxes
  if (first.datastore.uri.startsWith("gs:")) expect(effectsOnTars(site, first)).toEqual({ created: SERIES })
  await forEachLimit(boxes, 1, expectAllPackedOnce)
}

function resultsOf(box: Box): Record<string, number> {
  using ledger = box.openLedger()
  const counts = rows<{ result: string; count: number }>(
    ledger,
    "select result, count(*) as count from cod_instances group by result",
  )
  return Object.fromEntries(counts.map(({ result, count }) => [result, count]))
}

function failuresOf(box: Box) {
  using ledger = box.openLedger()
  return rows(ledger, "select distinct verdict, error_class from failures")
}

/** How often tars were created or replaced. */
function effectsOnTars({ cloud }: IngestSite, { destination }: Box): Record<string, number> {
  const tars = cloud.log.entries.filter(
    ({ bucket, key, effect }) => bucket === destination && effect !== undefined && key!.endsWith(".tar"),
  )
  return Object.fromEntries(
    Map.groupBy(tars, ({ effect }) => effect!)
      .entries()
      .map(([effect, all]) => [effect, all.length]),
  )
}

function instancesOf({ archive }: IngestSite): number {
  return archive.series.reduce((sum, { instances }) => sum + instances.size, 0)
}

const reportOf = ({ stdout }: Finished) => JSON.parse(stdout) as IngestReport
const totalsOf = (ended: Finished) => reportOf(ended).totals

function startedTogether(scripts: readonly RunningScript[]) {
  return {
    finished: Promise.all(scripts.map(({ finished }) => finished)),
    async [Symbol.asyncDispose]() {
      for (const script of scripts) await script[Symbol.asyncDispose]()
    },
  }
}
