import { afterAll, describe, expect, test } from "bun:test"
import {
  type ChecksumType,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3"
import { AccessDenied, BucketNotFound } from "../../lib/storage/errors.ts"
import { openS3 } from "../../lib/storage/s3.ts"
import { crc32cBase64, md5Base64 } from "../../lib/support/checksums.ts"
import { noise } from "../contract/bodies.ts"
import { READING } from "../contract/reading.ts"
import { keeps } from "../contract/subject.ts"
import { build, type GoServer, start } from "./go-server.ts"

const ACCESS_KEY = { accessKeyId: "interop", secretAccessKey: "interop-secret" }
const REGION = "us-east-1"

const VERSITYGW: GoServer = {
  module: "github.com/versity/versitygw/cmd/versitygw",
  version: "v1.8.0",
  args: (port, dir) => [
    ...[
      "--port",
      `127.0.0.1:${port}`,
      "--access",
      ACCESS_KEY.accessKeyId,
      "--secret",
      ACCESS_KEY.secretAccessKey,
    ],
    ...["--region", REGION, "--quiet", "--keep-alive", "posix", dir],
  ],
}

const program = await build(VERSITYGW)
if (program === undefined) test.skip("S3 by versitygw", () => {})
else {
  const server = await start(program, VERSITYGW)
  const sdk = new S3Client({
    endpoint: server.url,
    forcePathStyle: true,
    region: REGION,
    credentials: ACCESS_KEY,
  })
  afterAll(async () => {
    sdk.destroy()
    await server[Symbol.asyncDispose]()
  })

  let buckets = 0
  const newBucket = async () => {
    buckets++
    const bucket = `bucket-${buckets}`
    await sdk.send(new CreateBucketCommand({ Bucket: bucket }))
    return bucket
  }
  const open = (bucket: string, keys = ACCESS_KEY) =>
    openS3({ bucket, endpoint: server.url, region: REGION, ...keys })

  keeps(
    {
      name: "S3 by versitygw",
      async open() {
        const bucket = await newBucket()
        const source = open(bucket)
        return {
          source,
          async put(key, bytes, { contentType, contentEncoding, metadata } = {}) {
            const types = { ContentType: contentType, ContentEncoding: contentEncoding, Metadata: metadata }
            await sdk.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: bytes, ...types }))
          },
          [Symbol.asyncDispose]: async () => source[Symbol.dispose](),
        }
      },
    },
    READING,
  )

  describe("S3 by versitygw, hashes", () => {
    const bytes = noise(11 << 20)
    const PART = 5 << 20

    async function uploadInParts(bucket: string, ChecksumType: ChecksumType) {
      const object = { Bucket: bucket, Key: "object" }
      const create = { ...object, ChecksumAlgorithm: "CRC32C", ChecksumType } as const
      const { UploadId } = await sdk.send(new CreateMultipartUploadCommand(create))
      const Parts: CompletedPart[] = []
      for (let start = 0; start < bytes.length; start += PART) {
        const Body = bytes.subarray(start, start + PART)
        const PartNumber = Parts.length + 1
        const part = { ...object, UploadId, PartNumber, Body, ChecksumAlgorithm: "CRC32C" } as const
        const { ETag, ChecksumCRC32C } = await sdk.send(new UploadPartCommand(part))
        Parts.push({ PartNumber, ETag, ChecksumCRC32C })
      }
      const complete = { ...object, UploadId, ChecksumType, MultipartUpload: { Parts } }
      await sdk.send(new CompleteMultipartUploadCommand(complete))
    }

    test("an object uploaded in parts has no MD5, its ETag says so, and the size of a part is told", async () => {
      const bucket = await newBucket()
      await uploadInParts(bucket, "COMPOSITE")
      using source = open(bucket)
      const head = (await source.head("object"))!
      expect(head.etag).toMatch(/^[0-9a-f]{32}-3$/)
      expect(head.md5).toBeUndefined()
      expect(head.crc32c).toBeUndefined()
      expect(await source.partSize?.("object", head.generation)).toBe(PART)
    })

    test("a checksum of the whole object is told, whatever parts it came in", async () => {
      const bucket = await newBucket()
      await uploadInParts(bucket, "FULL_OBJECT")
      using source = open(bucket)
      expect((await source.head("object"))?.crc32c).toBe(crc32cBase64(bytes))
      const { info, stream } = await source.read("object")
      await stream.cancel()
      expect(info.crc32c).toBe(crc32cBase64(bytes))
    })

    test("a range that is one whole part is not told the part's checksum as the object's", async () => {
      const bucket = await newBucket()
      await uploadInParts(bucket, "COMPOSITE")
      using source = open(bucket)
      const { info, stream } = await source.read("object", { range: { start: 0, end: PART } })
      await stream.cancel()
      expect(info.crc32c).toBeUndefined()
    })

    test("an object uploaded whole has its MD5, and is not taken for one in parts", async () => {
      const bucket = await newBucket()
      await sdk.send(new PutObjectCommand({ Bucket: bucket, Key: "object", Body: noise(5000) }))
      using source = open(bucket)
      const head = (await source.head("object"))!
      expect(head.md5).toBe(md5Base64(noise(5000)))
      expect(await source.partSize?.("object", head.generation)).toBeUndefined()
    })
  })

  describe("S3 by versitygw, trouble", () => {
    test("a bucket that is not there is said before any work", async () => {
      using source = open("no-such-bucket")
      await expect(source.probe()).rejects.toBeInstanceOf(BucketNotFound)
      await expect(source.read("object")).rejects.toBeInstanceOf(BucketNotFound)
    })

    test("a wrong key is said before any work", async () => {
      using source = open(await newBucket(), { ...ACCESS_KEY, secretAccessKey: "wrong" })
      await expect(source.probe()).rejects.toBeInstanceOf(AccessDenied)
      await expect(source.read("object")).rejects.toBeInstanceOf(AccessDenied)
      await expect(source.head("object")).rejects.toBeInstanceOf(AccessDenied)
    })
  })
}
