/** Our side of the benchmark: answers what `pixels-python.py` answers, in the same words. */
import { CODObject } from "../../lib/cod/index.ts"
import { openGcs } from "../../lib/storage/gcs.ts"
import type { BenchSeries } from "./cod-side.ts"
import { BUCKET } from "./pixels-series.ts"

using store = openGcs({ bucket: BUCKET, emulatorUrl: process.argv[2]! })

async function thumbnailOf(series: BenchSeries): Promise<Uint8Array> {
  await using cod = await CODObject.open({ ...series, store, lock: false })
  // Without the lock: it stays here, as there.
  const { bytes } = await cod.generateThumbnail({ dirty: true })
  return bytes
}

async function thumbnails({ series }: { readonly series: readonly BenchSeries[] }): Promise<null> {
  for (const one of series) await thumbnailOf(one)
  return null
}

async function file({ series }: { readonly series: BenchSeries }): Promise<string> {
  return Buffer.from(await thumbnailOf(series)).toString("base64")
}

const COMMANDS: Readonly<Record<string, (args: never) => Promise<unknown>>> = {
  ready: async () => process.pid,
  thumbnails,
  file,
}

for await (const line of console) {
  // How an input that ends is told.
  if (line === "") break
  const { do: name, ...args } = JSON.parse(line)
  console.log(JSON.stringify({ result: await COMMANDS[name]!(args as never) }))
}
