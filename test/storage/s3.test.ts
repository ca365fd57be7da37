import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test"
import { startCloud } from "../../lib/demo/cloud/server.ts"
import {
  AccessDenied,
  BucketNotFound,
  NotFound,
  PreconditionFailed,
  RequestRefused,
  Unavailable,
} from "../../lib/storage/errors.ts"
import { openS3 } from "../../lib/storage/s3.ts"
import { failureOfAnswer, failureOfSdk } from "../../lib/storage/s3-failures.ts"
import { crc32cBase64, md5Base64 } from "../../lib/support/checksums.ts"
import { UsageError } from "../../lib/support/errors.ts"
import { bytesAt, failureOf, keysIn, noise } from "../contract/bodies.ts"

const cloud = await startCloud({ keepAlive: false })
cloud.createBucket("bucket")
afterAll(() => cloud.stop())
beforeEach(() => cloud.put("bucket", "object", noise(2000)))
afterEach(() => {
  cloud.heal()
  cloud.roles.clear()
  for (const key of cloud.keys("bucket")) cloud.delete("bucket", key)
})

const KEYS = { accessKeyId: "key", secretAccessKey: "secret" }
const open = (bucket = "bucket", stallMs = 30_000, keys = KEYS) =>
  openS3({ bucket, endpoint: cloud.url, region: "eu-west-1", stallMs, ...keys })

describe("hashes", () => {
  const BODY = noise(2500)

  async function hashesOf(key: string) {
    const { info, stream } = await open().read(key)
    await stream.cancel()
    const head = await open().head(key)
    expect(head).toMatchObject({ md5: info.md5, crc32c: info.crc32c, etag: info.etag })
    return { md5: info.md5, crc32c: info.crc32c }
  }

  test("an ETag of an object in one part is its MD5", async () => {
    cloud.put("bucket", "plain", BODY)
    expect(await hashesOf("plain")).toEqual({ md5: md5Base64(BODY), crc32c: undefined })
  })

  test("an ETag under a key of KMS looks like an MD5 and is none", async () => {
    cloud.put("bucket", "kms", BODY, { kms: true })
    expect((await open().head("kms"))?.etag).toMatch(/^[0-9a-f]{32}$/)
    expect(await hashesOf("kms")).toEqual({ md5: undefined, crc32c: undefined })
  })

  test("an ETag of parts is no MD5, and one part's size is told", async () => {
    cloud.put("bucket", "parts", BODY, { multipartPartSize: 1000 })
    expect(await hashesOf("parts")).toEqual({ md5: undefined, crc32c: undefined })
    const { generation } = (await open().head("parts"))!
    expect(await open().partSize?.("parts", generation)).toBe(1000)
    expect(await open().partSize?.("object", (await open().head("object"))!.generation)).toBeUndefined()
    expect(await failureOf(open().partSize!("parts", "another"))).toBeInstanceOf(PreconditionFailed)
  })

  test("an ETag of parts under a key of KMS is not made of their MD5s: no part's size is told", async () => {
    cloud.put("bucket", "kms-parts", BODY, { kms: true, multipartPartSize: 1000 })
    const { generation } = (await open().head("kms-parts"))!
    expect(await open().partSize?.("kms-parts", generation)).toBeUndefined()
  })

  test("a CRC32C of the whole object is told, one of its parts' is not", async () => {
    cloud.put("bucket", "full", BODY, { checksum: "full-object", kms: true })
    expect(await hashesOf("full")).toEqual({ md5: undefined, crc32c: crc32cBase64(BODY) })
    cloud.put("bucket", "composite", BODY, { checksum: "composite", multipartPartSize: 1000 })
    expect(await hashesOf("composite")).toEqual({ md5: undefined, crc32c: undefined })
  })

  test("a listing tells no MD5: it does not say how an object is encrypted", async () => {
    cloud.put("bucket", "kms", BODY, { kms: true })
    for await (const info of open().list("")) expect(info.md5).toBeUndefined()
  })
})

describe("a bucket that is not there", () => {
  test("is said before any work, and by whatever is asked of it", async () => {
    const store = open("nowhere")
    expect(await failureOf(store.probe())).toBeInstanceOf(BucketNotFound)
    expect(await failureOf(store.read("object"))).toBeInstanceOf(BucketNotFound)
    expect(await failureOf(keysIn(store))).toBeInstanceOf(BucketNotFound)
  })
})

