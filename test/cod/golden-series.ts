import { describe, expect, test } from "bun:test"
import { type CODObject, FramesNotSeparableError } from "../../lib/cod/index.ts"
import { type GoldenCase, type GoldenInstance, type GoldenSeries, goldenCases } from "../support/golden.ts"

/** One test for each golden series: it is read exactly as the package that wrote it reads it. */
export function readsGoldenSeries(where: string, open: (golden: GoldenCase) => Promise<CODObject>): void {
  describe(`the golden series, read from ${where},`, () => {
    for (const golden of goldenCases()) {
      test(golden.name, async () => {
        await using cod = await open(golden)
        expect<Partial<GoldenSeries>>(await seriesOf(cod, golden)).toEqual(expectedOf(golden))
      })
    }
  })
}

async function seriesOf(cod: CODObject, { expected }: GoldenCase) {
  const { studyUid, seriesUid, hashedUids, fields } = await cod.getMetadata()
  const sorted = await cod.getInstances({ strictSorting: false })
  const instances: Record<string, GoldenInstance> = {}
  for (const key of Object.keys(expected.instances)) instances[key] = await describeInstance(cod, key)
  return {
    study_uid: studyUid,
    series_uid: seriesUid,
    hashed_uids: hashedUids,
    metadata_fields: Object.fromEntries(fields),
    order: [...sorted.keys()] as readonly string[],
    instances,
  }
}

function expectedOf({ expected }: GoldenCase) {
  const { study_uid, series_uid, hashed_uids, metadata_fields, order, instances } = expected
  return { study_uid, series_uid, hashed_uids, metadata_fields, order, instances }
}

/** What we read of an instance, in the package's words. */
export async function describeInstance(cod: CODObject, key: string): Promise<GoldenInstance> {
  const instance = await cod.getInstance(key)
  const tags = await instance.metadata()
  const frames = Number(tags["00280008"]?.Value?.[0] ?? 1)
  const record = instance.record!
  // Frames first: then they are taken from an instance that was not read yet.
  const frames_sha256 = frames > 1 ? await framesOf(cod, key, frames) : null
  await using view = await cod.openInstance(key)
  return {
    instance_uid: await instance.instanceUid(),
    series_uid: await instance.seriesUid(),
    study_uid: await instance.studyUid(),
    size: await instance.size(),
    crc32c: await instance.crc32c(),
    sha256: sha256(await view.bytes()),
    start_byte: record.startByte,
    transfer_syntax: String(tags["00020010"]?.Value?.[0]),
    has_pixeldata: await instance.hasPixeldata(),
    number_of_frames: frames,
    offset_tables: record.offsetTables,
    frames_sha256,
    metadata_tags: Object.keys(tags).length,
    original_path: instance.originalPath,
    dependencies: instance.dependencies,
    diff_hash_dupe_paths: record.diffHashDupePaths,
    modified_datetime: record.modifiedDatetime!,
  }
}

/** Null when nothing says where one frame ends. */
async function framesOf(cod: CODObject, key: string, frames: number): Promise<string[] | null> {
  const hashes: string[] = []
  for (let frame = 1; frame <= frames; frame++) {
    try {
      await using view = await cod.openFrame(key, frame)
      hashes.push(sha256(await view.bytes()))
    } catch (error) {
      if (error instanceof FramesNotSeparableError) return null
      throw error
    }
  }
  return hashes
}

export function sha256(bytes: Uint8Array): string {
  return new Bun.CryptoHasher("sha256").update(bytes).digest("hex")
}
