import { join } from "node:path"
import type { Hints } from "../../lib/cod/index.ts"
import type { RemoteCloud } from "../../lib/demo/cloud/remote.ts"
import type { Cost, Side, SourceSeries } from "./cod-side.ts"
import { scratchFolder } from "./measure.ts"

/** What is ingested, and into where. */
export interface Ingestion {
  readonly datastore: string
  readonly series: readonly SourceSeries[]
  /** Whether all that can be known of the files is told. */
  readonly hinted: boolean
}

/** What it came to. */
export interface Ingested {
  readonly new: number
  readonly same: number
}

export interface IngestionCost extends Cost<Ingested> {
  readonly requests: number
  /** Of the files that were read. */
  readonly sourceBytes: number
}

export interface SourcesOptions {
  readonly bucket: string
  readonly series: number
  readonly instances: number
  /** Pixels of a row and of a column, of 16 bit. */
  readonly side: number
}

const FOLDER = "sources/"

/** Files of so many series, in the bucket. @param maker makes them (`cod-python.py`) */
export async function makeSources(
  cloud: RemoteCloud,
  maker: Side,
  { bucket, series, instances, side }: SourcesOptions,
): Promise<SourceSeries[]> {
  using scratch = scratchFolder()
  const all: SourceSeries[] = []
  for (let n = 0; n < series; n++) {
    const folder = join(scratch.path, String(n))
    const args = { folder, name: `ingested ${n}`, instances, side }
    const files = await maker.ask<{ path: string; hints: Required<Hints> }[]>("make_files", args)
    const sources = files.map(({ hints }) => ({ uri: `gs://${bucket}/${keyOf(hints)}`, hints }))
    for (const { path, hints } of files) await cloud.put(bucket, keyOf(hints), await Bun.file(path).bytes())
    const { studyUid, seriesUid } = files[0]!.hints
    all.push({ studyUid, seriesUid, sources })
  }
  return all
}

function keyOf({ seriesUid, instanceUid }: Required<Hints>): string {
  return `${FOLDER}${seriesUid}/${instanceUid}.dcm`
}

/** One side's cost, and the server's count. */
export async function costOfIngestion(
  cloud: RemoteCloud,
  side: Side,
  ingestion: Ingestion,
): Promise<IngestionCost> {
  await cloud.ask("clearLog")
  const cost = await side.cost<Ingested>("ingest", { ...ingestion })
  const entries = await cloud.ask("entries")
  const ofSources = entries.filter(({ key }) => key?.startsWith(FOLDER))
  const sourceBytes = ofSources.reduce((sum, { bytesOut }) => sum + bytesOut, 0)
  return { ...cost, requests: entries.length, sourceBytes }
}