describe("rights", () => {
  test("to get objects are enough to get objects", async () => {
    cloud.roles.allow(KEYS, { bucket: ["s3:GetObject"] })
    await open().probe()
    expect(await bytesAt(open(), "object")).toEqual(noise(2000))
    expect(await failureOf(keysIn(open()))).toBeInstanceOf(AccessDenied)
    // Without the right to list, S3 does not say whether an object is there.
    expect(await failureOf(open().head("nothing"))).toBeInstanceOf(AccessDenied)
    expect(await failureOf(open().read("nothing"))).toBeInstanceOf(AccessDenied)
  })

  test("of a key that nobody has, or whose secret is another, are said before any work", async () => {
    cloud.roles.allow(KEYS, { bucket: ["s3:GetObject", "s3:ListBucket"] })
    await open().probe()
    for (const wrong of [
      { ...KEYS, accessKeyId: "other" },
      { ...KEYS, secretAccessKey: "other" },
    ]) {
      const store = open("bucket", 30_000, wrong)
      expect(await failureOf(store.probe())).toBeInstanceOf(AccessDenied)
      expect(await failureOf(store.read("object"))).toBeInstanceOf(AccessDenied)
      expect(await failureOf(store.head("object"))).toBeInstanceOf(AccessDenied)
    }
  })
})

test.each([
  ["head", (store: ReturnType<typeof open>) => store.head("object")],
  ["read", (store: ReturnType<typeof open>) => store.read("object")],
  ["list", (store: ReturnType<typeof open>) => keysIn(store)],
])("a service that is silent is given up by %s", async (_, call) => {
  using _stall = cloud.fail({ fault: { kind: "stall" } })
  const failure = await failureOf(call(open("bucket", 50)))
  expect(failure).toBeInstanceOf(Unavailable)
  expect((failure as Unavailable).hint).toContain("Check the network and the endpoint")
})

test.each(["../object", "a/./b", "a/..", "."])(
  "%j is refused: on its way it would become another key",
  async (key) => {
    cloud.log.clear()
    expect(await failureOf(open().read(key))).toBeInstanceOf(RequestRefused)
    expect(cloud.log.entries).toEqual([])
  },
)

test("the checksum of a range that happens to be a part is not taken for the object's", async () => {
  const headers = {
    etag: `"${"0".repeat(32)}-2"`,
    "content-range": "bytes 0-4/10",
    "x-amz-checksum-crc32c": "AAAAAA==",
    "x-amz-checksum-type": "FULL_OBJECT",
  }
  const service = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: () => new Response("01234", { status: 206, headers }),
  })
  using source = openS3({ bucket: "bucket", endpoint: service.url.origin, region: "eu-west-1", ...KEYS })
  const { info, stream } = await source.read("object", { range: { start: 0, end: 5 } })
  await stream.cancel()
  expect(info).toMatchObject({ size: 10, crc32c: undefined })
  await service.stop(true)
})

test("bytes come as they are stored through a proxy that compresses wherever it may", async () => {
  const bytes = noise(5000)
  const fetch = ({ headers }: Request) => {
    const isWelcome = headers.get("accept-encoding")?.includes("gzip") === true
    const encoding: Record<string, string> = isWelcome ? { "content-encoding": "gzip" } : {}
    return new Response(isWelcome ? Bun.gzipSync(bytes) : bytes, { headers: { etag: '"1"', ...encoding } })
  }
  const proxy = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch })
  using source = openS3({ bucket: "bucket", endpoint: proxy.url.origin, region: "eu-west-1", ...KEYS })
  expect(await bytesAt(source, "object")).toEqual(bytes)
  await proxy.stop(true)
})

describe("answers", () => {
  const asked = { verb: "read", store: "s3://bucket", key: "key" } as const
  const xml = (code: string) =>
    `<?xml version="1.0"?><Error><Code>${code}</Code><Message>why</Message></Error>`

  test.each([
    [301, "PermanentRedirect", BucketNotFound],
    [400, "AuthorizationHeaderMalformed", BucketNotFound],
    [400, "ExpiredToken", AccessDenied],
    [400, "RequestTimeout", Unavailable],
    [400, "InvalidRequest", RequestRefused],
    [403, "AccessDenied", AccessDenied],
    [403, "InvalidObjectState", RequestRefused],
    [404, "NoSuchKey", NotFound],
    [404, "NoSuchBucket", BucketNotFound],
    [412, "PreconditionFailed", PreconditionFailed],
    [503, "SlowDown", Unavailable],
  ])("%i %s", (status, code, Failure) => {
    const answer = { status, ok: false, headers: new Headers(), text: xml(code) }
    const failure = failureOfAnswer(asked, answer)
    expect(failure).toBeInstanceOf(Failure)
    expect(failure.facts).toMatchObject({ store: "s3://bucket", key: "key", status, code })
    expect(failure.message).toBe(`read s3://bucket/key: ${status} ${code} why`)
  })

  test("from the credential chain are a matter of access, a missing region one of usage", () => {
    const named = (name: string, message: string) => Object.assign(new Error(message), { name })
    const noKeys = named("CredentialsProviderError", "Could not load credentials from any providers")
    expect(failureOfSdk(asked, noKeys)).toBeInstanceOf(AccessDenied)
    expect(failureOfSdk(asked, new Error("Region is missing"))).toBeInstanceOf(UsageError)
    expect(failureOfSdk(asked, named("TimeoutError", "socket"))).toBeInstanceOf(Unavailable)
  })
})
