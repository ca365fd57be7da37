import { expect, test } from "bun:test"
import { readdirSync } from "node:fs"
import { startCloud } from "../../lib/demo/cloud/server.ts"
import { verdictOf } from "../../lib/support/errors.ts"
import { receive } from "../../lib/transfer/receive.ts"
import { openSpool } from "../../lib/transfer/spool.ts"
import { failureOf, noise } from "../contract/bodies.ts"
import { openOrigin, QUICK } from "../support/receiving.ts"
import { tinyDisk } from "../support/tiny-disk.ts"

test.skipIf(!tinyDisk.isPossible)(
  "A spool on a full disk fails the object, says so, and leaves no file",
  async () => {
    await using cloud = await startCloud({ keepAlive: false })
    cloud.createBucket("origin")
    cloud.put("origin", "k", noise(6 << 20))
    using disk = tinyDisk.mount(2 << 20)
    using spool = openSpool({ dir: `${disk.path}/tmp`, capacity: 64 << 20 })
    const options = { spool, stallMs: 30_000, retry: QUICK }
    const failure = await failureOf(receive(openOrigin(cloud.url), "k", options))
    expect(verdictOf(failure)).toBe("retry")
    expect((failure as Error).message).toContain("no space left")
    expect(readdirSync(spool.dir)).toEqual([])
    disk.grow(16 << 20)
    using received = await receive(openOrigin(cloud.url), "k", options)
    expect(received.info.size).toBe(6 << 20)
  },
)
