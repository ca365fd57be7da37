import { afterAll, expect, test } from "bun:test"
import { startCloud } from "../../lib/demo/cloud/server.ts"
import { PreconditionFailed } from "../../lib/storage/errors.ts"
import type { Call } from "../../lib/storage/observe.ts"
import { openSource, openStore } from "../../lib/storage/open.ts"

const cloud = await startCloud({ keepAlive: false })
afterAll(() => cloud.stop())

const QUICK = { retries: 2, minTimeoutMs: 1, maxTimeoutMs: 2 }

function observed(bucket: string) {
  cloud.heal()
  cloud.createBucket(bucket)
  const calls: Call[] = []
  const options = {
    gcs: { emulatorUrl: cloud.url },
    s3: { endpoint: cloud.url, accessKeyId: "key", secretAccessKey: "secret", region: "us-east-1" },
    retry: QUICK,
    onCall: (call: Call) => calls.push(call),
  }
  return {
    store: openStore(`gs://${bucket}`, options),
    source: openSource(`s3://${bucket}`, options),
    told: () => calls.map(({ ms: _, store: __, ...rest }) => rest),
    calls,
  }
}

const create = { ifGeneration: "absent", contentType: "text/plain" } as const

test("every call is told of with its key, how it ended and how long it took", async () => {
  const { store, told, calls } = observed("calls")
  await store.head("a")
  const { generation } = await store.write("a", Buffer.from("12345"), create)
  await store.head("a")
  await (await store.read("a")).stream.cancel()
  await Array.fromAsync(store.list(""))
  await store.delete("a", { ifGeneration: generation })
  expect(told()).toEqual([
    { verb: "head", key: "a", outcome: "absent" },
    { verb: "write", key: "a", outcome: "ok", bytes: 5 },
    { verb: "head", key: "a", outcome: "ok" },
    { verb: "read", key: "a", outcome: "ok" },
    { verb: "list", key: "", outcome: "ok", items: 1 },
    { verb: "delete", key: "a", outcome: "ok" },
  ])
  for (const call of calls) expect(call).toMatchObject({ store: "gs://calls", ms: expect.any(Number) })
})

test("a refusal is told of with its class and status", async () => {
  const { store, told } = observed("refusals")
  await store.write("a", Buffer.from("1"), create)
  await expect(store.write("a", Buffer.from("2"), create)).rejects.toThrow(PreconditionFailed)
  expect(told().at(-1)).toEqual({ verb: "write", key: "a", outcome: "PreconditionFailed", status: 412 })
})

test("every try of a call that is repeated is told of", async () => {
  const { store, told } = observed("tries")
  cloud.fail({ fault: { kind: "status", status: 503 }, times: 2 })
  await store.head("a")
  expect(told().map(({ outcome }) => outcome)).toEqual(["Unavailable", "Unavailable", "absent"])
})

test("a listing is told of when it is over, with what it gave", async () => {
  const { source, told } = observed("listing")
  for (const key of ["a", "b", "c"]) cloud.put("listing", key, Buffer.from("1"))
  await Array.fromAsync(source.list("b"))
  expect(told()).toEqual([{ verb: "list", key: "b", outcome: "ok", items: 1 }])
})
