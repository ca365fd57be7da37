import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import { type Cloud, startCloud } from "../../../lib/demo/cloud/server.ts"
import { crc32cBase64, md5Base64 } from "../../../lib/support/checksums.ts"
import { gcsFailure, insert, insertMultipart, multipart, object, resourceOf } from "./requests.ts"

let cloud: Cloud
beforeAll(async () => {
  cloud = await startCloud()
  cloud.createBucket("dest")
})
afterAll(() => cloud.stop())
beforeEach(() => {
  for (const key of cloud.keys("dest")) cloud.delete("dest", key)
})

const HELLO = new TextEncoder().encode("hello")
const hashes = { crc32c: crc32cBase64(HELLO), md5Hash: md5Base64(HELLO) }

describe("an upload in one request", () => {
  test("answers the resource of the object that it made", async () => {
    const made = await resourceOf(
      insert(cloud, "a/b ü.txt", HELLO, { headers: { "content-type": "text/x" } }),
    )
    expect(made).toMatchObject({
      kind: "storage#object",
      id: `dest/a/b ü.txt/${made.generation}`,
      name: "a/b ü.txt",
      bucket: "dest",
      metageneration: "1",
      size: "5",
      contentType: "text/x",
      storageClass: "STANDARD",
      ...hashes,
    })
    expect(made.generation).toMatch(/^\d{16}$/)
    expect(await resourceOf(object(cloud, "a/b ü.txt"))).toEqual(made)
  })

  test("takes name, types and custom metadata from the resource of its first part", async () => {
    const resource = {
      name: "m",
      contentType: "application/dicom",
      contentEncoding: "gzip",
      storageClass: "NEARLINE",
      metadata: { study_id: "7" },
    }
    const { name, ...rest } = await resourceOf(insertMultipart(cloud, { ...resource, ...hashes }, HELLO))
    expect({ name, ...rest }).toMatchObject({ ...resource, ...hashes })
  })

  test("is logged under the name that only its body tells", async () => {
    await resourceOf(insertMultipart(cloud, { name: "named in the body" }, HELLO))
    expect(cloud.log.find({ key: "named in the body" })).toMatchObject([{ effect: "created" }])
  })

  test("keeps bytes that look like its own boundary", async () => {
    const bytes = Buffer.from("\r\n--lin\r\n--\r\n\r\n\r\n")
    await resourceOf(insertMultipart(cloud, { name: "b" }, bytes))
    expect(cloud.get("dest", "b")?.bytes).toEqual(new Uint8Array(bytes))
  })

  test("takes the media part's type where the resource names none", async () => {
    const made = await resourceOf(insertMultipart(cloud, { name: "t" }, HELLO))
    expect(made.contentType).toBe("text/x-part")
  })

  test.each([
    [
      "a wrong CRC32C in the resource",
      () => insertMultipart(cloud, { name: "w", crc32c: "AAAAAA==" }, HELLO),
    ],
    [
      "a wrong MD5 in the resource",
      () => insertMultipart(cloud, { name: "w", md5Hash: md5Base64(new Uint8Array()) }, HELLO),
    ],
    [
      "a wrong CRC32C in x-goog-hash",
      () => insert(cloud, "w", HELLO, { headers: { "x-goog-hash": "crc32c=AAAAAA==" } }),
    ],
    [
      "a wrong MD5 behind a right CRC32C in x-goog-hash",
      () => insert(cloud, "w", HELLO, { headers: { "x-goog-hash": `crc32c=${hashes.crc32c},md5=AAAA` } }),
    ],
    ["metadata that is no string", () => insertMultipart(cloud, { name: "w", metadata: { n: 1 } }, HELLO)],
    [
      "more than 8 KiB of metadata",
      () => insertMultipart(cloud, { name: "w", metadata: { n: "x".repeat(8192) } }, HELLO),
    ],
    [
      "a storage class that does not exist",
      () => insertMultipart(cloud, { name: "w", storageClass: "ICE" }, HELLO),
    ],
    ["no name", () => insertMultipart(cloud, {}, HELLO)],
    ["two different names", () => insertMultipart(cloud, { name: "w" }, HELLO, { name: "v" })],
    ["a name of 1025 bytes", () => insert(cloud, `${"ä".repeat(512)}x`, HELLO)],
    ["a line feed in the name", () => insert(cloud, "a\nb", HELLO)],
    [
      "a precondition that is no number",
      () => insert(cloud, "w", HELLO, { params: { ifGenerationMatch: "x" } }),
    ],
    ["an unknown uploadType", () => insert(cloud, "w", HELLO, { params: { uploadType: "simple" } })],
  ])("%s is refused with 400 and stores nothing", async (_, request) => {
    expect((await gcsFailure(request()))[0]).toBe(400)
    expect(cloud.keys("dest")).toEqual([])
  })

  test.each([
    ["without the closing delimiter", (body: Buffer) => body.subarray(0, body.length - 8)],
    ["with bytes behind the closing delimiter", (body: Buffer) => Buffer.concat([body, Buffer.from("x")])],
    ["that begins with something else", (body: Buffer) => Buffer.concat([Buffer.from("x"), body])],
    ["cut in the media part", (body: Buffer) => body.subarray(0, body.length - 12)],
  ])("a multipart body %s is refused", async (_, change) => {
    const response = await fetch(`${cloud.url}/upload/storage/v1/b/dest/o?uploadType=multipart`, {
      method: "POST",
      headers: { "content-type": "multipart/related; boundary=line" },
      body: new Uint8Array(change(multipart({ name: "w" }, HELLO))),
    })
    expect(response.status).toBe(400)
    expect(cloud.keys("dest")).toEqual([])
  })

  test("to a bucket that does not exist is 404", async () => {
    const url = `${cloud.url}/upload/storage/v1/b/nowhere/o?uploadType=media&name=a`
    expect(await gcsFailure(fetch(url, { method: "POST", body: "x" }))).toEqual([404, "notFound"])
  })
})

