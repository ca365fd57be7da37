import { afterAll } from "bun:test"
import { CreateBucketCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3"
import { openS3 } from "../../lib/storage/s3.ts"
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

/** What this server does other than the service, and where our code is proved instead: `test/contract/cloud.test.ts`. */
const SHORTFALLS = {}

const program = await build(VERSITYGW)
if (program !== undefined) {
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
  keeps(
    {
      name: "S3 by versitygw",
      async open() {
        buckets++
        const bucket = `bucket-${buckets}`
        await sdk.send(new CreateBucketCommand({ Bucket: bucket }))
        const source = openS3({ bucket, endpoint: server.url, region: REGION, ...ACCESS_KEY })
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
}
