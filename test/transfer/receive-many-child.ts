import { receive } from "../../lib/transfer/receive.ts"
import { openSpool } from "../../lib/transfer/spool.ts"
import { openOrigin, QUICK } from "../support/receiving.ts"

/** Receives the object `k` often, under one signal as a run has it, and prints by how many bytes that made it grow. */
if (import.meta.main) {
  const [url = "", dir = "", times] = process.argv.slice(2)
  using spool = openSpool({ dir, capacity: 1 << 30 })
  const origin = openOrigin(url)
  const run = new AbortController()
  const receiveOften = async (count: number) => {
    for (let i = 0; i < count; i++) {
      using _ = await receive(origin, "k", { spool, stallMs: 30_000, retry: QUICK }, run.signal)
    }
    Bun.gc(true)
    return process.memoryUsage.rss()
  }
  console.error("ready")
  const warm = await receiveOften(300)
  console.log((await receiveOften(Number(times))) - warm)
}
