import { afterAll, beforeAll, expect, test } from "bun:test"
import { type Cloud, startCloud } from "../../lib/demo/cloud/server.ts"
import { copyStudies } from "../../lib/pipeline/copy/copy.ts"
import { discover } from "../../lib/pipeline/discover/discover.ts"
import { type TestPacs, testPacs } from "../support/pacs.ts"
import { metadataKey, receiptKey, STUDIES } from "./model/hospital.ts"
import { expectPromises, lookBefore } from "./model/promises.ts"
import { REST } from "./model/steps.ts"
import { DESTINATION, openServers, openWorld, type Servers, type World } from "./model/world.ts"

// A process stands still amid a write, as a laptop does whose lid is shut. Its lease ends, the source changes once
// more, another process copies that; then the first one goes on.

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

const STUDY = STUDIES[0]!

test("Whoever lost its claim amid an upload does not put older bytes over newer ones", async () => {
  await using world = await openWorld(servers)
  await standStillAmid(world, { upload: 1 })
  const [newest] = world.source.contentsOf(metadataKey(STUDY))
  expect(new TextDecoder().decode(world.cloud.get(DESTINATION, metadataKey(STUDY))!.bytes)).toBe(newest!)
})

test("Whoever lost its claim amid the receipt does not put an older one over the newer one", async () => {
  await using world = await openWorld(servers)
  await standStillAmid(world, { upload: 2 })
  const generation = world.history.last(receiptKey(STUDY))?.generation
  expect(
    world.ledger.db
      .query("select receipt_generation as generation from studies where study_id = ?")
      .get(STUDY.id),
  ).toEqual({ generation: generation! })
})

/** The first upload is that of the metadata, which changed; the second is the receipt's. */
async function standStillAmid(world: World, { upload }: { readonly upload: number }) {
  for (const step of [REST.discover, REST.copy]) await step.run({}, world)
  await world.source.describe(STUDY)
  await REST.discover.run({}, world)

  const before = lookBefore(world)
  using held = world.cloud.fail({ operation: "gcs.insert", fault: { kind: "stall" }, nth: upload })
  const copy = () => world.process((deps, stop) => copyStudies(deps, { concurrency: 1 }, stop))
  const slow = copy()
  await held.reached()
  world.advance(61_000)
  await world.source.describe(STUDY)
  await world.process((deps, stop) => discover(deps, {}, stop))
  await copy()
  held.release()
  await slow
  expectPromises(world, before, { discovered: true })
}
