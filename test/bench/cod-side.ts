import { join } from "node:path"
import { type Peer, startPeer, startPython } from "../interop/cod/peer.ts"

/** A series of a benchmark. */
export interface BenchSeries {
  readonly datastore: string
  readonly studyUid: string
  readonly seriesUid: string
}

/** What one command cost the process that did it, and what came out. */
export interface Cost<Value = unknown> {
  readonly value: Value
  readonly seconds: number
  /** Resident before the work, and the most that was resident during it. */
  readonly idleRssBytes: number
  readonly peakRssBytes: number
}

/** Both sides answer the same commands: `ready`, `load`, `instance`, `dicom_json`. */
export interface Side extends AsyncDisposable {
  cost<Value>(command: string, args: Readonly<Record<string, unknown>>): Promise<Cost<Value>>
  ask: Peer["ask"]
  /** From the start of the process until its first answer. */
  readonly startSeconds: number
}

/** @param url of what stands for GCS */
export function startOurs(url: string): Promise<Side> {
  return sideOf(() => startPeer([process.execPath, join(import.meta.dir, "cod-ours.ts"), url]))
}

export function startTheirs(python: string, url: string): Promise<Side> {
  return sideOf(() => startPython(python, join(import.meta.dir, "cod-python.py"), [url]))
}

async function sideOf(start: () => Peer): Promise<Side> {
  const startedAt = performance.now()
  const peer = start()
  await peer.ask("ready")
  const startSeconds = (performance.now() - startedAt) / 1000
  return { ...peer, startSeconds, cost: (command, args) => peer.ask(command, args) }
}
