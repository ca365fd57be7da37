import { bytes } from "../../lib/support/text.ts"
import { makeLargeSeries } from "./cod-large.ts"
import type { Row } from "./cod-row.ts"
import type { Side } from "./cod-side.ts"
import { scratchFolder } from "./measure.ts"

const MAX_RSS_BYTES = 200e6

/** Name, offset and size. */
type Members = readonly (readonly [string, number, number])[]

/** What Python's tarfile finds in the tar is the truth. */
export async function largeRows(startOurs: () => Promise<Side>, theirs: Side): Promise<Row[]> {
  using folder = scratchFolder()
  const { tarPath, tarBytes, lastKey, lastCrc32c, ...series } = await makeLargeSeries(folder.path)
  const members = await theirs.ask<Members>("members", { path: tarPath })
  await using ours = await startOurs()
  const args = { series, tarPath, key: lastKey }
  const { value, seconds, peakRssBytes } = await ours.cost("large", args)
  const right = Bun.deepEquals(value, { listed: members, members, findings: [], crc32c: lastCrc32c })
  const what = `series of ${bytes(tarBytes)}: list, check headers, open the last`
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
      floor: { demand: `under ${bytes(MAX_RSS_BYTES)}`, passed: peakRssBytes < MAX_RSS_BYTES },
    },
  ]
}
