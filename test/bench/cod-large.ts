import { mkdirSync } from "node:fs"
import { open } from "node:fs/promises"
import { dirname, join } from "node:path"
import { pathToFileURL } from "node:url"
import { buildIndex } from "../../lib/cod/format/index/build.ts"
import { seriesKeys } from "../../lib/cod/format/layout.ts"
import type { TarMember } from "../../lib/cod/format/tar/member.ts"
import { endOfTar, placeEntry } from "../../lib/cod/format/tar/write.ts"
import { crc32cBase64 } from "../../lib/support/checksums.ts"
import { goldenCase } from "../support/golden.ts"
import type { BenchSeries } from "./cod-side.ts"

/** A series on a disk, and what stands last in its tar. */
export interface LargeSeries extends BenchSeries {
  readonly tarPath: string
  readonly tarBytes: number
  readonly lastKey: string
  readonly lastCrc32c: string
}

const STUDY = "2.25.30000000000000000001"
const SERIES = "2.25.30000000000000000002"

/** Beyond 8 GiB, which no octal size in a tar's header can say. */
const HUGE_BYTES = 10e9 + 7
const HUGE_INSTANCES = 3

/** A tar of 30 GB that takes next to no room: three instances that are holes in the file, and a real one behind them. */
export async function makeLargeSeries(folder: string): Promise<LargeSeries> {
  const keys = seriesKeys(STUDY, SERIES)
  const tarPath = join(folder, keys.tar)
  const metadataPath = join(folder, keys.metadata)
  mkdirSync(dirname(metadataPath), { recursive: true })
  const last = smallInstance()
  const sizes = [...Array.from({ length: HUGE_INSTANCES }, () => HUGE_BYTES), last.length]
  const instances: [key: string, entry: object][] = []
  const members: TarMember[] = []
  await using tar = await open(tarPath, "w")
  let position = 0
  for (const [n, size] of sizes.entries()) {
    const key = `2.25.4${n}`
    const { header, member } = placeEntry(
      { name: `instances/${key}.dcm`, size, mtime: 1_700_000_000.5 },
      position,
    )
    await tar.write(header, 0, header.length, position)
    instances.push([key, entryOf(key, member.start, size, last)])
    members.push(member)
    position = member.end
  }
  const [lastKey] = instances.at(-1)!
  const lastStart = position - Math.ceil(last.length / 512) * 512
  await tar.write(last, 0, last.length, lastStart)
  const end = endOfTar(position)
  await tar.write(end, 0, end.length, position)
  const document = {
    study_uid: STUDY,
    series_uid: SERIES,
    cod: { instances: Object.fromEntries(instances) },
  }
  await Bun.write(metadataPath, Bun.gzipSync(JSON.stringify(document)))
  const tarBytes = position + end.length
  await Bun.write(join(folder, keys.index), buildIndex(members, { size: tarBytes, mtime: Date.now() / 1000 }))
  return {
    datastore: pathToFileURL(folder).href,
    studyUid: STUDY,
    seriesUid: SERIES,
    tarPath,
    tarBytes,
    lastKey,
    lastCrc32c: crc32cBase64(last),
  }
}

function smallInstance(): Uint8Array {
  const { expected, keys, bytes } = goldenCase("several-instances")
  const { start_byte, size } = expected.instances[expected.order[0]!]!
  return bytes(keys.find((key) => key.endsWith(".tar"))!).subarray(start_byte, start_byte + size)
}

/** In version 1.0 of the metadata. Nobody reads the huge ones: their CRC32C is whatever. */
function entryOf(key: string, start: number, size: number, last: Uint8Array) {
  return {
    metadata: {
      "00080018": { vr: "UI", Value: [key] },
      "0020000D": { vr: "UI", Value: [STUDY] },
      "0020000E": { vr: "UI", Value: [SERIES] },
    },
    uri: `${key}.dcm`,
    headers: { start_byte: start, end_byte: start + size },
    offset_tables: {},
    crc32c: size === last.length ? crc32cBase64(last) : "AAAAAA==",
    size,
    original_path: `${key}.dcm`,
    dependencies: [],
    diff_hash_dupe_paths: [],
    version: "1.0",
    modified_datetime: "2026-01-01T00:00:00",
  }
}
