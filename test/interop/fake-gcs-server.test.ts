import { afterAll, test } from "bun:test"
import { openGcs } from "../../lib/storage/gcs.ts"
import { READING } from "../contract/reading.ts"
import { asOrigin, keeps } from "../contract/subject.ts"
import { WRITING } from "../contract/writing.ts"
import { FAKE_GCS_SERVER } from "./fake-gcs-server.ts"
import { build, start } from "./go-server.ts"

/** What this server does other than the service. Each line is proved on the stand-in: `test/contract/cloud.test.ts`. */
const SHORTFALLS = {
  shouldRefuseWrongChecksumsOfFiles: "forgets a session's checksums after its first slice",
  shouldRefuseWrongChecksumsOfLargeParts: "forgets a session's checksums after its first slice",
  shouldTellStorageClassesWithTheBytes: "downloads do not tell the storage class",
}

// It also ignores preconditions of reads and deletes (our code compares what is answered, and names the generation that
// is to be deleted, so the promises hold), ends a session that is asked for its progress, and lets a cancelled one go
// on. Those are proved on the stand-in too: `test/storage/gcs-session.test.ts`.

const program = await build(FAKE_GCS_SERVER)
if (program === undefined) test.skip("GCS by fake-gcs-server", () => {})
else {
  const server = await start(program, FAKE_GCS_SERVER)
  afterAll(() => server[Symbol.asyncDispose]())

  let buckets = 0
  const openStore = async () => {
    buckets++
    const bucket = `bucket-${buckets}`
    await fetch(`${server.url}/storage/v1/b`, { method: "POST", body: JSON.stringify({ name: bucket }) })
    const store = openGcs({ bucket, emulatorUrl: server.url, sliceBytes: 256 << 10 })
    return { ...store, [Symbol.asyncDispose]: async () => store[Symbol.dispose]() }
  }

  keeps({ name: "GCS by fake-gcs-server", open: openStore }, WRITING, SHORTFALLS)

  keeps(
    {
      name: "GCS by fake-gcs-server, read",
      async open() {
        const store = await openStore()
        return { ...asOrigin(store), [Symbol.asyncDispose]: store[Symbol.asyncDispose] }
      },
    },
    READING,
    SHORTFALLS,
  )
}
