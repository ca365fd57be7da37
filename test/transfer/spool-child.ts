import { readdirSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { openSpool } from "../../lib/transfer/spool.ts"

/**
 * A process of its own in a spool that others use too. `hold IDENTITY BYTES` fills a place and keeps it until its
 * standard input ends. `share BYTES` then takes and fills places of many sizes and prints the most that it ever saw in
 * the folder.
 */
if (import.meta.main) {
  const [dir = "", capacity, task, ...words] = process.argv.slice(2)
  using spool = openSpool({ dir, capacity: Number(capacity) })
  if (task === "hold") {
    const [identity = "", bytes] = words
    using place = await spool.place(identity, Number(bytes))
    writeFileSync(place.path, "x".repeat(Number(bytes)))
    console.error("holds it")
    await Bun.stdin.text()
  } else {
    console.error("ready")
    await Bun.stdin.text()
    console.log(await share(Number(words[0])))
  }

  async function share(largest: number): Promise<number> {
    let most = 0
    const one = async (index: number) => {
      const bytes = 1 + ((index * 37) % largest)
      using place = await spool.place(`${process.pid}${index}`, bytes)
      writeFileSync(place.path, "x".repeat(bytes))
      await Bun.sleep(0)
      most = Math.max(most, bytesIn(dir))
    }
    await Promise.all(Array.from({ length: 40 }, (_, index) => one(index)))
    return most
  }
}

function bytesIn(dir: string): number {
  return readdirSync(dir).reduce((sum, name) => {
    // What is listed may be gone by now.
    return sum + (statSync(join(dir, name), { throwIfNoEntry: false })?.size ?? 0)
  }, 0)
}
