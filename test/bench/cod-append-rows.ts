import { readdirSync, statSync } from "node:fs"
import { join } from "node:path"
import { type Hints, Instance, withCODObject } from "../../lib/cod/index.ts"
import type { RemoteCloud } from "../../lib/demo/cloud/remote.ts"
import { openGcs } from "../../lib/storage/gcs.ts"
import { bytes } from "../../lib/support/text.ts"
import type { Ingested } from "./cod-ingest.ts"
import { type Figures, type Row, requireSame } from "./cod-row.ts"
import { BUCKET } from "./cod-series-rows.ts"
import { type Cost, type Side, type SourceSeries, startOurs, startTheirs } from "./cod-side.ts"
import { scratchFolder } from "./measure.ts"

/** A series of 2 GB. */
const STORED = { instances: 20, size: 100e6 }

/** What is appended to it. */
const APPENDED_BYTES = 10e6

const MAX_RSS_BYTES = 200e6

const DATASTORE = `gs://${BUCKET}/large`

interface AppendCost extends Cost<Ingested> {
  readonly tempBytes: number
}

/** Each side appends one instance to the same series, in a process of its own. */
export async function appendRows(cloud: RemoteCloud, maker: Side, python: string): Promise<Row[]> {
  using folder = scratchFolder()
  const size = await store(cloud, maker, folder.path)
  const [first, second] = await sourcesOf(cloud, maker, folder.path)
  const ours = await appending((tempDir) => startOurs({ ...cloud, tempDir }), first!)
  const theirs = await appending((tempDir) => startTheirs(python, { ...cloud, tempDir }), second!)
  requireSame("an append", ours.value, theirs.value)
  return rowsOf(`append ${bytes(APPENDED_BYTES)} to ${bytes(size)}`, { ours, theirs })
}

function rowsOf(what: string, costs: Figures<AppendCost>): Row[] {
  const figures = (figure: (cost: AppendCost) => number): Figures => ({
    ours: figure(costs.ours),
    theirs: figure(costs.theirs),
  })
  const seconds = figures((cost) => cost.seconds)
  const rss = figures((cost) => cost.peakRssBytes)
  const temp = figures((cost) => cost.tempBytes)
  const below = (limit: number, value: number) => ({
    demand: `under ${bytes(limit)}`,
    passed: value < limit,
  })
  const sooner = { demand: "sooner than Python", passed: seconds.ours < seconds.theirs }
  return [
    { what, unit: "s", ...seconds, floor: sooner },
    { what: `${what}: CPU`, unit: "s", ...figures((cost) => cost.cpuSeconds) },
    { what: `${what}: RSS`, unit: "B", ...rss, floor: below(MAX_RSS_BYTES, rss.ours) },
    { what: `${what}: temporary files`, unit: "B", ...temp, floor: below(2 * APPENDED_BYTES, temp.ours) },
  ]
}

interface BlankFile {
  readonly path: string
  readonly hints: Required<Hints>
}

function makeFiles(maker: Side, folder: string, first: number, instances: number, size: number) {
  const args = { folder: join(folder, `from-${first}`), name: "large", first, instances, size }
  return maker.ask<BlankFile[]>("make_blank_files", args)
}

/** @returns bytes of its tar */
async function store(cloud: RemoteCloud, maker: Side, folder: string): Promise<number> {
  using store = openGcs({ bucket: BUCKET, emulatorUrl: cloud.url })
  const files = await makeFiles(maker, folder, 1, STORED.instances, STORED.size)
  const { studyUid, seriesUid } = files[0]!.hints
  const options = { datastore: DATASTORE, studyUid, seriesUid, store, lock: true, syncOnExit: true }
  await withCODObject(options, async (cod) => {
    const { errors } = await cod.append(files.map(({ path }) => new Instance({ dicomUri: path })))
    if (errors.length > 0) throw errors[0]!.error
  })
  return STORED.instances * STORED.size
}

async function sourcesOf(cloud: RemoteCloud, maker: Side, folder: string): Promise<SourceSeries[]> {
  const files = await makeFiles(maker, folder, STORED.instances + 1, 2, APPENDED_BYTES)
  const series: SourceSeries[] = []
  for (const { path, hints } of files) {
    const { studyUid, seriesUid, instanceUid } = hints
    const key = `appended/${instanceUid}.dcm`
    await cloud.put(BUCKET, key, await Bun.file(path).bytes())
    series.push({ studyUid, seriesUid, sources: [{ uri: `gs://${BUCKET}/${key}`, hints }] })
  }
  return series
}

async function appending(
  start: (tempDir: string) => Promise<Side>,
  series: SourceSeries,
): Promise<AppendCost> {
  using temp = scratchFolder()
  await using side = await start(temp.path)
  using disk = watchDisk(temp.path)
  const cost = await side.cost<Ingested>("ingest", { datastore: DATASTORE, series: [series], hinted: false })
  return { ...cost, tempBytes: disk.peakBytes }
}

/** Looks a hundred times a second how much the files of a folder take. */
function watchDisk(folder: string) {
  const watch = { peakBytes: 0, [Symbol.dispose]: () => clearInterval(timer) }
  const timer = setInterval(() => {
    watch.peakBytes = Math.max(watch.peakBytes, sizeOf(folder))
  }, 10)
  return watch
}

function sizeOf(folder: string): number {
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" })
  // What is gone meanwhile takes nothing.
  const sizes = names.map((name) => statSync(join(folder, name), { throwIfNoEntry: false }))
  return sizes.reduce((sum, found) => sum + (found?.isFile() ? found.blocks * 512 : 0), 0)
}
