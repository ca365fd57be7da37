import { afterAll, beforeAll, expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import fc from "fast-check"
import { type Cloud, startCloud } from "../../lib/demo/cloud/server.ts"
import { objectsOf } from "../../lib/ledger/objects.ts"
import { studyById } from "../../lib/ledger/studies.ts"
import { type TestPacs, testPacs } from "../support/pacs.ts"
import { type ModelStudy, metadataKey, PERSONAL, receiptKey, STUDIES } from "./model/hospital.ts"
import { keyOf } from "./model/promises.ts"
import { nights, REST } from "./model/steps.ts"
import { DESTINATION, openServers, openWorld, type Servers, type World } from "./model/world.ts"

const RUNS = Number(process.env.CHAOS_RUNS ?? 40)
const SEED = Number(process.env.CHAOS_SEED ?? 20_260_301)

/** Of a slow machine fewer nights are asked, and a failure is not made smaller for ever. */
const LIMIT_MS = Number(process.env.CHAOS_SECONDS ?? 60) * 1000

let cloud: Cloud
let pacs: TestPacs
let servers: Servers

beforeAll(async () => {
  cloud = await startCloud()
  pacs = await testPacs()
  servers = openServers(cloud, pacs)
})

afterAll(async () => {
  await servers[Symbol.asyncDispose]()
  await pacs[Symbol.asyncDispose]()
  await cloud.stop()
})

test(
  "Whatever happens in whatever order, every promise holds after each step, and in the end all is copied",
  async () => {
    console.log(`model: CHAOS_SEED=${SEED} CHAOS_RUNS=${RUNS}`)
    const property = fc.asyncProperty(nights, async (steps) => {
      await using world = await openWorld(servers)
      await fc.asyncModelRun(() => ({ model: {}, real: world }), steps)
      await restoreEverything(world)
      expectAllWell(world)
    })
    await fc.assert(property, { seed: SEED, numRuns: RUNS, interruptAfterTimeLimit: LIMIT_MS })
  },
  2 * LIMIT_MS + 60_000,
)

/** The trouble ends; an operator tidies up. */
async function restoreEverything(world: World) {
  const { source, history, ledger, advance } = world
  advance(120_000)
  source.restoreFiles()
  for (const step of [REST.repair, REST.discover, REST.copy, REST.retryFailed]) await step.run({}, world)
  for (const study of STUDIES) {
    const conflicting = objectsOf(ledger, study.id).filter(
      ({ errorClass }) => errorClass === "DestinationConflict",
    )
    for (const object of conflicting) history.meddle(keyOf(object), undefined)
    const isForeign = history.last(receiptKey(study))?.by === "others"
    if (isForeign) history.meddle(receiptKey(study), undefined)
  }
  for (const step of [REST.retryFailed, REST.repair, REST.copy]) await step.run({}, world)
  const before = world.cloud.log.entries.length
  for (const step of [REST.discover, REST.copy]) await step.run({}, world)
  expect(world.cloud.log.entries.slice(before)).toEqual([])
}

function expectAllWell(world: World) {
  for (const study of STUDIES) {
    const row = studyById(world.ledger, study.id)
    const isEligible = world.source.isEligible(study)
    expect({ id: study.id, isEligible: row?.standing === "eligible" }).toEqual({ id: study.id, isEligible })
    if (!isEligible) continue
    expect({ id: study.id, isComplete: row?.completedAt !== null }).toEqual({
      id: study.id,
      isComplete: true,
    })
    expectTrueCopy(world, study)
  }
  const ledger = readFileSync(world.ledgerPath, "latin1") + readFileSync(`${world.ledgerPath}-wal`, "latin1")
  expect(PERSONAL.filter((words) => ledger.includes(words))).toEqual([])
}

/** The destination holds what the hospital has, and the ledger lists no more. */
function expectTrueCopy({ source, cloud, ledger }: World, study: ModelStudy) {
  const images = source.imagesThere(study)
  const reports = source.reportsThatCount(study)
  const text = (key: string) => new TextDecoder().decode(cloud.get(DESTINATION, key)?.bytes)
  for (const report of reports) expect(text(report.key)).toBe(source.textOf(report))
  for (const { key, origin } of images) expect(source.contentsOf(origin)).toContain(text(key))
  const metadata = metadataKey(study)
  if (study.hasMetadata) expect(source.contentsOf(metadata)).toContain(text(metadata))
  else expect(idsIn(text(metadata))).toEqual([...reports, ...images].map(({ id }) => id).sort())
  const planned = [metadata, ...reports.map(({ key }) => key), ...images.map(({ key }) => key)]
  const kept = objectsOf(ledger, study.id)
    .filter(({ state }) => state !== "retired")
    .map(keyOf)
  // Without a row, files are what the origin listed when the study was copied.
  const isListed = (key: string) => images.length === 0 && key.startsWith(`${study.folder}/dicom_files/`)
  const listed = kept.filter(isListed)
  for (const key of listed) expect(source.contentsOf(key)).toContain(text(key))
  expect(kept.sort()).toEqual([...planned, ...listed].sort())
}

/** What a metadata.json that was made from the database tells. */
function idsIn(text: string): string[] {
  const { reports, series } = JSON.parse(text) as {
    reports: { report_id: string }[]
    series: { images: { image_id: string }[] }[]
  }
  return [
    ...reports.map((report) => report.report_id),
    ...series.flatMap(({ images }) => images.map((image) => image.image_id)),
  ].sort()
}
