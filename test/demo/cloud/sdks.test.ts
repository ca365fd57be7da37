import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import {
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  paginateListObjectsV2,
  S3Client,
} from "@aws-sdk/client-s3"
import { Storage } from "@google-cloud/storage"
import { type Cloud, startCloud } from "../../../lib/demo/cloud/server.ts"
import { KIB256 } from "./requests.ts"

let cloud: Cloud
beforeAll(async () => {
  cloud = await startCloud()
  cloud.createBucket("origin")
  cloud.createBucket("dest")
})
afterAll(() => cloud.stop())
beforeEach(() => cloud.log.clear())

const KEY = "org 1/stüdy+&=?/a\u{1f600}<b>.dcm"

describe("Amazon's SDK", () => {
  const client = () =>
    new S3Client({
      endpoint: cloud.url,
      forcePathStyle: true,
      region: "us-east-1",
      credentials: { accessKeyId: "any", secretAccessKey: "any" },
    })

  test("heads, reads and lists", async () => {
    cloud.put("origin", KEY, "0123456789", { metadata: { a: "b" }, checksum: "full-object" })
    for (let i = 0; i < 25; i++) cloud.put("origin", `many/${i}`, String(i))
    const s3 = client()
    await s3.send(new HeadBucketCommand({ Bucket: "origin" }))
    const head = await s3.send(new HeadObjectCommand({ Bucket: "origin", Key: KEY, ChecksumMode: "ENABLED" }))
    const stored = cloud.get("origin", KEY)!
    expect(head).toMatchObject({
      ContentLength: 10,
      ETag: `"${stored.etag}"`,
      Metadata: { a: "b" },
      ChecksumCRC32C: stored.crc32c,
      ChecksumType: "FULL_OBJECT",
    })
    const body = await s3.send(new GetObjectCommand({ Bucket: "origin", Key: KEY, Range: "bytes=2-4" }))
    expect(await body.Body!.transformToString()).toBe("234")
    const keys: (string | undefined)[] = []
    for await (const page of paginateListObjectsV2({ client: s3, pageSize: 10 }, { Bucket: "origin" })) {
      keys.push(...(page.Contents ?? []).map((object) => object.Key))
    }
    expect(keys).toEqual(cloud.keys("origin"))
    expect(cloud.log.count({ operation: "s3.list" })).toBe(3)
  })

  test("checks the CRC32C of what it reads, and finds a bit that rotted", async () => {
    cloud.put("origin", "rotten", "0123456789", { checksum: "full-object" })
    cloud.corrupt("origin", "rotten")
    const read = async () => {
      const { Body } = await client().send(new GetObjectCommand({ Bucket: "origin", Key: "rotten" }))
      return Body!.transformToString()
    }
    await expect(read()).rejects.toThrow(/checksum/i)
  })

  test("is told what is missing by name", async () => {
    const missing = (Bucket: string) => client().send(new GetObjectCommand({ Bucket, Key: "none" }))
    await expect(missing("origin")).rejects.toMatchObject({ name: "NoSuchKey" })
    await expect(missing("nowhere")).rejects.toMatchObject({ name: "NoSuchBucket" })
    const head = client().send(new HeadObjectCommand({ Bucket: "origin", Key: "none" }))
    await expect(head).rejects.toMatchObject({ name: "NotFound" })
  })
})

describe("Google's SDK", () => {
  const bucket = () => new Storage({ apiEndpoint: cloud.url, projectId: "any" }).bucket("dest")

  test("uploads in one request and in sessions, with preconditions", async () => {
    const small = bucket().file(KEY)
    const ifAbsent = { preconditionOpts: { ifGenerationMatch: 0 } }
    await small.save("small", {
      resumable: false,
      contentType: "text/plain",
      metadata: { metadata: { a: "b" } },
      ...ifAbsent,
    })
    expect(cloud.get("dest", KEY)).toMatchObject({ size: 5, contentType: "text/plain", metadata: { a: "b" } })
    await expect(small.save("again", { resumable: false, ...ifAbsent })).rejects.toMatchObject({ code: 412 })
    const bytes = Buffer.alloc(5 * KIB256 + 7, "chunk")
    await bucket()
      .file("large")
      .save(bytes, { resumable: true, chunkSize: 2 * KIB256, ...ifAbsent })
    expect(Buffer.compare(cloud.get("dest", "large")!.bytes, bytes)).toBe(0)
    expect(cloud.log.count({ operation: "gcs.resumable.write", key: "large" })).toBe(3)
  })

  test("reads metadata, lists in pages and by folder, deletes under a generation", async () => {
    for (const key of cloud.keys("dest")) cloud.delete("dest", key)
    for (const key of ["f/1", "f/2", "f/g/3", "h"]) cloud.put("dest", key, key)
    const [metadata] = await bucket().file("f/g/3").getMetadata()
    expect(metadata).toMatchObject({ size: "5", crc32c: cloud.get("dest", "f/g/3")!.crc32c })
    const [page, next] = await bucket().getFiles({ prefix: "f/", maxResults: 2, autoPaginate: false })
    const [rest, end] = await bucket().getFiles({ ...next, autoPaginate: false })
    expect(page.map(({ name }) => name)).toEqual(["f/1", "f/2"])
    expect(rest.map(({ name }) => name)).toEqual(["f/g/3"])
    expect(end ?? undefined).toBeUndefined()
    const [, , answer] = await bucket().getFiles({ prefix: "f/", delimiter: "/", autoPaginate: false })
    expect(answer).toMatchObject({ prefixes: ["f/g/"] })
    await expect(bucket().file("h").delete({ ifGenerationMatch: 1 })).rejects.toMatchObject({ code: 412 })
    await bucket()
      .file("h")
      .delete({ ifGenerationMatch: cloud.get("dest", "h")!.generation })
    await expect(bucket().file("h").getMetadata()).rejects.toMatchObject({ code: 404 })
    expect(await bucket().exists()).toEqual([true])
  })
})
