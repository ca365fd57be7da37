import { afterAll } from "bun:test"
import { startCloud } from "../../lib/demo/cloud/server.ts"
import { openGcs } from "../../lib/storage/gcs.ts"
import { openS3 } from "../../lib/storage/s3.ts"
import { READING } from "./reading.ts"
import { asOrigin, keeps } from "./subject.ts"
import { WRITING } from "./writing.ts"

const cloud = await startCloud()
afterAll(() => cloud.stop())

let buckets = 0
function newBucket(): string {
  buckets++
  cloud.createBucket(`bucket-${buckets}`)
  return `bucket-${buckets}`
}

async function openStore() {
  // Slices as small as they may be: objects of more than 1 MiB take several.
  const store = openGcs({
    bucket: newBucket(),
    prefix: "a/prefix",
    emulatorUrl: cloud.url,
    sliceBytes: 256 << 10,
  })
  return { ...store, [Symbol.asyncDispose]: async () => store[Symbol.dispose]() }
}

keeps({ name: "GCS", open: openStore }, WRITING)

keeps(
  {
    name: "GCS, read",
    async open() {
      const store = await openStore()
      return { ...asOrigin(store), [Symbol.asyncDispose]: store[Symbol.asyncDispose] }
    },
  },
  READING,
)

keeps(
  {
    name: "S3",
    async open() {
      const bucket = newBucket()
      const keys = { accessKeyId: "key", secretAccessKey: "secret" }
      const source = openS3({ bucket, prefix: "a/prefix", endpoint: cloud.url, region: "eu-west-1", ...keys })
      return {
        source,
        put: async (key, bytes, traits) => {
          cloud.put(bucket, `a/prefix/${key}`, bytes, { ...traits, checksum: "full-object" })
        },
        [Symbol.asyncDispose]: async () => source[Symbol.dispose](),
      }
    },
  },
  READING,
)
