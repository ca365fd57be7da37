import { afterAll, expect, test } from "bun:test"
import { pathToFileURL } from "node:url"
import { startCloud } from "../../lib/demo/cloud/server.ts"
import { BucketNotFound } from "../../lib/storage/errors.ts"
import { openSource, openStore } from "../../lib/storage/open.ts"
import { UsageError } from "../../lib/support/errors.ts"
import { bytesAt, failureOf, keysIn, noise } from "../contract/bodies.ts"
import { tempDir } from "../support/temp.ts"

const cloud = await startCloud()
cloud.createBucket("bucket")
afterAll(() => cloud.stop())

const OPTIONS = {
  s3: { endpoint: cloud.url, region: "eu-west-1", accessKeyId: "key", secretAccessKey: "secret" },
  gcs: { emulatorUrl: cloud.url },
  retry: { retries: 3, minTimeoutMs: 1, maxTimeoutMs: 2 },
}
const TEXT = { contentType: "text/plain", ifGeneration: "absent" } as const

test("keys of a bucket with a prefix are below it", async () => {
  using store = openStore("gs://bucket/some/prefix/", OPTIONS)
  await store.write("a/b", noise(10), TEXT)
  expect(cloud.keys("bucket")).toEqual(["some/prefix/a/b"])
  cloud.put("bucket", "some/prefixed", "another's")
  for (const uri of ["gs://bucket/some/prefix", "s3://bucket/some/prefix"]) {
    using source = openSource(uri, OPTIONS)
    expect(source.uri).toBe(uri)
    expect(await keysIn(source)).toEqual(["a/b"])
    expect((await source.head("a/b"))?.key).toBe("a/b")
    expect(await bytesAt(source, "a/b")).toEqual(noise(10))
  }
})

test("a file URI is a folder, with whatever characters its path has", async () => {
  using dir = tempDir()
  const uri = pathToFileURL(dir.file("with space, é and %")).href
  using store = openStore(`${uri}/`)
  await store.write("a/b", noise(10), TEXT)
  expect(await Bun.file(dir.file("with space, é and %", "a", "b")).exists()).toBe(true)
  expect(store.uri).toBe(uri)
  using source = openSource(uri)
  expect(await keysIn(source)).toEqual(["a/b"])
})

test("a folder to read from must be there, one to write to need not", async () => {
  using dir = tempDir()
  const uri = pathToFileURL(dir.file("not-there")).href
  using source = openSource(uri)
  expect(await failureOf(source.probe())).toBeInstanceOf(BucketNotFound)
  using store = openStore(uri)
  await store.probe()
})

test("what was opened asks again, and tells it", async () => {
  const told: string[] = []
  cloud.put("bucket", "object", noise(10))
  cloud.fail({ operation: "s3.head", times: 2, fault: { kind: "status", status: 503 } })
  using source = openSource("s3://bucket", {
    ...OPTIONS,
    onRetry: ({ verb, key }) => told.push(`${verb} ${key}`),
  })
  expect((await source.head("object"))?.size).toBe(10)
  expect(told).toEqual(["head object", "head object"])
})

test.each([
  "",
  "bucket",
  "/var/data",
  "http://bucket",
  "s3://",
  "s3://Bucket_Name!",
  "gs://bucket/../other",
  "gs://bucket//twice",
  "gs://bucket/line\nbreak",
  "file://host/folder",
  "file:relative",
  "file:///folder?query",
])("%j is no place for objects", (uri) => {
  expect(() => openSource(uri)).toThrow(UsageError)
  expect(() => openStore(uri)).toThrow(UsageError)
})

test("S3 is only ever read", () => {
  expect(() => openStore("s3://bucket", OPTIONS)).toThrow(UsageError)
  openSource("s3://bucket", OPTIONS)[Symbol.dispose]()
})

test("bodies of a limited place come in small pieces, those of any other as the runtime brings them", async () => {
  cloud.put("bucket", "some/prefix/piecewise", noise(10))
  const lengths = async (bytesPerSecond?: number) => {
    using source = openSource("s3://bucket/some/prefix", { ...OPTIONS, bytesPerSecond })
    const { stream } = await source.read("piecewise")
    return (await Array.fromAsync(stream)).map(({ length }) => length)
  }
  expect(await lengths()).toEqual([10])
  expect(await lengths(64)).toEqual([2, 2, 2, 2, 2])
})
