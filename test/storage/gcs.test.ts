import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test"
import { startCloud } from "../../lib/demo/cloud/server.ts"
import {
  AccessDenied,
  BucketNotFound,
  ChecksumMismatch,
  NotFound,
  PreconditionFailed,
  RequestRefused,
  Unavailable,
} from "../../lib/storage/errors.ts"
import { openGcs } from "../../lib/storage/gcs.ts"
import { failureOfAnswer, failureOfAuth } from "../../lib/storage/gcs-failures.ts"
import type { WriteOptions } from "../../lib/storage/store.ts"
import { UsageError } from "../../lib/support/errors.ts"
import { bytesAt, failureOf, keysIn, noise } from "../contract/bodies.ts"
import { tempDir } from "../support/temp.ts"

const DICOM = { contentType: "application/dicom", ifGeneration: "absent" } satisfies WriteOptions

const cloud = await startCloud({ keepAlive: false })
cloud.createBucket("bucket")
afterAll(() => cloud.stop())
beforeEach(() => cloud.put("bucket", "object", noise(2000)))
afterEach(() => {
  cloud.heal()
  cloud.roles.clear()
  for (const key of cloud.keys("bucket")) cloud.delete("bucket", key)
})

const open = (bucket = "bucket", stallMs = 30_000) => openGcs({ bucket, emulatorUrl: cloud.url, stallMs })

/** Each way to ask a store something. */
const CALLS: Record<string, (store: ReturnType<typeof open>) => Promise<unknown>> = {
  head: (store) => store.head("object"),
  read: (store) => store.read("object"),
  list: (store) => keysIn(store),
  write: (store) => store.write("new", noise(10), DICOM),
  "write a file": (store) => store.write("new", Bun.file(large.path), DICOM),
  delete: (store) => store.delete("object", { ifGeneration: "1" }),
}

const dir = tempDir()
const large = { path: dir.file("large") }
await Bun.write(large.path, noise(2 << 20))
afterAll(() => dir[Symbol.dispose]())

describe("a bucket that is not there", () => {
  test("is said before any work", async () => {
    expect(await failureOf(open("nowhere").probe())).toBeInstanceOf(BucketNotFound)
  })

  test.each(Object.entries(CALLS))("is said by %s", async (_, call) => {
    expect(await failureOf(call(open("nowhere")))).toBeInstanceOf(BucketNotFound)
  })
})

describe("rights", () => {
  test("to create objects are enough to create objects", async () => {
    cloud.roles.allow("anonymous", { bucket: ["storage.objects.create"] })
    await open().probe()
    await open().write("new", noise(10), DICOM)
    await open().write("large", Bun.file(large.path), DICOM)
    expect(cloud.keys("bucket")).toEqual(["large", "new", "object"])
  })

  test.each(Object.entries(CALLS))("that are missing are said by %s", async (_, call) => {
    cloud.roles.allow("anonymous", { other: ["storage.objects.create"] })
    expect(await failureOf(call(open()))).toBeInstanceOf(AccessDenied)
  })
})

describe("who may not list", () => {
  /** Refuses to list, and says which rights there are. */
  const granting = (permissions: readonly string[]) => {
    const fetch = ({ url }: Request) =>
      url.includes("/iam/testPermissions")
        ? Response.json({ permissions })
        : Response.json(
            { error: { message: "no list access", errors: [{ reason: "forbidden" }] } },
            { status: 403 },
          )
    const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch })
    const store = openGcs({ bucket: "bucket", emulatorUrl: server.url.origin })
    return { store, [Symbol.asyncDispose]: () => server.stop(true) }
  }

  test("but may create or read, can go to work", async () => {
    await using creator = granting(["storage.objects.create"])
    await creator.store.probe()
    await using reader = granting(["storage.objects.get"])
    await reader.store.probe()
  })

  test("nor anything else, is told before any work", async () => {
    await using nobody = granting([])
    expect(await failureOf(nobody.store.probe())).toBeInstanceOf(AccessDenied)
  })
})

describe("a service that is silent", () => {
  test.each(Object.entries(CALLS).filter(([name]) => name !== "write a file"))(
    "is given up by %s",
    async (_, call) => {
      using _stall = cloud.fail({ fault: { kind: "stall" } })
      expect(await failureOf(call(open("bucket", 50)))).toBeInstanceOf(Unavailable)
    },
  )
})

