import { join } from "node:path"
import { bytes, count, table } from "../../lib/support/text.ts"
import { type Answered, OBJECTS_PER_STUDY, type SiteMessage } from "./adopt-site.ts"
import type { AdoptStepSetup } from "./adopt-step.ts"
import { scratchFolder } from "./measure.ts"
import { benchOptions } from "./options.ts"
import { startWorker } from "./worker.ts"

const HELP = `Adopts a destination that another tool filled: every object is recorded as done by what listings tell. Fails
when a single body was read from the origin or the destination, or anything was written there. Both clouds are a
stand-in in a process of its own, four objects a study.`

const options = benchOptions("bench:adopt", HELP, { objects: 100_000 })
if (options !== undefined) {
  const studies = Math.ceil(options.objects / OBJECTS_PER_STUDY)
  const objects = studies * OBJECTS_PER_STUDY
  await using site = await startSite(studies)
  using folder = scratchFolder()
  const setup: AdoptStepSetup = { url: site.url, studies, folder: folder.path }
  await using step = startWorker("adopt-step.ts", setup)
  const { seconds, cpuSeconds, peakRssBytes } = await step.round()
  const answered = await site.answered()
  const requests = Object.values(answered).reduce((sum, number) => sum + number, 0)
  const listings = (answered["s3.list"] ?? 0) + (answered["gcs.list"] ?? 0)
  const bodies = (answered["s3.get"] ?? 0) + (answered["gcs.media"] ?? 0)
  const passed = requests === listings
  const result = { objects, studies, seconds, cpu_seconds: cpuSeconds, peak_rss_bytes: peakRssBytes }
  if (options.json) console.log(JSON.stringify({ ...result, answered, bodies, passed }, undefined, 2))
  else {
    const rate = Math.round(objects / seconds)
    console.log(`adopt: ${count(objects)} objects of ${count(studies)} studies in ${seconds.toFixed(1)} s`)
    console.log(
      table(
        ["objects/s", "CPU ms/object", "peak RSS", "listings", "bodies read"],
        [[rate, ((cpuSeconds * 1000) / objects).toFixed(2), bytes(peakRssBytes), listings, bodies]],
      ),
    )
    console.log(passed ? "ok: nothing but listings was asked" : `FAILED: asked ${JSON.stringify(answered)}`)
  }
  process.exitCode = passed ? 0 : 1
}

/** Both clouds, filled. */
async function startSite(studies: number) {
  const waiting: PromiseWithResolvers<SiteMessage>[] = []
  const next = () => {
    const message = Promise.withResolvers<SiteMessage>()
    waiting.push(message)
    return message.promise
  }
  const file = join(import.meta.dir, "adopt-site.ts")
  const child = Bun.spawn([process.execPath, file, JSON.stringify({ studies })], {
    stdio: ["ignore", "inherit", "inherit"],
    ipc: (message: SiteMessage) => waiting.shift()?.resolve(message),
    onExit: (_child, code) => {
      for (const { reject } of waiting.splice(0)) reject(new Error(`the clouds ended with exit code ${code}`))
    },
  })
  const started = await next()
  if (!("url" in started)) throw new Error("the clouds did not tell where they are")
  return {
    url: started.url,
    async answered(): Promise<Answered> {
      const answer = next()
      child.send("how much")
      const told = await answer
      return "answered" in told ? told.answered : {}
    },
    async [Symbol.asyncDispose]() {
      child.disconnect()
      await child.exited
    },
  }
}
