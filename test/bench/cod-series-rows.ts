import type { RemoteCloud } from "../../lib/demo/cloud/remote.ts"
import { count } from "../../lib/support/text.ts"
import { atLeast, type Both, type Row, requireSame, secondsOf, WARM_ROUNDS } from "./cod-row.ts"
import type { BenchSeries, Side } from "./cod-side.ts"
import { medianOf } from "./measure.ts"

/** Where the series of the benchmark lie. */
export const BUCKET = "bench"

/** A series that the package wrote, with the keys of its instances. */
export type MadeSeries = BenchSeries & { readonly keys: readonly string[] }

const FLOORS = { seconds: 4, growth: 3 }

/** Processes of each side whose growth is measured. */
const GROWTHS = 3

const INSTANCE_NUMBER = "00200013"

export async function loadRows(both: Both, series: MadeSeries): Promise<Row[]> {
  const args = { ...middleOf(series), tag: INSTANCE_NUMBER }
  const seconds = await secondsOf(both, "load", args)
  const unsorted = await secondsOf(both, "load_unsorted", args)
  const what = loadOf(series)
  return [
    { what, unit: "s", ...seconds, floor: atLeast(FLOORS.seconds, seconds) },
    { what: `${what}, Python not sorting`, unit: "s", ...unsorted },
  ]
}

/** By how much a process grows at its first large series, when small ones have warmed it up. */
export async function growthRow(
  starts: Readonly<Record<"ours" | "theirs", () => Promise<Side>>>,
  small: MadeSeries,
  series: MadeSeries,
): Promise<Row> {
  const growthOf = async (start: () => Promise<Side>) => {
    const growths: number[] = []
    for (let process = 0; process < GROWTHS; process++) {
      await using side = await start()
      const load = (of: MadeSeries) => side.cost("load", { ...middleOf(of), tag: INSTANCE_NUMBER })
      for (let round = 0; round < WARM_ROUNDS; round++) await load(small)
      const { idleRssBytes, peakRssBytes } = await load(series)
      growths.push(peakRssBytes - idleRssBytes)
    }
    return medianOf(growths)
  }
  const growth = { ours: await growthOf(starts.ours), theirs: await growthOf(starts.theirs) }
  const what = `${loadOf(series)}: growth of RSS`
  return { what, unit: "B", ...growth, floor: atLeast(FLOORS.growth, growth) }
}

export async function transferRow(
  cloud: RemoteCloud,
  { ours, theirs }: Both,
  series: MadeSeries,
): Promise<Row> {
  const transferred = async (side: Side) => {
    await cloud.ask("clearLog")
    const { value } = await side.cost<{ size: number; crc32c: string }>("instance", middleOf(series))
    const media = await cloud.ask("entries", { operation: "gcs.media" })
    return { value, bytes: media.reduce((sum, { bytesOut }) => sum + bytesOut, 0) }
  }
  const here = await transferred(ours)
  const there = await transferred(theirs)
  requireSame("the instance", here.value, there.value)
  const metadata = `cod/studies/${series.studyUid}/series/${series.seriesUid}/metadata.json`
  const least = here.value.size + (await cloud.bytes(BUCKET, metadata)).length
  return {
    what: `one instance of ${count(series.keys.length)}: transferred`,
    unit: "B",
    ours: here.bytes,
    theirs: there.bytes,
    floor: { demand: "at most the instance and metadata.json", passed: here.bytes <= least },
  }
}

function loadOf({ keys }: MadeSeries): string {
  return `metadata of ${count(keys.length)} instances, one tag`
}

function middleOf({ keys, ...series }: MadeSeries) {
  return { series, key: keys[keys.length >> 1]! }
}
