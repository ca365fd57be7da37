import { existsSync, readdirSync } from "node:fs"
import { join } from "node:path"
import { type RemoteCloud, startCloudProcess } from "../../lib/demo/cloud/remote.ts"
import { bytes, count, table } from "../../lib/support/text.ts"
import { pythonWithCod } from "../interop/cod/venv.ts"
import { makeLargeSeries } from "./cod-large.ts"
import { type BenchSeries, type Cost, type Side, startOurs, startTheirs } from "./cod-side.ts"
import { medianOf, scratchFolder } from "./measure.ts"
import { benchOptions } from "./options.ts"

/** What must hold; ratios are of Python's figure to ours. */
const FLOORS = { load: 4, growth: 3, dicomJson: 3, largeRssBytes: 200e6 }

const HELP = `Compares lib/cod with the Python package cloud-optimized-dicom 2.2.0, each in a warm process of its own, by turns;
medians are told, and the start of Python beside them. The series are the package's own, behind one stand-in for GCS;
the last one is a file with holes. The DICOM files are those of ../shared/dicom. Nothing leaves this machine, but for
the packages of Python, once.`

const BUCKET = "bench"
const INSTANCE_NUMBER = "00200013"
const DICOM = join(import.meta.dir, "../../../shared/dicom")

/** One line of the report. */
interface Row {
  readonly what: string
  readonly ours: number
  readonly theirs: number | undefined
  readonly unit: "s" | "B"
  /** Told in words, and whether it held; absent where nothing is demanded. */
  readonly floor?: { readonly demand: string; readonly passed: boolean }
}

/** A series of the package's, with the keys of its instances. */
type MadeSeries = BenchSeries & { readonly keys: readonly string[] }

const options = benchOptions("bench:cod", HELP, { repeats: 7, instances: 1000 })
if (options !== undefined) {
  const python = await pythonWithCod()
  if (python === undefined) process.exitCode = 1
  else {
    const { rows, starts } = await measureAll(python, options.instances, options.repeats)
    if (options.json) console.log(JSON.stringify({ starts, rows }, undefined, 2))
    else print(rows, starts, options.repeats)
    process.exitCode = rows.every(({ floor }) => floor?.passed !== false) ? 0 : 1
  }
}

async function measureAll(python: string, instances: number, repeats: number) {
  await using cloud = await startCloudProcess({ faults: false })
  await cloud.ask("createBucket", BUCKET)
  await using ours = await startOurs(cloud.url)
  await using theirs = await startTheirs(python, cloud.url)
  const make = (name: string, size: number) =>
    theirs.ask<MadeSeries>("make", { datastore: `gs://${BUCKET}/cod`, name, instances: size })
  const series = await make("series", instances)
  // The process that made the series is no measure of one that reads it.
  await using reader = await startTheirs(python, cloud.url)
  const both = { ours, theirs: reader, repeats }
  const rows = [
    ...(await loadRows(both, series)),
    await transferRow(cloud, both, series),
    ...(await dicomJsonRows(both)),
    ...(await largeRows(cloud.url, theirs)),
  ]
  return { rows, starts: { ours: ours.startSeconds, python: reader.startSeconds } }
}

interface Both {
  readonly ours: Side
  readonly theirs: Side
  readonly repeats: number
}

/** By turns; what comes first warms up and is not counted. Both must come to the same value. */
async function byTurns({ ours, theirs, repeats }: Both, command: string, args: object) {
  const costs: { ours: Cost; theirs: Cost }[] = []
  for (let repeat = -WARM_ROUNDS; repeat < repeats; repeat++) {
    const pair = {
      ours: await ours.cost(command, { ...args }),
      theirs: await theirs.cost(command, { ...args }),
    }
    if (!Bun.deepEquals(pair.ours.value, pair.theirs.value)) {
      const { ours, theirs } = pair
      throw new Error(
        `${command}: ${JSON.stringify(ours.value)} is not Python's ${JSON.stringify(theirs.value)}`,
      )
    }
    if (repeat >= 0) costs.push(pair)
  }
  const median = (figure: (cost: Cost) => number) => ({
    ours: medianOf(costs.map((pair) => figure(pair.ours))),
    theirs: medianOf(costs.map((pair) => figure(pair.theirs))),
  })
  return { seconds: median(({ seconds }) => seconds), growth: median(growthOf) }
}

const WARM_ROUNDS = 3

function growthOf({ idleRssBytes, peakRssBytes }: Cost): number {
  return Math.max(0, peakRssBytes - idleRssBytes)
}

