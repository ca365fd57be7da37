import { type CODObject, FramesNotSeparableError, type Instance } from "../../../lib/cod/index.ts"
import type { PeerInstance, PeerSeries } from "./peer.ts"

/** What we read of a series, in the package's words. */
export type Described = Omit<PeerSeries, "integrity_check">

export async function described(cod: CODObject): Promise<Described> {
  const instances = await cod.getInstances({ strictSorting: false })
  const { studyUid, seriesUid, hashedUids, fields } = await cod.getMetadata()
  const entries: [key: string, instance: PeerInstance][] = []
  for (const [key, instance] of instances) entries.push([key, await instanceOf(cod, instance)])
  return {
    datastore: cod.datastore,
    study_uid: studyUid,
    series_uid: seriesUid,
    hashed_uids: hashedUids,
    metadata_fields: Object.fromEntries(fields),
    instances: Object.fromEntries(entries),
    order: [...instances.keys()],
  }
}

async function instanceOf(cod: CODObject, instance: Instance): Promise<PeerInstance> {
  const record = instance.record!
  const tags = await instance.metadata()
  await using view = await cod.openInstance(instance)
  const frames = Number(tags["00280008"]?.Value?.[0] ?? 1)
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
    frames_sha256: frames > 1 ? await framesOf(cod, instance, frames) : null,
    metadata_tags: Object.keys(tags).length,
    tags,
    original_path: instance.originalPath,
    dependencies: instance.dependencies,
    diff_hash_dupe_paths: record.diffHashDupePaths,
    modified_datetime: record.modifiedDatetime!,
  }
}

/** Null when nothing says where a frame ends. */
async function framesOf(cod: CODObject, instance: Instance, frames: number): Promise<string[] | null> {
  const hashes: string[] = []
  for (let frame = 1; frame <= frames; frame++) {
    const bytes = await frameOf(cod, instance, frame)
    if (bytes === undefined) return null
    hashes.push(sha256(bytes))
  }
  return hashes
}

async function frameOf(cod: CODObject, instance: Instance, frame: number): Promise<Uint8Array | undefined> {
  try {
    await using view = await cod.openFrame(instance, frame)
    return await view.bytes()
  } catch (error) {
    if (error instanceof FramesNotSeparableError) return undefined
    throw error
  }
}

function sha256(bytes: Uint8Array): string {
  return new Bun.CryptoHasher("sha256").update(bytes).digest("hex")
}
