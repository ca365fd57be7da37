import { startCloudProcess } from "../../lib/demo/cloud/remote.ts"
import { table } from "../../lib/support/text.ts"
import { pythonWithCod } from "../interop/cod/venv.ts"
import { benchOptions } from "./options.ts"
import { type PixelRow, rowOf } from "./pixels-row.ts"
import { BUCKET, makeCases } from "./pixels-series.ts"
import { startOurs, startTheirs } from "./pixels-side.ts"

const HELP = `Compares the thumbnails of lib/cod with those of the Python package cloud-optimized-dicom 2.2.0: each side is a process that
has made some already, reads the same stored series from one stand-in for GCS, and makes the file (128 pixels a side) without
storing it, by turns; medians are told. Neither side's start is counted. CPU time is that of the process and of all that it
started, decoders and ffmpeg, alive or gone. The pictures are phantoms with a detector's noise; both sides' are compared.`

/** Instances or frames per CPU second, ours by Python's. */
const FLOOR = 2

const options = benchOptions("bench:pixels", HELP, { repeats: 5, slices: 100 })
if (options !== undefined) {
  const python = await pythonWithCod()
  if (python === undefined) process.exitCode = 1
  else {
    const rows = await measureAll(python, options)
    if (options.json) console.log(JSON.stringify({ floor: FLOOR, rows }, undefined, 2))
    else print(rows, options.repeats)
    process.exitCode = rows.every(isPassed) ? 0 : 1
  }
}

async function measureAll(python: string, of: { readonly slices: number; readonly repeats: number }) {
  await using cloud = await startCloudProcess({ faults: false })
  await cloud.ask("createBucket", BUCKET)
  const cases = await makeCases(python, cloud, of.slices)
  await using ours = await startOurs(cloud)
  await using theirs = await startTheirs(python, cloud)
  const rows: PixelRow[] = []
  for (const one of cases) rows.push(await rowOf(one, { ours, theirs }, of.repeats))
  return rows
}

function isPassed({ ratio }: PixelRow): boolean {
  return ratio >= FLOOR
}

function print(rows: readonly PixelRow[], repeats: number) {
  console.log(`pixels: thumbnails by lib/cod and by cloud-optimized-dicom 2.2.0, medians of ${repeats}`)
  const digits = (value: number) => value.toFixed(value < 10 ? 2 : 1)
  console.log(
    table(
      ["", "of", "lib/cod /s", "Python /s", "lib/cod /CPU s", "Python /CPU s", "ratio", "difference of 255"],
      rows.map(({ what, counted, ours, theirs, ratio, difference }) => [
        what,
        counted,
        digits(ours.perSecond),
        digits(theirs.perSecond),
        digits(ours.perCpuSecond),
        digits(theirs.perCpuSecond),
        ratio.toFixed(1),
        difference.toFixed(1),
      ]),
    ),
  )
  for (const row of rows) {
    const verdict = isPassed(row) ? "ok" : "FAILED"
    console.log(
      `${verdict}: ${row.what}: at least ${FLOOR} times as many ${row.counted} per CPU second as Python`,
    )
  }
}
