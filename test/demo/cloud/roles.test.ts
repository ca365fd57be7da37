import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test"
import { GetObjectCommand, HeadObjectCommand, ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3"
import { type Cloud, startCloud } from "../../../lib/demo/cloud/server.ts"
import { gcsFailure, insert, object, openSession, putChunk, s3Failure } from "./requests.ts"

let cloud: Cloud
beforeAll(async () => {
  cloud = await startCloud()
  cloud.createBucket("dest")
  cloud.createBucket("origin")
  cloud.put("origin", "a b/ü+(1)*'!~.dcm", "bytes")
})
afterAll(() => cloud.stop())
afterEach(() => cloud.roles.clear())

const bearer = { authorization: "Bearer writer" }

describe("a token that may only create", () => {
  const allowCreate = () => cloud.roles.allow({ token: "writer" }, { dest: ["storage.objects.create"] })

  test("creates, in one request and in a session, and sees 412 where something is", async () => {
    allowCreate()
    const params = { ifGenerationMatch: "0" }
    expect((await insert(cloud, "new", "1", { params, headers: bearer })).status).toBe(200)
    expect((await insert(cloud, "new", "1", { params, headers: bearer })).status).toBe(412)
    const session = await openSession(cloud, "new-in-session", { params, headers: bearer })
    // The session's address is its own credential.
    expect((await putChunk(session, "1")).status).toBe(200)
  })

  test("may neither replace, read, list, delete nor update", async () => {
    allowCreate()
    const { generation } = cloud.put("dest", "there", "1")
    const forbidden = [
      insert(cloud, "there", "2", { headers: bearer }),
      insert(cloud, "there", "2", { params: { ifGenerationMatch: generation }, headers: bearer }),
      object(cloud, "there", {}, { headers: bearer }),
      object(cloud, "there", { alt: "media" }, { headers: bearer }),
      object(cloud, "missing", {}, { headers: bearer }),
      object(cloud, "there", {}, { method: "DELETE", headers: bearer }),
      object(cloud, "there", {}, { method: "PATCH", headers: bearer, body: "{}" }),
      fetch(`${cloud.url}/storage/v1/b/dest/o`, { headers: bearer }),
      fetch(`${cloud.url}/storage/v1/b/dest`, { headers: bearer }),
    ]
    for (const answer of forbidden) expect(await gcsFailure(answer)).toEqual([403, "forbidden"])
    expect(cloud.get("dest", "there")?.generation).toBe(generation)
  })
})

test("who may read but not list does not learn that a name is free", async () => {
  cloud.roles.allow({ token: "writer" }, { "*": ["storage.objects.get"] })
  expect((await object(cloud, "nothing-here", {}, { headers: bearer })).status).toBe(403)
  cloud.roles.allow({ token: "writer" }, { "*": ["storage.objects.get", "storage.objects.list"] })
  expect((await object(cloud, "nothing-here", {}, { headers: bearer })).status).toBe(404)
})

test("an unknown token is 401, and so is nobody once somebody was granted something", async () => {
  cloud.roles.allow({ token: "writer" }, { dest: ["storage.objects.list"] })
  const list = (headers: Record<string, string>) => fetch(`${cloud.url}/storage/v1/b/dest/o`, { headers })
  expect(await gcsFailure(list({ authorization: "Bearer other" }))).toEqual([401, "authError"])
  expect(await gcsFailure(list({}))).toEqual([401, "required"])
  expect((await list(bearer)).status).toBe(200)
})

test("before the first grant any token and any signature may do everything", async () => {
  expect((await insert(cloud, "free", "1", { headers: bearer })).status).toBe(200)
  expect((await client("any", "secret").send(new ListObjectsV2Command({ Bucket: "origin" }))).KeyCount).toBe(
    1,
  )
})

describe("an AWS key", () => {
  const key = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "right" }
  const object = { Bucket: "origin", Key: "a b/ü+(1)*'!~.dcm" }

  test("is believed only with a signature of its secret, whatever characters are signed", async () => {
    cloud.roles.allow(key, { origin: ["s3:GetObject", "s3:ListBucket"] })
    const good = client(key.accessKeyId, "right")
    expect((await good.send(new HeadObjectCommand(object))).ContentLength).toBe(5)
    const list = { Bucket: "origin", Prefix: "a b/ü+", Delimiter: "*", MaxKeys: 3 }
    expect((await good.send(new ListObjectsV2Command(list))).KeyCount).toBe(1)
    const bad = client(key.accessKeyId, "wrong").send(new GetObjectCommand(object))
    await expect(bad).rejects.toMatchObject({ name: "SignatureDoesNotMatch" })
    const unknown = client("AKIDOTHER", "right").send(new GetObjectCommand(object))
    await expect(unknown).rejects.toMatchObject({ name: "InvalidAccessKeyId" })
    expect(await s3Failure(fetch(`${cloud.url}/origin/x`))).toEqual([403, "AccessDenied"])
  })

  test("that may not list gets 403 for a key that is missing", async () => {
    cloud.roles.allow(key, { origin: ["s3:GetObject"] })
    const s3 = client(key.accessKeyId, "right")
    const missing = s3.send(new GetObjectCommand({ Bucket: "origin", Key: "missing" }))
    await expect(missing).rejects.toMatchObject({ name: "AccessDenied" })
    await expect(s3.send(new ListObjectsV2Command({ Bucket: "origin" }))).rejects.toMatchObject({
      name: "AccessDenied",
    })
    expect((await s3.send(new HeadObjectCommand(object))).ContentLength).toBe(5)
  })
})

function client(accessKeyId: string, secretAccessKey: string): S3Client {
  return new S3Client({
    endpoint: cloud.url,
    forcePathStyle: true,
    region: "eu-west-1",
    credentials: { accessKeyId, secretAccessKey },
  })
}