test("the SDK's own variable for emulators does not lead its calls elsewhere", async () => {
  const before = process.env.STORAGE_EMULATOR_HOST
  process.env.STORAGE_EMULATOR_HOST = cloud.url
  try {
    expect((await open().head("object"))?.size).toBe(2000)
    expect(await keysIn(open())).toEqual(["object"])
  } finally {
    if (before === undefined) delete process.env.STORAGE_EMULATOR_HOST
    else process.env.STORAGE_EMULATOR_HOST = before
  }
})

describe("keys that no service holds are refused before anything is sent", () => {
  test.each(["", ".", "..", "a\nb", "\ud800", "long".repeat(300)])("%j", async (key) => {
    cloud.log.clear()
    expect(await failureOf(open().head(key))).toBeInstanceOf(RequestRefused)
    expect(await failureOf(open().read(key))).toBeInstanceOf(RequestRefused)
    expect(await failureOf(open().write(key, noise(1), DICOM))).toBeInstanceOf(RequestRefused)
    expect(await failureOf(open().delete(key, { ifGeneration: "1" }))).toBeInstanceOf(RequestRefused)
    expect(cloud.log.entries).toEqual([])
  })
})

describe("error answers", () => {
  const asked = { verb: "write", store: "gs://bucket", key: "key" } as const
  const answer = (status: number, text: string, headers = {}) => ({
    ...{ status, text, ok: false },
    headers: new Headers(headers),
  })
  const json = (message: string, reason: string) =>
    JSON.stringify({ error: { message, errors: [{ reason }] } })

  test.each([
    [400, json('Provided CRC32C "a" doesn\'t match calculated CRC32C "b".', "invalid"), ChecksumMismatch],
    [400, json('Provided MD5 hash "a" doesn\'t match calculated MD5 hash "b".', "invalid"), ChecksumMismatch],
    [400, json("Invalid argument.", "invalid"), RequestRefused],
    [401, json("Invalid Credentials", "authError"), AccessDenied],
    [403, json("no storage.objects.create access", "forbidden"), AccessDenied],
    [403, json("Rate Limit Exceeded", "rateLimitExceeded"), Unavailable],
    [404, json("The specified bucket does not exist.", "notFound"), BucketNotFound],
    [
      412,
      json("At least one of the pre-conditions you specified did not hold.", "conditionNotMet"),
      PreconditionFailed,
    ],
    [429, json("Too many requests", "rateLimitExceeded"), Unavailable],
    [503, "a proxy's <html>, not JSON", Unavailable],
    [413, "", RequestRefused],
  ])("%i %s", (status, body, Failure) => {
    const failure = failureOfAnswer(asked, answer(status, body))
    expect(failure).toBeInstanceOf(Failure)
    expect(failure.facts).toMatchObject({ store: "gs://bucket", key: "key", status })
  })

  test("404 without a word of the bucket is about the object that was asked for", () => {
    const missing = answer(404, "No such object: bucket/key")
    expect(failureOfAnswer({ ...asked, verb: "read" }, missing)).toBeInstanceOf(NotFound)
  })

  test("Retry-After is understood as seconds and as a date", () => {
    const after = (value: string) => {
      const busy = answer(503, "", { "retry-after": value })
      return (failureOfAnswer(asked, busy) as Unavailable).retryAfterMs
    }
    expect(after("7")).toBe(7000)
    expect(after(new Date(Date.now() - 1000).toUTCString())).toBe(0)
    expect(after(new Date(Date.now() + 3_600_000).toUTCString())).toBeGreaterThan(3_500_000)
    expect(after("soon")).toBeUndefined()
  })
})

