import { expect, test } from "bun:test"
import { startCloudProcess } from "../../../lib/demo/cloud/remote.ts"

test("a stand-in in its own process does over HTTP what one in this process does", async () => {
  await using cloud = await startCloudProcess({ keepAlive: false })
  await cloud.ask("createBucket", "origin")
  const stored = await cloud.put("origin", "a/ü", "bytes", { metadata: { k: "v" } })
  expect(stored).toMatchObject({ key: "a/ü", size: 5, metadata: { k: "v" } })
  expect(await cloud.ask("describe", "origin", "a/ü")).toEqual(stored)
  expect(new TextDecoder().decode(await cloud.bytes("origin", "a/ü"))).toBe("bytes")
  expect(await cloud.ask("keys", "origin", "a/")).toEqual(["a/ü"])

  await cloud.ask("fail", { operation: "s3.get", fault: { kind: "status", status: 503 } })
  const url = `${cloud.url}/origin/a%2F%C3%BC`
  const reached = cloud.ask("reached", { operation: "s3.get" }, 2)
  expect([(await fetch(url)).status, (await fetch(url)).status]).toEqual([503, 200])
  await reached
  expect((await cloud.ask("entries", { status: 503 })).map(({ fault }) => fault)).toEqual(["status"])
  expect((await cloud.ask("counters")).operations).toEqual({ "s3.get": { 200: 1, 503: 1 } })
  await expect(cloud.ask("keys", "nowhere")).rejects.toThrow("no bucket nowhere")
})

test("a stand-in that discards bytes keeps sizes and hashes", async () => {
  await using cloud = await startCloudProcess({ faults: false, logEntries: false, sink: "discard" })
  await cloud.ask("createBucket", "dest")
  const target = `${cloud.url}/upload/storage/v1/b/dest/o?uploadType=media&name=a`
  const made = (await (await fetch(target, { method: "POST", body: "hello" })).json()) as object
  expect(made).toMatchObject({ size: "5", crc32c: "mnG7TA==", md5Hash: "XUFAKrxLKna5cZ2REBfFkg==" })
  await expect(cloud.bytes("dest", "a")).rejects.toThrow("discard")
  expect((await cloud.ask("counters")).operations).toEqual({ "gcs.insert": { 200: 1 } })
  expect(await cloud.ask("entries")).toEqual([])
})
