import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test"
import { startCloud } from "../../lib/demo/cloud/server.ts"
import { AccessDenied, NotFound, PreconditionFailed, Unavailable } from "../../lib/storage/errors.ts"
import { openFileStore } from "../../lib/storage/file.ts"
import { openGcs } from "../../lib/storage/gcs.ts"
import { type RetryEvent, withRetry } from "../../lib/storage/retry.ts"
import { openS3 } from "../../lib/storage/s3.ts"
import type { ObjectStore, WriteOptions } from "../../lib/storage/store.ts"
import { crc32cBase64 } from "../../lib/support/checksums.ts"
import { Aborted } from "../../lib/support/errors.ts"
import { bytesAt, failureOf, keysIn, noise } from "../contract/bodies.ts"
import { tempDir } from "../support/temp.ts"

const QUICK = { retries: 5, minTimeoutMs: 1, maxTimeoutMs: 2 }
const BODY = noise(2000)
const OPTIONS = {
  contentType: "application/dicom",
  ifGeneration: "absent",
  crc32c: crc32cBase64(BODY),
  metadata: { Attempt: "7" },
} satisfies WriteOptions

// Every fault is seen by our code, none is repeated away by the runtime.
const cloud = await startCloud({ keepAlive: false })
cloud.createBucket("bucket")
afterAll(() => cloud.stop())
beforeEach(() => cloud.log.clear())
afterEach(() => {
  cloud.heal()
  cloud.roles.clear()
  for (const key of cloud.keys("bucket")) cloud.delete("bucket", key)
})

const events: RetryEvent[] = []
beforeEach(() => {
  events.length = 0
})
const open = (policy = QUICK) =>
  withRetry(openGcs({ bucket: "bucket", emulatorUrl: cloud.url }), policy, (event) => events.push(event))
const openOrigin = () =>
  withRetry(
    openS3({ bucket: "bucket", endpoint: cloud.url, region: "r", accessKeyId: "a", secretAccessKey: "b" }),
    QUICK,
  )

const DOWN = { kind: "status", status: 503 } as const
const LOST = { kind: "reset", afterEffect: true } as const
const created = () => cloud.log.count({ effect: "created" })

describe("a service that is unavailable for a while", () => {
  test("is asked again until it answers, and each time is told", async () => {
    cloud.put("bucket", "object", BODY)
    cloud.fail({ times: 5, fault: DOWN })
    expect(await bytesAt(open(), "object")).toEqual(BODY)
    expect(events.map(({ verb, key, attempt }) => [verb, key, attempt])).toEqual(
      [1, 2, 3, 4, 5].map((attempt) => ["read", "object", attempt]),
    )
    expect(events[0]).toMatchObject({ store: "gs://bucket", error: expect.any(Unavailable) })
  })

  test.each([408, 429, 500, 502, 503, 504])("status %i is such a case", async (status) => {
    cloud.put("bucket", "object", BODY)
    cloud.fail({ times: 2, fault: { kind: "status", status } })
    expect((await open().head("object"))?.size).toBe(2000)
    cloud.fail({ times: 2, fault: { kind: "status", status } })
    expect((await openOrigin().head("object"))?.size).toBe(2000)
    cloud.fail({ times: 2, fault: { kind: "status", status } })
    expect(await bytesAt(openOrigin(), "object")).toEqual(BODY)
  })

  test("a broken connection is such a case, for every verb", async () => {
    const store = open()
    const reset = () => cloud.fail({ fault: { kind: "reset" } })
    reset()
    const written = await store.write("object", BODY, OPTIONS)
    reset()
    expect((await store.head("object"))?.generation).toBe(written.generation)
    reset()
    expect(await bytesAt(store, "object")).toEqual(BODY)
    reset()
    expect(await keysIn(store)).toEqual(["object"])
    reset()
    await store.probe()
    reset()
    await store.delete("object", { ifGeneration: written.generation })
    expect(cloud.keys("bucket")).toEqual([])
    expect(events).toHaveLength(6)
  })

  test("is given up after as many retries as were allowed", async () => {
    cloud.fail({ times: 100, fault: DOWN })
    expect(await failureOf(open().head("object"))).toBeInstanceOf(Unavailable)
    expect(cloud.log.count({ operation: "gcs.get" })).toBe(6)
  })

  test("is not asked before it wants to be, and waiting can be aborted", async () => {
    cloud.fail({ fault: { ...DOWN, retryAfter: "60" } })
    const stop = new AbortController()
    const onRetry = (event: RetryEvent) => {
      events.push(event)
      stop.abort()
    }
    const store = withRetry(openGcs({ bucket: "bucket", emulatorUrl: cloud.url }), QUICK, onRetry)
    expect(await failureOf(store.read("object", {}, stop.signal))).toBeInstanceOf(Aborted)
    expect(events[0]?.delayMs).toBeGreaterThanOrEqual(60_000)
  })

  test("that wants to be left alone for longer than anybody waits is given up at once", async () => {
    cloud.fail({ fault: { ...DOWN, retryAfter: "3600" } })
    const failure = await failureOf(open().read("object"))
    expect(failure).toBeInstanceOf(Unavailable)
    expect((failure as Unavailable).retryAfterMs).toBe(3_600_000)
    expect(events).toEqual([])
  })
})

test.each([
  ["NotFound", 404, NotFound],
  ["AccessDenied", 403, AccessDenied],
  ["PreconditionFailed", 412, PreconditionFailed],
])("%s is an answer, not asked for again", async (_, status, Failure) => {
  cloud.fail({ fault: { kind: "status", status } })
  expect(await failureOf(open().read("object"))).toBeInstanceOf(Failure)
  expect(cloud.log.entries).toHaveLength(1)
})

