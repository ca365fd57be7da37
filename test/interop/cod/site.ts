import { join } from "node:path"
import { openGcs } from "../../../lib/storage/gcs.ts"
import type { ObjectStore, Opened } from "../../../lib/storage/store.ts"
import { FAKE_GCS_SERVER } from "../fake-gcs-server.ts"
import { build, start } from "../go-server.ts"
import { type Peer, startPython } from "./peer.ts"
import { pythonWithCod } from "./venv.ts"

/** A bucket, and the Python package that has it, too (`peer.py`). */
export interface Site extends AsyncDisposable {
  readonly peer: Peer
  readonly store: Opened<ObjectStore>
}

/** @returns undefined where Python or Go is missing */
export async function openSite(bucket: string): Promise<Site | undefined> {
  const python = await pythonWithCod()
  const program = await build(FAKE_GCS_SERVER)
  if (python === undefined || program === undefined) return undefined
  await using owned = new AsyncDisposableStack()
  const { url } = owned.use(await start(program, FAKE_GCS_SERVER))
  await fetch(`${url}/storage/v1/b`, { method: "POST", body: JSON.stringify({ name: bucket }) })
  const peer = owned.use(startPython(python, join(import.meta.dir, "peer.py"), [url]))
  const store = owned.use(openGcs({ bucket, emulatorUrl: url }))
  const all = owned.move()
  return { peer, store, [Symbol.asyncDispose]: () => all.disposeAsync() }
}
