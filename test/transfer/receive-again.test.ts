import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { appendFileSync, readdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { PutOptions } from "../../lib/demo/cloud/objects.ts"
import { type Cloud, startCloud } from "../../lib/demo/cloud/server.ts"
import { receive } from "../../lib/transfer/receive.ts"
import { openSpool } from "../../lib/transfer/spool.ts"
import { noise } from "../contract/bodies.ts"
import { startChild } from "../support/children.ts"
import { bytesOf, openOrigin, QUICK } from "../support/receiving.ts"
import { tempDir } from "../support/temp.ts"

const CHILD = "test/transfer/receive-child.ts"
const BODY = noise(3 << 20)
const HALF = BODY.length >> 1

let cloud: Cloud
beforeAll(async () => {
  cloud = await startCloud({ keepAlive: false })
  cloud.createBucket("origin")
})
afterAll(() => cloud.stop())

/** Kills a process that has the first half of the object. */
async function killMidway(dir: string, put: PutOptions = {}) {
  cloud.put("origin", "k", BODY, put)
  using _stall = cloud.fail({ operation: "s3.get", fault: { kind: "cut", bytes: HALF, end: "stall" } })
  const child = await startChild([CHILD, cloud.url, dir, `${HALF - 300_000}`], "has them")
  await child.kill()
  cloud.log.clear()
}

/** Receives the object in this process. @returns status and bytes of every read that it took */
async function receiveAgain(dir: string, bytes = BODY) {
  {
    using spool = openSpool({ dir, capacity: 1 << 30 })
    using received = await receive(openOrigin(cloud.url), "k", { spool, stallMs: 30_000, retry: QUICK })
    expect(Buffer.compare(await bytesOf(received), bytes)).toBe(0)
  }
  expect(readdirSync(dir)).toEqual([])
  return cloud.log.find({ operation: "s3.get" }).map(({ status, bytesOut }) => ({ status, bytesOut }))
}

const onlyFile = (dir: string) => join(dir, readdirSync(dir)[0]!)

describe("What a process that was killed had received", () => {
  test("is gone on with behind its last byte", async () => {
    using temp = tempDir()
    const dir = temp.file("tmp")
    await killMidway(dir)
    const had = Bun.file(onlyFile(dir)).size
    expect(had).toBeGreaterThan(0)
    const reads = await receiveAgain(dir)
    expect(reads.at(-1)).toEqual({ status: 206, bytesOut: BODY.length - had })
  })

  test("is used as it is when it is all of it", async () => {
    using temp = tempDir()
    const dir = temp.file("tmp")
    await killMidway(dir)
    writeFileSync(onlyFile(dir), BODY)
    const reads = await receiveAgain(dir)
    expect(reads.map(({ status }) => status)).toEqual([200])
  })

  test("is not used of an object that no checksum would prove", async () => {
    using temp = tempDir()
    const dir = temp.file("tmp")
    await killMidway(dir, { kms: true })
    const reads = await receiveAgain(dir)
    expect(reads).toEqual([{ status: 200, bytesOut: BODY.length }])
  })

  test("is not used of an object that was replaced since", async () => {
    using temp = tempDir()
    const dir = temp.file("tmp")
    await killMidway(dir)
    const other = noise(BODY.length, 2)
    cloud.put("origin", "k", other)
    expect(await receiveAgain(dir, other)).toEqual([{ status: 200, bytesOut: BODY.length }])
  })

  test("is not used when there is more of it than there can be", async () => {
    using temp = tempDir()
    const dir = temp.file("tmp")
    await killMidway(dir)
    appendFileSync(onlyFile(dir), BODY)
    expect(await receiveAgain(dir)).toEqual([{ status: 200, bytesOut: BODY.length }])
  })
})

test.each([
  ["comes in one piece", []],
  ["breaks midway", [96 << 20]],
])("Memory does not grow with a body that %s", async (_, cuts) => {
  using temp = tempDir()
  const size = 192 << 20
  cloud.put("origin", "k", new Uint8Array(size))
  for (const bytes of cuts) cloud.fail({ operation: "s3.get", fault: { kind: "cut", bytes, end: "close" } })
  await using child = await startChild([CHILD, cloud.url, temp.file("tmp"), "1"], "has them")
  const [received, most] = (await child.output()).trim().split(" ").map(Number)
  expect(received).toBe(size)
  expect(most).toBeGreaterThan(20 << 20)
  expect(most).toBeLessThan(160 << 20)
})

test("Memory does not grow with the number of bodies", async () => {
  using temp = tempDir()
  await using quick = await startCloud({ faults: false })
  quick.createBucket("origin")
  quick.put("origin", "k", noise(100_000))
  const words = ["test/transfer/receive-many-child.ts", quick.url, temp.file("tmp"), "1500"]
  await using child = await startChild(words, "ready")
  // Had each of them left its body behind, it were 150 MB.
  expect(Number(await child.output())).toBeLessThan(60 << 20)
})
