import { type CODObject, describeRecord, type InstanceRecord, type SeriesMetadata } from "../../cod/index.ts"
import { bytes, plural, table } from "../../support/text.ts"
import { syntaxName } from "./transfer-syntaxes.ts"

/** An instance as its series' metadata tells of it. */
export interface InstanceRow {
  readonly key: string
  readonly size: number
  readonly crc32c: string
  /** 1 where none is named. */
  readonly frames: number
  /** UID; `unknown` where the metadata does not say. */
  readonly transfer_syntax: string
  readonly has_pixel_data: boolean
  readonly metadata_version: string
}

/** What stands under a key and is no instance. */
export interface UnreadableRow {
  readonly key: string
  readonly problem: string
}

/** All instances in their order, those that cannot be understood behind them. */
export async function listInstances(
  series: CODObject,
  { instances }: SeriesMetadata,
): Promise<readonly (InstanceRow | UnreadableRow)[]> {
  const inOrder = await series.getInstances({ strictSorting: false })
  const unreadable = [...instances.values()].flatMap((entry) =>
    entry.kind === "unreadable" ? [{ key: entry.key, problem: entry.problem.message }] : [],
  )
  return [...[...inOrder.values()].map(({ record }) => rowOf(record!)), ...unreadable]
}

function rowOf(record: InstanceRecord): InstanceRow {
  const { frames, syntax } = describeRecord(record)
  const { key, size, crc32c, hasPixeldata, version } = record
  return {
    key,
    size,
    crc32c,
    frames,
    transfer_syntax: syntax,
    has_pixel_data: hasPixeldata,
    metadata_version: version,
  }
}

export function renderInstances(rows: readonly (InstanceRow | UnreadableRow)[]): string {
  const size = rows.reduce((sum, row) => sum + ("size" in row ? row.size : 0), 0)
  const lines = rows.map((row) =>
    "problem" in row
      ? [row.key, undefined, undefined, undefined, row.problem]
      : [
          row.key,
          row.frames,
          bytes(row.size),
          syntaxName(row.transfer_syntax),
          row.has_pixel_data ? "" : "no pixel data",
        ],
  )
  return [
    ...(rows.length === 0 ? [] : [table(["key", "frames", "size", "transfer syntax", ""], lines), ""]),
    `${plural(rows.length, "instance")}, ${bytes(size)}`,
  ].join("\n")
}
