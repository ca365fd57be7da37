import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { type Peer, startPeer, startPython } from "../interop/cod/peer.ts"
import type { BenchSeries } from "./cod-side.ts"

/** What a command took. */
export interface Work {
  readonly seconds: number
  /** User and system time of the process and of all that it started. */
  readonly cpuSeconds: number
}

/** A process that makes thumbnails: `ready`, `thumbnails`, `file`. */
export interface PixelSide extends AsyncDisposable {
  readonly ask: Peer["ask"]
  /** Makes them all, one after the other, and keeps none. */
  thumbnails(series: readonly BenchSeries[]): Promise<Work>
  /** The file of one. */
  file(series: BenchSeries): Promise<Uint8Array>
}

/** Where the series are. */
interface Cloud {
  readonly url: string
}

export function startOurs({ url }: Cloud): Promise<PixelSide> {
  return sideOf(startPeer([process.execPath, join(import.meta.dir, "pixels-ours.ts"), url]))
}

export function startTheirs(python: string, { url }: Cloud): Promise<PixelSide> {
  return sideOf(startPython(python, join(import.meta.dir, "pixels-python.py"), [url]))
}

async function sideOf(peer: Peer): Promise<PixelSide> {
  const pid = await peer.ask<number>("ready")
  return {
    ...peer,
    async thumbnails(series) {
      const startedAt = performance.now()
      const before = cpuSecondsOf(pid)
      await peer.ask("thumbnails", { series })
      const seconds = (performance.now() - startedAt) / 1000
      return { seconds, cpuSeconds: cpuSecondsOf(pid) - before }
    },
    async file(series) {
      return Buffer.from(await peer.ask<string>("file", { series }), "base64")
    },
  }
}

/** What a process took so far, those that it started, and theirs: proc_pid_stat(5). Linux. */
function cpuSecondsOf(root: number): number {
  const all = processes()
  const childrenOf = Map.groupBy(all, ({ parent }) => parent)
  const isRoot = all.filter(({ pid }) => pid === root)
  let ticks = 0
  for (let level = isRoot; level.length > 0; level = level.flatMap(({ pid }) => childrenOf.get(pid) ?? [])) {
    for (const process of level) ticks += process.ticks
  }
  return ticks / TICKS_PER_SECOND
}

// USER_HZ, which is what the kernel tells all programs on all common machines.
const TICKS_PER_SECOND = 100

interface ProcessTime {
  readonly pid: number
  readonly parent: number
  /** Its own, and those of children that are gone. */
  readonly ticks: number
}

function processes(): ProcessTime[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const stat = statOf(name)
      if (stat === undefined) return []
      // Behind its name, which may hold anything: state, parent, ... utime, stime, cutime, cstime.
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
      const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0)
      return [{ pid: Number(name), parent: Number(fields[1]), ticks }]
    })
}

/** @returns undefined for a process that is gone */
function statOf(pid: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/stat`, "utf8")
  } catch {
    return undefined
  }
}
