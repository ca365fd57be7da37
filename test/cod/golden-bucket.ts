import type { Cloud } from "../../lib/demo/cloud/cloud.ts"
import { startCloud } from "../../lib/demo/cloud/server.ts"
import { openGcs } from "../../lib/storage/gcs.ts"
import type { ObjectStore, Opened } from "../../lib/storage/store.ts"
import type { GoldenCase } from "../support/golden.ts"

/** A bucket in which golden series stand below `archive/`, and a store of that bucket. */
export interface GoldenBucket {
  readonly cloud: Cloud
  readonly bucket: string
  readonly store: Opened<ObjectStore>
  put(golden: GoldenCase): Stored
  stop(): Promise<void>
}

/** Where a series was put. */
export interface Stored {
  readonly store: Opened<ObjectStore>
  readonly datastore: string
}

export async function openGolden(): Promise<GoldenBucket> {
  const cloud = await startCloud()
  const bucket = "golden"
  cloud.createBucket(bucket)
  const store = openGcs({ bucket, emulatorUrl: cloud.url })
  return {
    cloud,
    bucket,
    store,
    put(golden) {
      for (const key of golden.keys) {
        const { content_type: contentType, content_encoding } = golden.expected.objects[key]!
        cloud.put(bucket, `archive/${golden.name}/${key}`, golden.bytes(key), {
          contentType,
          ...(content_encoding === null ? {} : { contentEncoding: content_encoding }),
        })
      }
      return { store, datastore: `gs://${bucket}/archive/${golden.name}` }
    },
    async stop() {
      store[Symbol.dispose]()
      await cloud.stop()
    },
  }
}