async function loadRows(both: Both, { keys, ...series }: MadeSeries): Promise<Row[]> {
  const args = { series, key: keys[keys.length >> 1], tag: INSTANCE_NUMBER }
  const { seconds, growth } = await byTurns(both, "load", args)
  const unsorted = await byTurns(both, "load_unsorted", args)
  const what = `metadata of ${count(keys.length)} instances, one tag`
  return [
    { what, unit: "s", ...seconds, floor: atLeast(FLOORS.load, seconds) },
    { what: `${what}: growth of RSS`, unit: "B", ...growth, floor: atLeast(FLOORS.growth, growth) },
    { what: `${what}, Python not sorting`, unit: "s", ...unsorted.seconds },
  ]
}

function atLeast(factor: number, { ours, theirs }: { ours: number; theirs: number }) {
  return { demand: `Python's is at least ${factor} times ours`, passed: theirs >= factor * ours }
}

async function transferRow(
  cloud: RemoteCloud,
  { ours, theirs }: Both,
  { keys, ...series }: MadeSeries,
): Promise<Row> {
  const args = { series, key: keys[keys.length >> 1] }
  const transferred = async (side: Side) => {
    await cloud.ask("clearLog")
    const { value } = await side.cost<{ crc32c: string; size: number }>("instance", args)
    const media = await cloud.ask("entries", { operation: "gcs.media" })
    return { ...value, bytes: media.reduce((sum, { bytesOut }) => sum + bytesOut, 0) }
  }
  const here = await transferred(ours)
  const there = await transferred(theirs)
  if (here.crc32c !== there.crc32c) throw new Error("not the bytes that Python reads")
  const metadata = `cod/studies/${series.studyUid}/series/${series.seriesUid}/metadata.json`
  const least = here.size + (await cloud.bytes(BUCKET, metadata)).length
  return {
    what: `one instance of ${count(keys.length)}: transferred`,
    unit: "B",
    ours: here.bytes,
    theirs: there.bytes,
    floor: { demand: "at most the instance and metadata.json", passed: here.bytes <= least },
  }
}

async function dicomJsonRows(both: Both): Promise<Row[]> {
  if (!existsSync(DICOM)) return []
  // The package refuses files with a TIFF header in their preamble.
  const names = readdirSync(DICOM, { recursive: true, encoding: "utf8" })
  const good = names.filter((name) => name.endsWith(".dcm") && !/^bad\/|^CT_small/.test(name))
  const { seconds } = await byTurns(both, "dicom_json", { paths: good.map((name) => join(DICOM, name)) })
  return [
    {
      what: `DICOM JSON of ${good.length} files`,
      unit: "s",
      ...seconds,
      floor: atLeast(FLOORS.dicomJson, seconds),
    },
  ]
}

/** What Python's tarfile finds in the tar is the truth. */
async function largeRows(url: string, theirs: Side): Promise<Row[]> {
  using folder = scratchFolder()
  const { tarPath, tarBytes, lastKey, lastCrc32c, ...series } = await makeLargeSeries(folder.path)
  await using ours = await startOurs(url)
  const { value, seconds, peakRssBytes } = await ours.cost<{
    listed: unknown
    members: unknown
    crc32c: string
  }>("large", { series, tarPath, key: lastKey })
  const truth = await theirs.ask("members", { path: tarPath })
  const right =
    Bun.deepEquals(value.listed, truth) && Bun.deepEquals(value.members, truth) && value.crc32c === lastCrc32c
  const what = `series of ${bytes(tarBytes)}: list, check headers, open the last`
  const largest = bytes(FLOORS.largeRssBytes)
  return [
    {
      what,
      unit: "s",
      ours: seconds,
      theirs: undefined,
      floor: { demand: "offsets as Python's tarfile finds them", passed: right },
    },
    {
      what: `${what}: RSS`,
      unit: "B",
      ours: peakRssBytes,
      theirs: undefined,
      floor: { demand: `under ${largest}`, passed: peakRssBytes < FLOORS.largeRssBytes },
    },
  ]
}

function print(rows: readonly Row[], starts: { ours: number; python: number }, repeats: number) {
  const figure = (value: number, unit: Row["unit"]) =>
    unit === "B" ? bytes(Math.round(value)) : `${(1000 * value).toFixed(1)} ms`
  console.log(`cod: lib/cod and cloud-optimized-dicom 2.2.0, medians of ${repeats}`)
  console.log(
    table(
      ["", "lib/cod", "Python", "ratio"],
      rows.map(({ what, ours, theirs, unit }) => [
        what,
        figure(ours, unit),
        theirs === undefined ? "" : figure(theirs, unit),
        theirs === undefined ? "" : (theirs / ours).toFixed(1),
      ]),
    ),
  )
  console.log(`start of a process: ${figure(starts.ours, "s")}, Python ${figure(starts.python, "s")}`)
  for (const { what, floor } of rows) {
    if (floor !== undefined) console.log(`${floor.passed ? "ok" : "FAILED"}: ${what}: ${floor.demand}`)
  }
}
