import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"

/** What one round cost the process that did it. */
export interface Round {
  readonly seconds: number
  /** User and system time of all its threads. */
  readonly cpuSeconds: number
  /** The most that it ever had. */
  readonly peakRssBytes: number
}

/** One side of a benchmark in a process of its own, so that nothing of what it needs is shared with the other. */
export interface Worker extends AsyncDisposable {
  round(): Promise<Round>
}

/**
 * @param file in this folder; it calls `serveRounds`
 * @param setup whatever survives JSON
 */
export function startWorker(file: string, setup: unknown): Worker {
  const asked: PromiseWithResolvers<Round>[] = []
  const child = Bun.spawn([process.execPath, join(import.meta.dir, file), JSON.stringify(setup)], {
    stdio: ["ignore", "inherit", "inherit"],
    ipc: (round: Round) => asked.shift()?.resolve(round),
    onExit: (_child, code) => {
      for (const { reject } of asked.splice(0)) reject(new Error(`${file} ended with exit code ${code}`))
    },
  })
  return {
    round() {
      const answer = Promise.withResolvers<Round>()
      asked.push(answer)
      child.send("round")
      return answer.promise
    },
    async [Symbol.asyncDispose]() {
      child.disconnect()
      await child.exited
    },
  }
}

/** What `startWorker` was given. */
export function setupOf<Setup>(): Setup {
  return JSON.parse(process.argv[2]!)
}

/**
 * Does a round whenever the parent asks for one; resolves when it has gone.
 * @param prepare is not measured; what it gives is
 */
export function serveRounds(prepare: () => () => Promise<void>): Promise<void> {
  process.on("message", async () => {
    const work = prepare()
    Bun.gc(true)
    process.send!(await measure(work))
  })
  return new Promise((resolve) => process.on("disconnect", resolve))
}

async function measure(work: () => Promise<void>): Promise<Round> {
  const startedAt = performance.now()
  const cpu = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(cpu)
  return {
    seconds: (performance.now() - startedAt) / 1000,
    cpuSeconds: (user + system) / 1e6,
    peakRssBytes: peakRssBytes(),
  }
}

/** Linux's getrusage also counts what the parent had when it started this process; proc(5) does not. */
function peakRssBytes(): number {
  const file = "/proc/self/status"
  const kib = existsSync(file) ? /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync(file, "utf8"))?.[1] : undefined
  return 1024 * Number(kib ?? process.resourceUsage().maxRSS)
}
