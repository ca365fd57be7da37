import { join } from "node:path"
import { openGcs } from "../../../lib/storage/gcs.ts"
import type { ObjectStore, Opened } from "../../../lib/storage/store.ts"
import { FAKE_GCS_SERVER } from "../fake-gcs-server.ts"
import { build, start } from "../go-server.ts"
import { type Peer, startPython } from "./peer.ts"
import { type PackageVersion, pythonWithCod } from "./venv.ts"

const SCRIPTS: Readonly<Record<PackageVersion, string>> = { "2.2.0": "peer.py", "0.1.1": "v0/peer.py" }

/** A bucket, and the Python package that has it, too (`peer.py`). */
export interface Site extends AsyncDisposable {
  readonly peer: Peer
  readonly store: Opened<ObjectStore>
  /** Another process like `peer`. */
  startPeer(): Peer
}

/** @returns undefined where Python or Go is missing */
export async function openSite(bucket: string, version: PackageVersion = "2.2.0"): Promise<Site | undefined> {
  const python = await pythonWithCod(version)
  const program = await build(FAKE_GCS_SERVER)
  if (python === undefined || program === undefined) return undefined
  await using owned = new AsyncDisposableStack()
  const { url } = owned.use(await start(program, FAKE_GCS_SERVER))
  await fetch(`${url}/storage/v1/b`, { method: "POST", body: JSON.stringify({ name: bucket }) })
  const startPeer = () => startPython(python, join(import.meta.dir, SCRIPTS[version]), [url])
  const peer = owned.use(startPeer())
  const store = owned.use(openGcs({ bucket, emulatorUrl: url }))
  const all = owned.move()
  return { peer, store, startPeer, [Symbol.asyncDispose]: () => all.disposeAsync() }
}
