import type { RemoteCloud } from "../../lib/demo/cloud/remote.ts"
import { bytes, count } from "../../lib/support/text.ts"
import { costOfIngestion, type IngestionCost, makeSources } from "./cod-ingest.ts"
import { atLeast, type Figures, type Row, requireSame } from "./cod-row.ts"
import { BUCKET } from "./cod-series-rows.ts"
import type { Side } from "./cod-side.ts"
import { medianOf } from "./measure.ts"

const SERIES = 100
const INSTANCES = 20

/** Of rows and columns: 200 kB of 16 bit. */
const SIDE = 316

/** The first one only warms up. */
const ROUNDS = 4

const FLOORS = { first: 8, again: 5, requests: 4 }

type Costs = Figures<IngestionCost>

/** The same files into a datastore of each side's own, then once more, with all that can be known of them. */
export async function ingestRows(
  cloud: RemoteCloud,
  maker: Side,
  sides: { readonly ours: Side; readonly theirs: Side },
): Promise<Row[]> {
  const of = { bucket: BUCKET, series: SERIES, instances: INSTANCES, side: SIDE }
  const series = await makeSources(cloud, maker, of)
  const first: Costs[] = []
  const again: Costs[] = []
  for (let round = 0; round < ROUNDS; round++) {
    for (const hinted of [false, true]) {
      const cost = (side: keyof Costs) => {
        const datastore = `gs://${BUCKET}/${side}-${round}`
        return costOfIngestion(cloud, sides[side], { datastore, series, hinted })
      }
      const costs = { ours: await cost("ours"), theirs: await cost("theirs") }
      requireSame("an ingestion", costs.ours.value, costs.theirs.value)
      if (round > 0) (hinted ? again : first).push(costs)
    }
    for (const side of ["ours", "theirs"]) await clear(cloud, `${side}-${round}/`)
  }
  const size = bytes(series[0]!.sources[0]!.hints.size)
  const what = `append and sync ${count(SERIES)} series × ${INSTANCES} instances of ${size}`
  return [...firstRows(what, first), ...secondRows("the same once more, with hints", again)]
}

function firstRows(what: string, costs: readonly Costs[]): Row[] {
  const seconds = mediansOf(costs, (cost) => cost.seconds)
  const cpu = mediansOf(costs, (cost) => cost.cpuSeconds)
  return [
    { what, unit: "s", ...seconds, floor: atLeast(FLOORS.first, seconds) },
    { what: `${what}: CPU`, unit: "s", ...cpu, floor: atLeast(FLOORS.first, cpu) },
  ]
}

function secondRows(what: string, costs: readonly Costs[]): Row[] {
  const cpu = mediansOf(costs, (cost) => cost.cpuSeconds)
  const requests = mediansOf(costs, (cost) => cost.requests / SERIES)
  const read = mediansOf(costs, ({ sourceBytes }) => sourceBytes)
  const few = { demand: `at most ${FLOORS.requests}`, passed: requests.ours <= FLOORS.requests }
  const none = { demand: "nothing", passed: read.ours === 0 }
  return [
    { what: `${what}: CPU`, unit: "s", ...cpu, floor: atLeast(FLOORS.again, cpu) },
    { what: `${what}: requests a series`, unit: "", ...requests, floor: few },
    { what: `${what}: read of the files`, unit: "B", ...read, floor: none },
  ]
}

function mediansOf(costs: readonly Costs[], figure: (cost: IngestionCost) => number): Figures {
  const median = (side: keyof Costs) => medianOf(costs.map((pair) => figure(pair[side])))
  return { ours: median("ours"), theirs: median("theirs") }
}

async function clear(cloud: RemoteCloud, prefix: string): Promise<void> {
  for (const key of await cloud.ask("keys", BUCKET, prefix)) await cloud.ask("delete", BUCKET, key)
}
