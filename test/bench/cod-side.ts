import { join } from "node:path"
import type { Hints } from "../../lib/cod/index.ts"
import { type Peer, startPeer, startPython } from "../interop/cod/peer.ts"

/** A series of a benchmark. */
export interface BenchSeries {
  readonly datastore: string
  readonly studyUid: string
  readonly seriesUid: string
}

/** A series that is to be stored, and its files. */
export interface SourceSeries extends Omit<BenchSeries, "datastore"> {
  readonly sources: readonly { readonly uri: string; readonly hints: Required<Hints> }[]
}

/** What one command cost the process that did it, and what came out. */
export interface Cost<Value = unknown> {
  readonly value: Value
  readonly seconds: number
  /** User and system time of all its threads. */
  readonly cpuSeconds: number
  /** Resident before the work, and the most that was resident during it. */
  readonly idleRssBytes: number
  readonly peakRssBytes: number
}

/** Both sides answer the same commands: `ready`, `load`, `instance`, `dicom_json`, `ingest`. */
export interface Side extends AsyncDisposable {
  cost<Value>(command: string, args: Readonly<Record<string, unknown>>): Promise<Cost<Value>>
  ask: Peer["ask"]
  /** From the start of the process until its first answer. */
  readonly startSeconds: number
}

/** How a side is started. */
export interface SideOptions {
  /** Of what stands for GCS. */
  readonly url: string
  /** Where it has its temporary files (the system's folder for them). */
  readonly tempDir?: string
}

export function startOurs({ url, tempDir }: SideOptions): Promise<Side> {
  const command = [process.execPath, join(import.meta.dir, "cod-ours.ts"), url]
  return sideOf(() => startPeer(command, tempEnv(tempDir)))
}

export function startTheirs(python: string, { url, tempDir }: SideOptions): Promise<Side> {
  const script = join(import.meta.dir, "cod-python.py")
  return sideOf(() => startPython(python, script, [url], tempEnv(tempDir)))
}

function tempEnv(tempDir: string | undefined): Readonly<Record<string, string>> {
  return tempDir === undefined ? {} : { TMPDIR: tempDir }
}

async function sideOf(start: () => Peer): Promise<Side> {
  const startedAt = performance.now()
  const peer = start()
  await peer.ask("ready")
  const startSeconds = (performance.now() - startedAt) / 1000
  return { ...peer, startSeconds, cost: (command, args) => peer.ask(command, args) }
}