describe("generations", () => {
  test("grow with every write, whatever the object", async () => {
    const seen: string[] = []
    for (const name of ["a", "b", "a"]) seen.push((await resourceOf(insert(cloud, name, "x"))).generation)
    expect(seen).toEqual(seen.toSorted())
    expect(new Set(seen).size).toBe(3)
  })

  test("ifGenerationMatch=0 lets exactly one of many concurrent creators win", async () => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, i) =>
        insert(cloud, "one", `body ${i}`, { params: { ifGenerationMatch: "0" } }),
      ),
    )
    expect(answers.map((answer) => answer.status).toSorted()).toEqual([200, ...Array(7).fill(412)])
    expect(cloud.log.count({ key: "one", effect: "created" })).toBe(1)
  })

  test("a write that names another generation is 412, one that names the present one replaces", async () => {
    const first = await resourceOf(insert(cloud, "g", "1"))
    const stale = insert(cloud, "g", "2", { params: { ifGenerationMatch: "1" } })
    expect(await gcsFailure(stale)).toEqual([412, "conditionNotMet"])
    const second = await resourceOf(
      insert(cloud, "g", "2", { params: { ifGenerationMatch: first.generation } }),
    )
    expect(second.generation).not.toBe(first.generation)
    expect(cloud.log.entries.at(-1)).toMatchObject({ effect: "replaced", generation: second.generation })
  })

  test("a write with ifGenerationMatch of an object that is gone is 412", async () => {
    expect((await insert(cloud, "g", "2", { params: { ifGenerationMatch: "5" } })).status).toBe(412)
  })

  test("a write with ifGenerationNotMatch=0 needs a live version", async () => {
    const write = () => insert(cloud, "g", "2", { params: { ifGenerationNotMatch: "0" } })
    expect((await write()).status).toBe(412)
    cloud.put("dest", "g", "1")
    expect((await write()).status).toBe(200)
  })

  test("reads and deletes keep their preconditions", async () => {
    const { generation } = cloud.put("dest", "g", "1")
    expect((await object(cloud, "g", { ifGenerationMatch: "1" })).status).toBe(412)
    expect((await object(cloud, "g", { ifGenerationMatch: generation })).status).toBe(200)
    expect((await object(cloud, "g", { ifGenerationNotMatch: generation })).status).toBe(304)
    expect((await object(cloud, "g", { ifGenerationNotMatch: "1" })).status).toBe(200)
    expect((await object(cloud, "g", { generation: "1" })).status).toBe(404)
    expect((await object(cloud, "g", { ifMetagenerationMatch: "2" })).status).toBe(412)
    const remove = (params: Record<string, string>) => object(cloud, "g", params, { method: "DELETE" })
    expect((await remove({ ifGenerationMatch: "1" })).status).toBe(412)
    expect((await remove({ ifGenerationNotMatch: generation })).status).toBe(412)
    expect((await remove({ generation: "1" })).status).toBe(404)
    expect((await remove({ ifGenerationMatch: generation })).status).toBe(204)
    expect(await gcsFailure(remove({ ifGenerationMatch: generation }))).toEqual([404, "notFound"])
  })

  test("a metadata update keeps the generation and moves the metageneration", async () => {
    const before = await resourceOf(insertMultipart(cloud, { name: "p", metadata: { a: "1" } }, HELLO))
    const patch = (params: Record<string, string>) =>
      object(cloud, "p", params, { method: "PATCH", body: JSON.stringify({ metadata: { b: "2" } }) })
    expect((await patch({ ifMetagenerationMatch: "9" })).status).toBe(412)
    const after = await resourceOf(patch({ ifMetagenerationMatch: "1" }))
    expect(after).toMatchObject({
      generation: before.generation,
      metageneration: "2",
      metadata: { a: "1", b: "2" },
    })
  })
})

test("fields keep of a resource or a listing what they name", async () => {
  cloud.put("dest", "f/1", "x", { metadata: { k: "v" } })
  expect(await (await object(cloud, "f/1", { fields: "name,metadata/k,size" })).json()).toEqual({
    name: "f/1",
    metadata: { k: "v" },
    size: "1",
  })
  const list = await fetch(`${cloud.url}/storage/v1/b/dest/o?prefix=f&fields=items(name,size),nextPageToken`)
  expect(await list.json()).toEqual({ items: [{ name: "f/1", size: "1" }] })
  expect((await object(cloud, "f/1", { fields: "name(" })).status).toBe(400)
})

test("an object's name is one path segment", async () => {
  cloud.put("dest", "a/b", "x")
  expect((await fetch(`${cloud.url}/storage/v1/b/dest/o/a/b`)).status).toBe(404)
  expect((await fetch(`${cloud.url}/storage/v1/b/dest/o/a%2Fb`)).status).toBe(200)
})

test("a bucket is told from one that does not exist", async () => {
  expect((await fetch(`${cloud.url}/storage/v1/b/dest`)).status).toBe(200)
  expect(await gcsFailure(fetch(`${cloud.url}/storage/v1/b/nowhere`))).toEqual([404, "notFound"])
})