describe("a service that does not keep its own rules", () => {
  const answering = (response: () => Response) => {
    const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: response })
    const store = openGcs({ bucket: "bucket", emulatorUrl: server.url.origin })
    return { store, [Symbol.asyncDispose]: () => server.stop(true) }
  }
  const headers = { "x-goog-generation": "7", "content-type": "text/plain" }

  test("and sends the whole object for a range is refused", async () => {
    await using lax = answering(() => new Response("0123456789", { headers }))
    expect(await failureOf(lax.store.read("object", { range: { start: 5 } }))).toBeInstanceOf(RequestRefused)
    expect(await failureOf(lax.store.read("object", { range: { start: 0, end: 2 } }))).toBeInstanceOf(
      RequestRefused,
    )
    expect(new TextDecoder().decode(await bytesAt(lax.store, "object"))).toBe("0123456789")
  })

  test("and sends another generation than the demanded one is refused", async () => {
    await using lax = answering(() => new Response("0123456789", { headers }))
    expect(await failureOf(lax.store.read("object", { ifGeneration: "6" }))).toBeInstanceOf(
      PreconditionFailed,
    )
    expect((await lax.store.read("object", { ifGeneration: "7" })).info.generation).toBe("7")
  })

  test("and heeds only one of two ways to name a generation deletes no other one", async () => {
    const urls: URL[] = []
    const fetch = ({ url }: Request) => {
      urls.push(new URL(url))
      return new Response(null, { status: 204 })
    }
    await using server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch })
    const store = openGcs({ bucket: "bucket", emulatorUrl: server.url.origin })
    await store.delete("a/lock", { ifGeneration: "1763807215123456" })
    expect(urls.map(({ pathname }) => pathname)).toEqual(["/storage/v1/b/bucket/o/a%2Flock"])
    expect(Object.fromEntries(urls[0]!.searchParams)).toMatchObject({
      generation: "1763807215123456",
      ifGenerationMatch: "1763807215123456",
    })
  })

  test.each(["{}", "not json", '{"size":"5"}'])("and answers %s is as good as silent", async (body) => {
    await using lax = answering(() => new Response(body))
    expect(await failureOf(lax.store.write("object", noise(10), DICOM))).toBeInstanceOf(Unavailable)
    expect(await failureOf(lax.store.read("object"))).toBeInstanceOf(Unavailable)
  })

  test("and opens a session without a place for it is as good as silent", async () => {
    await using lax = answering(() => new Response("{}"))
    expect(await failureOf(lax.store.write("object", Bun.file(large.path), DICOM))).toBeInstanceOf(
      Unavailable,
    )
  })

  test("and redirects is not followed", async () => {
    await using lax = answering(() => Response.redirect("http://127.0.0.1:1/", 302))
    expect(await failureOf(lax.store.read("object"))).toBeInstanceOf(RequestRefused)
  })
})

describe("credentials", () => {
  test("that are not there are a mistake of configuration", () => {
    const openWith = (credentialsPath: string) => () => openGcs({ bucket: "bucket", credentialsPath })
    expect(openWith(dir.file("nowhere.json"))).toThrow(UsageError)
  })

  test("that cannot be read are not repeated in the message", async () => {
    await Bun.write(dir.file("key.json"), `{"type": "service_account", "private_key": SECRET }`)
    const openIt = () => openGcs({ bucket: "bucket", credentialsPath: dir.file("key.json") })
    expect(openIt).toThrow(UsageError)
    expect(openIt).not.toThrow(/SECRET/)
  })

  /** A federated identity: its token comes from a service that the file names. */
  async function federated(answer: () => Response) {
    const issuer = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: answer })
    await Bun.write(dir.file("subject"), "token of another provider")
    const credentials = {
      type: "external_account",
      audience: "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/p",
      subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
      token_url: `${issuer.url.origin}/v1/token`,
      credential_source: { file: dir.file("subject") },
    }
    await Bun.write(dir.file("federated.json"), JSON.stringify(credentials))
    const store = openGcs({ bucket: "bucket", credentialsPath: dir.file("federated.json") })
    return { store, [Symbol.asyncDispose]: () => issuer.stop(true) }
  }

  test("that are refused are a matter of access", async () => {
    const refuse = () =>
      Response.json({ error: "invalid_grant", error_description: "revoked" }, { status: 400 })
    await using identity = await federated(refuse)
    expect(await failureOf(identity.store.read("object"))).toBeInstanceOf(AccessDenied)
    expect(await failureOf(identity.store.head("object"))).toBeInstanceOf(AccessDenied)
  })

  test.each([
    [{ status: 503 }, Unavailable],
    [{ status: 429 }, Unavailable],
    [{ code: "ECONNRESET" }, Unavailable],
    [{ code: "ENOTFOUND" }, Unavailable],
    [{ name: "TimeoutError" }, Unavailable],
    [{ status: 403 }, AccessDenied],
    [{ code: "ENOENT" }, AccessDenied],
    [{ message: "Could not load the default credentials." }, AccessDenied],
  ])("that could not be fetched because of %j", (traits, Failure) => {
    const asked = { verb: "read", store: "gs://bucket", key: "key" } as const
    expect(failureOfAuth(asked, Object.assign(new Error("no token"), traits))).toBeInstanceOf(Failure)
  })
})