test("a listing goes on at the page that failed", async () => {
  for (let i = 0; i < 2500; i++) cloud.put("bucket", `key ${i}`, "x")
  cloud.fail({ operation: "gcs.list", nth: 2, times: 2, fault: DOWN })
  expect(await keysIn(open())).toEqual(cloud.keys("bucket"))
  expect(cloud.log.count({ operation: "gcs.list" })).toBe(3 + 2)
  cloud.fail({ operation: "s3.list", nth: 3, fault: { kind: "reset" } })
  expect(await keysIn(openOrigin())).toEqual(cloud.keys("bucket"))
  expect(cloud.log.count({ operation: "s3.list" })).toBe(3 + 1)
})

describe("a write whose answer was lost", () => {
  test.each([LOST, { ...DOWN, afterEffect: true }])("is found, not repeated", async (fault) => {
    cloud.fail({ operation: "gcs.insert", fault })
    const written = await open().write("object", BODY, OPTIONS)
    expect(written.generation).toBe(cloud.describe("bucket", "object")!.generation)
    expect(cloud.log.count({ operation: "gcs.insert" })).toBe(1)
  })

  test("is repeated when it had no effect", async () => {
    cloud.fail({ operation: "gcs.insert", times: 2, fault: { kind: "reset" } })
    await open().write("object", BODY, OPTIONS)
    expect(cloud.log.count({ operation: "gcs.insert" })).toBe(3)
    expect(created()).toBe(1)
  })

  test("is repeated under its precondition by who may only create, and then refused by its own object", async () => {
    cloud.roles.allow("anonymous", { bucket: ["storage.objects.create"] })
    cloud.fail({ operation: "gcs.insert", fault: { kind: "reset" } })
    await open().write("first", BODY, OPTIONS)
    cloud.fail({ operation: "gcs.insert", fault: LOST })
    expect(await failureOf(open().write("second", BODY, OPTIONS))).toBeInstanceOf(PreconditionFailed)
    expect(created()).toBe(2)
  })

  test("is not taken for done because somebody else wrote the same bytes", async () => {
    const others = () => cloud.put("bucket", "object", BODY, { metadata: { attempt: "8" } })
    const store = withRetry(openGcs({ bucket: "bucket", emulatorUrl: cloud.url }), QUICK, others)
    cloud.fail({ operation: "gcs.insert", fault: { kind: "reset" } })
    expect(await failureOf(store.write("object", BODY, OPTIONS))).toBeInstanceOf(PreconditionFailed)
  })

  test("is not taken for done because the object that it replaces looks the same", async () => {
    const { generation } = await open().write("object", BODY, OPTIONS)
    cloud.fail({ operation: "gcs.insert", fault: { kind: "reset" } })
    const replaced = await open().write("object", BODY, { ...OPTIONS, ifGeneration: generation })
    expect(replaced.generation).not.toBe(generation)
  })

  test("is not taken for done when nothing tells whose object it is", async () => {
    cloud.fail({ operation: "gcs.insert", fault: LOST })
    const anonymous = { contentType: "text/plain", ifGeneration: "absent" } as const
    expect(await failureOf(open().write("object", BODY, anonymous))).toBeInstanceOf(PreconditionFailed)
  })

  test("is found when it becomes visible only after it was looked for", async () => {
    cloud.fail({ operation: "gcs.insert", fault: LOST })
    cloud.fail({ operation: "gcs.get", fault: { kind: "status", status: 404 } })
    const written = await open().write("object", BODY, OPTIONS)
    expect(written.generation).toBe(cloud.describe("bucket", "object")!.generation)
    expect(cloud.log.count({ operation: "gcs.insert" })).toBe(2)
  })

  test("is found even when the service is still unavailable for a while", async () => {
    cloud.fail({ operation: "gcs.insert", fault: LOST })
    cloud.fail({ operation: "gcs.get", times: 3, fault: DOWN })
    await open().write("object", BODY, OPTIONS)
    expect(cloud.log.count({ operation: "gcs.insert" })).toBe(1)
  })
})

test("a delete whose answer was lost is done", async () => {
  const { generation } = await open().write("object", BODY, OPTIONS)
  cloud.fail({ operation: "gcs.delete", fault: LOST })
  await open().delete("object", { ifGeneration: generation })
  expect(cloud.keys("bucket")).toEqual([])
  expect(await failureOf(open().delete("object", { ifGeneration: generation }))).toBeInstanceOf(NotFound)
})

test("a delete whose answer was lost is done, also where something else stands since", async () => {
  using dir = tempDir()
  using folder = openFileStore(dir.file("store"))
  const { generation } = await folder.write("object", BODY, OPTIONS)
  const theirs = { contentType: "text/plain", ifGeneration: "absent" } as const
  let tries = 0
  const losing: ObjectStore = {
    ...folder,
    async delete(key, options) {
      tries += 1
      await folder.delete(key, options)
      await folder.write(key, noise(6), theirs)
      throw new Unavailable("the answer was lost", {})
    },
  }
  await withRetry(losing, QUICK).delete("object", { ifGeneration: generation })
  expect(tries).toBe(2)
  expect((await folder.head("object"))?.size).toBe(6)
  const never = withRetry(folder, QUICK).delete("object", { ifGeneration: generation })
  expect(await failureOf(never)).toBeInstanceOf(PreconditionFailed)
})

test("what a store can do beside reading it still can", async () => {
  cloud.put("bucket", "parts", noise(3000), { multipartPartSize: 1000 })
  const source = openOrigin()
  const { generation } = (await source.head("parts"))!
  cloud.fail({ fault: DOWN })
  expect(await source.partSize?.("parts", generation)).toBe(1000)
  expect("write" in source).toBe(false)
  expect("partSize" in open()).toBe(false)
})
