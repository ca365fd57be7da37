import { afterAll, describe, expect, test } from "bun:test"
import { join } from "node:path"
import { FAKE_GCS_SERVER } from "../fake-gcs-server.ts"
import { build, start } from "../go-server.ts"
import { type PeerSeries, startPython } from "./peer.ts"
import { pythonWithCod } from "./venv.ts"

const BUCKET = "interop"

const python = await pythonWithCod()
const program = await build(FAKE_GCS_SERVER)
if (python === undefined || program === undefined)
  test.skip("series of cloud-optimized-dicom 2.2.0", () => {})
else {
  const server = await start(program, FAKE_GCS_SERVER)
  const peer = startPython(python, join(import.meta.dir, "peer.py"), [server.url])
  afterAll(async () => {
    await peer[Symbol.asyncDispose]()
    await server[Symbol.asyncDispose]()
  })
  await fetch(`${server.url}/storage/v1/b`, { method: "POST", body: JSON.stringify({ name: BUCKET }) })

  describe("series of cloud-optimized-dicom 2.2.0", async () => {
    for (const kind of await peer.ask<string[]>("kinds")) {
      test(kind, async () => {
        const theirs = await peer.ask<PeerSeries>("write", { kind, bucket: BUCKET })
        expect(theirs.integrity_check).toBe(kind === "emptied" ? null : "ok")
      })
    }
  })
}
