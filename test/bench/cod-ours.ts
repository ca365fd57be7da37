/** Our side of the benchmark: answers what `cod-python.py` answers, in the same words. */
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { dicomJson, parseDicom } from "../../lib/cod/format/dicom/index.ts"
import { scanTar } from "../../lib/cod/format/tar/scan.ts"
import { CODObject, check, Instance, ingest } from "../../lib/cod/index.ts"
import { openFileBytes } from "../../lib/cod/reading/file-bytes.ts"
import { openGcs } from "../../lib/storage/gcs.ts"
import { crc32cBase64 } from "../../lib/support/checksums.ts"
import type { Ingested, Ingestion } from "./cod-ingest.ts"
import type { BenchSeries, Cost } from "./cod-side.ts"

const BUCKET = "bench"

using store = openGcs({ bucket: BUCKET, emulatorUrl: process.argv[2]! })

/** Metadata is read anew each time: a series that is opened by itself has a cache of its own. */
function opened(series: BenchSeries) {
  const isRemote = series.datastore.startsWith("gs://")
  return CODObject.open({ ...series, lock: false, ...(isRemote ? { store } : {}) })
}

interface OfInstance {
  readonly series: BenchSeries
  readonly key: string
}

async function load({ series, key, tag }: OfInstance & { readonly tag: string }) {
  await using cod = await opened(series)
  const instance = await cod.getInstance(key)
  return (await instance.metadata())[tag]?.Value?.[0]
}

async function instance({ series, key }: OfInstance) {
  await using cod = await opened(series)
  await using view = await cod.openInstance(key)
  const bytes = await view.bytes()
  return { size: bytes.length, crc32c: crc32cBase64(bytes) }
}

async function dicom_json({ paths }: { readonly paths: readonly string[] }) {
  const tags = paths.map((path) => dicomJson(parseDicom(readFileSync(path)), { uri: path }))
  return tags.filter((of) => "00080016" in of).length
}

async function large({ series, key, tarPath }: OfInstance & { readonly tarPath: string }) {
  await using cod = await opened(series)
  const instances = [...(await cod.getInstances({ strictSorting: false })).values()]
  const listed = instances.map(({ record }) => [
    `instances/${record!.key}.dcm`,
    record!.startByte,
    record!.size,
  ])
  using tar = openFileBytes(tarPath)
  const { members } = await scanTar(tar)
  const { findings } = await check(cod.datastoreSeriesUri, { bytes: false })
  await using last = await cod.openInstance(key)
  return {
    listed,
    members: members.map(({ name, start, size }) => [name, start, size]),
    findings: findings.map(({ kind }) => kind),
    crc32c: crc32cBase64(await last.bytes()),
  }
}

/** Series one after the other, as there. */
async function ingestAll({ datastore, series, hinted }: Ingestion): Promise<Ingested> {
  const totals = { new: 0, same: 0 }
  for (const { sources, ...of } of series) {
    const instances = sources.map(
      ({ uri, hints }) => new Instance({ dicomUri: uri, store, ...(hinted && { hints }) }),
    )
    const result = await ingest(instances, { ...of, datastore, store })
    totals.new += result.new.length
    totals.same += result.same.length
  }
  return totals
}

/** The counterpart of `measured` there. */
async function measured<Value>(work: () => Promise<Value>): Promise<Cost<Value>> {
  Bun.gc(true)
  // Linux: from now on the most is counted anew; proc(5).
  if (existsSync(CLEAR)) writeFileSync(CLEAR, "5")
  const idleRssBytes = resident("VmRSS")
  const startedAt = performance.now()
  const cpuBefore = process.cpuUsage()
  const value = await work()
  const seconds = (performance.now() - startedAt) / 1000
  const { user, system } = process.cpuUsage(cpuBefore)
  const cpuSeconds = (user + system) / 1e6
  return { value, seconds, cpuSeconds, idleRssBytes, peakRssBytes: resident("VmHWM") }
}

const CLEAR = "/proc/self/clear_refs"

function resident(name: "VmRSS" | "VmHWM"): number {
  const [, kib] = new RegExp(`^${name}:\\s*(\\d+) kB$`, "m").exec(readFileSync("/proc/self/status", "utf8"))!
  return 1024 * Number(kib)
}

const COMMANDS: Readonly<Record<string, (args: never) => Promise<unknown>>> = {
  load,
  load_unsorted: load,
  instance,
  dicom_json,
  large,
  ingest: ingestAll,
}

for await (const line of console) {
  // How an input that ends is told.
  if (line === "") break
  const { do: name, ...args } = JSON.parse(line)
  const result = name === "ready" ? null : await measured(() => COMMANDS[name]!(args as never))
  console.log(JSON.stringify({ result }))
}
