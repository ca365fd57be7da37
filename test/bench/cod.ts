import { startCloudProcess } from "../../lib/demo/cloud/remote.ts"
import { bytes, table } from "../../lib/support/text.ts"
import { pythonWithCod } from "../interop/cod/venv.ts"
import { appendRows } from "./cod-append-rows.ts"
import { dicomJsonRow } from "./cod-dicom-json.ts"
import { ingestRows } from "./cod-ingest-rows.ts"
import { largeRows } from "./cod-large-rows.ts"
import type { Row } from "./cod-row.ts"
import { BUCKET, growthRow, loadRows, type MadeSeries, transferRow } from "./cod-series-rows.ts"
import { startOurs, startTheirs } from "./cod-side.ts"
import { benchOptions } from "./options.ts"

const HELP = `Compares lib/cod with the Python package cloud-optimized-dicom 2.2.0, each in a warm process of its own, by turns;
medians are told, and the start of a process beside them. The series are the package's own, behind one stand-in for GCS;
the last one is a file with holes. The DICOM files are those of ../shared/dicom. Nothing leaves this machine, but for
the packages of Python, once.`

const options = benchOptions("bench:cod", HELP, { repeats: 7, instances: 1000 })
if (options !== undefined) {
  const python = await pythonWithCod()
  if (python === undefined) process.exitCode = 1
  else {
    const { rows, startSeconds } = await measureAll(python, options.instances, options.repeats)
    if (options.json) console.log(JSON.stringify({ start_seconds: startSeconds, rows }, undefined, 2))
    else print(rows, startSeconds, options.repeats)
    process.exitCode = rows.every(({ floor }) => floor?.passed !== false) ? 0 : 1
  }
}

async function measureAll(python: string, instances: number, repeats: number) {
  await using cloud = await startCloudProcess({ faults: false })
  await cloud.ask("createBucket", BUCKET)
  // A process that makes series is no measure of one that reads them.
  await using maker = await startTheirs(python, cloud)
  await using ours = await startOurs(cloud)
  await using theirs = await startTheirs(python, cloud)
  const make = (name: string, size: number) =>
    maker.ask<MadeSeries>("make", { datastore: `gs://${BUCKET}/cod`, name, instances: size })
  const small = await make("small", 10)
  const series = await make("series", instances)
  const both = { ours, theirs, repeats }
  const starts = { ours: () => startOurs(cloud), theirs: () => startTheirs(python, cloud) }
  const rows = [
    ...(await loadRows(both, series)),
    await growthRow(starts, small, series),
    await transferRow(cloud, both, series),
    ...(await ingestRows(cloud, maker, both)),
    ...(await dicomJsonRow(both)),
    ...(await largeRows(starts.ours, maker)),
    ...(await appendRows(cloud, maker, python)),
  ]
  return { rows, startSeconds: { ours: ours.startSeconds, theirs: theirs.startSeconds } }
}

function print(rows: readonly Row[], start: { ours: number; theirs: number }, repeats: number) {
  const figure = (value: number, unit: Row["unit"]) => {
    if (unit === "B") return bytes(value)
    return unit === "s" ? `${(1000 * value).toFixed(1)} ms` : value.toFixed(1)
  }
  console.log(`cod: lib/cod and cloud-optimized-dicom 2.2.0, medians of ${repeats}`)
  console.log(
    table(
      ["", "lib/cod", "Python", "ratio"],
      rows.map(({ what, ours, theirs, unit }) => [
        what,
        figure(ours, unit),
        theirs === undefined ? "" : figure(theirs, unit),
        theirs === undefined || ours === 0 ? "" : (theirs / ours).toFixed(1),
      ]),
    ),
  )
  console.log(`start of a process: ${figure(start.ours, "s")}, Python ${figure(start.theirs, "s")}`)
  for (const { what, floor } of rows) {
    if (floor !== undefined) console.log(`${floor.passed ? "ok" : "FAILED"}: ${what}: ${floor.demand}`)
  }
}
