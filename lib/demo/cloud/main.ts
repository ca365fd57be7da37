import { startCloud } from "./server.ts"

/**
 * The stand-in as a process of its own: prints its URL and serves until its standard input ends, which it
 * does with the process that started it. `bun lib/demo/cloud/main.ts '{"faults": false}'`
 */
if (import.meta.main) {
  await using cloud = await startCloud(JSON.parse(process.argv[2] ?? "{}"))
  console.log(cloud.url)
  for await (const _ of Bun.stdin.stream()) {
    // Nothing is expected; only the end of the stream counts.
  }
}
