import { readdirSync, statSync } from "node:fs"
import { join } from "node:path"
import { receive } from "../../lib/transfer/receive.ts"
import { openSpool } from "../../lib/transfer/spool.ts"
import { openOrigin, QUICK } from "../support/receiving.ts"

/**
 * A process of its own that receives the object `k`, says when so many bytes of it are in the spool, and prints its
 * size and the most memory that it was seen to have, in bytes.
 */
if (import.meta.main) {
  const [url = "", dir = "", bytes] = process.argv.slice(2)
  using spool = openSpool({ dir, capacity: 1 << 30 })
  let most = 0
  let said = false
  const watch = setInterval(() => {
    most = Math.max(most, process.memoryUsage.rss())
    if (said || inSpool(dir) < Number(bytes)) return
    console.error("has them")
    said = true
  }, 2)
  using received = await receive(openOrigin(url), "k", { spool, stallMs: 30_000, retry: QUICK })
  clearInterval(watch)
  console.log(received.info.size, most)
}

function inSpool(dir: string): number {
  return Math.max(0, ...readdirSync(dir).map((name) => statSync(join(dir, name)).size))
}
