import { afterAll, beforeEach, expect, test } from "bun:test"
import { startCloud } from "../../lib/demo/cloud/server.ts"
import { withAccessRule } from "../../lib/storage/access.ts"
import { AccessDenied } from "../../lib/storage/errors.ts"
import { openGcs } from "../../lib/storage/gcs.ts"
import { openS3 } from "../../lib/storage/s3.ts"
import { crc32cBase64 } from "../../lib/support/checksums.ts"
import { verdictOf } from "../../lib/support/errors.ts"
import { bytesAt, failureOf, noise } from "../contract/bodies.ts"

const cloud = await startCloud({ keepAlive: false })
afterAll(() => cloud.stop())
cloud.createBucket("bucket")
for (const key of ["a", "b"]) cloud.put("bucket", key, noise(10))

beforeEach(() => {
  cloud.heal()
  cloud.roles.clear()
})

const KEYS = { accessKeyId: "reader", secretAccessKey: "secret" }
const openOrigin = () =>
  withAccessRule(openS3({ bucket: "bucket", endpoint: cloud.url, region: "r", ...KEYS }))
const openDestination = () => withAccessRule(openGcs({ bucket: "bucket", emulatorUrl: cloud.url }))

const refuse = (operation: string, key?: string) =>
  cloud.fail({ operation, ...(key && { key }), times: 1000, fault: { kind: "status", status: 403 } })

async function verdictOfDenial(call: Promise<unknown>) {
  const error = await failureOf(call)
  expect(error).toBeInstanceOf(AccessDenied)
  return verdictOf(error)
}

test("the first refusal ends the run while nothing is known of the right to read", async () => {
  refuse("s3.*", "a")
  using origin = openOrigin()
  expect(await verdictOfDenial(origin.read("a"))).toBe("stop")
})

test("after one success a refusal is that object's matter, for head and read alike, and names it as before", async () => {
  const refusal = refuse("s3.*", "a")
  using origin = openOrigin()
  await origin.head("b")
  expect(await verdictOfDenial(origin.read("a"))).toBe("retry")
  expect(await verdictOfDenial(origin.head("a"))).toBe("retry")
  expect(await failureOf(origin.read("a"))).toMatchObject({
    message: expect.stringContaining("read s3://bucket/a: 403"),
    facts: { store: "s3://bucket", key: "a", status: 403 },
  })
  refusal.release()
  expect(await bytesAt(origin, "a")).toEqual(noise(10))
})

test("a probe that could list speaks for the right to read, until too many objects have been refused", async () => {
  refuse("s3.get")
  using origin = openOrigin()
  expect(await origin.probe()).toBe(true)
  for (let n = 0; n < 16; n++) expect(await verdictOfDenial(origin.read("a"))).toBe("retry")
  expect(await verdictOfDenial(origin.read("a"))).toBe("stop")
})

test("a probe that could not list says nothing", async () => {
  cloud.roles.allow(KEYS, { bucket: ["s3:GetObject"] })
  refuse("s3.get")
  using origin = openOrigin()
  expect(await origin.probe()).toBe(false)
  expect(await verdictOfDenial(origin.read("a"))).toBe("stop")
})

test("one right says nothing of another: listing, reading, writing and deleting are told apart", async () => {
  cloud.roles.allow("anonymous", { bucket: ["storage.objects.list", "storage.objects.get"] })
  using destination = openDestination()
  await destination.head("a")
  expect((await Array.fromAsync(destination.list(""))).map(({ key }) => key)).toEqual(["a", "b"])
  const body = noise(5)
  const options = { contentType: "text/plain", ifGeneration: "absent", crc32c: crc32cBase64(body) } as const
  expect(await verdictOfDenial(destination.write("new", body, options))).toBe("stop")
  expect(await verdictOfDenial(destination.delete("a", { ifGeneration: "1" }))).toBe("stop")
  cloud.roles.allow("anonymous", { bucket: ["storage.objects.create"] })
  const { generation } = await destination.write("new", body, options)
  expect(
    await verdictOfDenial(destination.write("new", body, { ...options, ifGeneration: generation })),
  ).toBe("retry")
  expect(await verdictOfDenial(Array.fromAsync(destination.list("")))).toBe("retry")
})
