import { join } from "node:path"
import type { RemoteCloud } from "../../lib/demo/cloud/remote.ts"
import { phantomDicom } from "../../lib/demo/phantom.ts"
import { count } from "../../lib/support/text.ts"
import type { BenchSeries } from "./cod-side.ts"
import { scratchFolder } from "./measure.ts"
import { startTheirs } from "./pixels-side.ts"

/** Where the series of the benchmark lie. */
export const BUCKET = "bench"

/** Series whose thumbnails are made, one after the other. */
export interface PixelCase {
  readonly what: string
  /** What is told per second: they have one frame each, or many. */
  readonly counted: "instances" | "frames"
  readonly series: readonly BenchSeries[]
}

/** Rows and columns of a radiograph. */
const SIDE = 2048

/** Radiographs, of a series each. */
const RADIOGRAPHS = [
  { seed: 1, view: "PA", photometric: "MONOCHROME1" },
  { seed: 2, view: "LATERAL", photometric: "MONOCHROME2" },
  { seed: 3, view: "PA", photometric: "MONOCHROME2" },
] as const

/** How they are stored: as they come, as hospitals send them, as the package transcodes them. */
const ENCODINGS = {
  native: "native",
  "jpeg-lossless": "JPEG lossless",
  "jpeg-2000": "JPEG 2000",
} as const

/** Stores all series, as the package does. */
export async function makeCases(python: string, cloud: RemoteCloud, slices: number): Promise<PixelCase[]> {
  // A process that makes series is no measure of one that shows them.
  await using maker = await startTheirs(python, cloud)
  const datastore = (name: string) => `gs://${BUCKET}/${name}`
  using scratch = scratchFolder()
  const paths = RADIOGRAPHS.map((_, index) => join(scratch.path, `${index}.dcm`))
  for (const [index, picture] of RADIOGRAPHS.entries()) {
    await Bun.write(paths[index]!, phantomDicom({ ...picture, modality: "DX", rows: SIDE, columns: SIDE }))
  }
  const cases: PixelCase[] = []
  for (const [encoding, name] of Object.entries(ENCODINGS)) {
    const args = { datastore: datastore(`dx-${encoding}`), paths, encoding }
    const series = await maker.ask<BenchSeries[]>("store_files", args)
    cases.push({ what: `DX, ${count(SIDE)} × ${count(SIDE)}, ${name}`, counted: "instances", series })
  }
  for (const encoding of ["native", "jpeg-2000"] as const) {
    const args = { datastore: datastore(`ct-${encoding}`), slices, encoding }
    const series = [await maker.ask<BenchSeries>("store_slices", args)]
    const what = `CT, ${slices} slices of 512 × 512, ${ENCODINGS[encoding]}`
    cases.push({ what, counted: "frames", series })
  }
  return cases
}
