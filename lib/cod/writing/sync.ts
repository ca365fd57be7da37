import { PreconditionFailed } from "../../storage/errors.ts"
import type { Generation, ObjectInfo, ObjectStore } from "../../storage/store.ts"
import { crc32cBase64 } from "../../support/checksums.ts"
import { buildIndex } from "../format/index/build.ts"
import { tarUri } from "../format/layout.ts"
import { encodeSeriesMetadata } from "../format/metadata/series.ts"
import type { MetadataVersion, SeriesMetadata } from "../format/metadata/types.ts"
import type { TarMember } from "../format/tar/member.ts"
import type { LoadedMetadata } from "../metadata-cache.ts"
import type { Series } from "../reading/series.ts"
import { instancesDigest, TAR_RECORD, type TarRecord } from "../reading/tar-record.ts"
import { type Draft, tarIsStored } from "./draft.ts"
import { uploadOf } from "./pieces.ts"
import { writeObject } from "./store-write.ts"
import type { StoredTar } from "./stored-tar.ts"
import { planTar } from "./tar-plan.ts"

export interface SyncOptions {
  /** Of the tar (that of the bucket). */
  readonly tarStorageClass?: string | undefined
  /** Of the entries of all instances (2.0). */
  readonly metadataVersion?: MetadataVersion | undefined
}

/** Where a series is written. */
export interface SyncTo {
  readonly series: Series
  readonly store: ObjectStore
  readonly draft: Draft
  /** The tar that the draft began with. */
  readonly stored: StoredTar | undefined
  /** The record of that tar, if the metadata had one that was true. */
  readonly record: TarRecord | undefined
  /** Unless undefined, what a write that was cut off left in the tar gives way to added instances of its names. */
  readonly afterCrash?: boolean | undefined
  readonly now: Date
  /** Told of a tar that was uploaded, also when what comes after it fails. */
  onTar(tar: { readonly stored: StoredTar; readonly record: TarRecord }): void
  /** Stores what the metadata will name. */
  beforeMetadata?(): Promise<void>
}

/**
 * Uploads what a draft changed: the tar, its index, then the metadata, each in place of the generation that the draft began
 * with. The metadata is what counts: until it stands, readers go by the old one, whose instances an append has not moved.
 * @returns the metadata that stands there now
 * @throws PreconditionFailed when somebody wrote without regard to our lock, and as `ObjectStore.write`
 */
export async function syncDraft(
  to: SyncTo,
  options: SyncOptions = {},
  signal?: AbortSignal,
): Promise<LoadedMetadata> {
  const { draft } = to
  const stored = draft.changed.tar ? await uploadTar(to, options, signal) : to.stored
  if (draft.changed.index && stored !== undefined) {
    await uploadIndex(to, stored.info, stored.members, signal)
    draft.changed.index = false
  }
  await to.beforeMetadata?.()
  const { generation } = await uploadMetadata(to, options, signal)
  return { generation, series: metadataOf(draft) }
}

async function uploadTar(
  to: SyncTo,
  { tarStorageClass }: SyncOptions,
  signal?: AbortSignal,
): Promise<StoredTar> {
  const { series, store, draft, stored, afterCrash, now } = to
  const terms = { now, replaceLeftOvers: afterCrash !== undefined }
  const { bytes, members, moved, open } = await planTar(series, draft, stored, terms, signal)
  const info = await writeObject(
    store,
    series.tar.key,
    uploadOf(bytes),
    {
      ifGeneration: stored?.info.generation ?? "absent",
      crc32c: bytes.crc32c,
      contentType: "application/x-tar",
      ...storageClassOf(stored, tarStorageClass),
    },
    signal,
  )
  tarIsStored(draft, moved)
  const record = tarRecord(to, info)
  draft.fields.set(TAR_RECORD, record)
  const uploaded = { info, members, open }
  to.onTar({ stored: uploaded, record })
  return uploaded
}

/** What the metadata is to say of a tar whose instances lie where the draft says. */
export function tarRecord(
  { series, draft, stored, record }: Pick<SyncTo, "series" | "draft" | "stored" | "record">,
  info: ObjectInfo,
): TarRecord {
  const isExact = stored === undefined || record?.offset_tables === "exact"
  return {
    uri: tarUri(series.place),
    generation: info.generation,
    size: info.size,
    instances: instancesDigest(metadataOf(draft)),
    ...(isExact && { offset_tables: "exact" as const }),
  }
}

/** A tar stays in the class that it has, unless another one is asked for. */
function storageClassOf(stored: StoredTar | undefined, wanted: string | undefined) {
  const storageClass = wanted ?? stored?.info.storageClass
  return storageClass === undefined ? {} : { storageClass }
}

/** Made anew each time, and the only object that may be overwritten whatever it was: the tar tells what is in it. */
export async function uploadIndex(
  { series, store, draft }: Pick<SyncTo, "series" | "store" | "draft">,
  tar: ObjectInfo,
  members: readonly TarMember[],
  signal?: AbortSignal,
): Promise<void> {
  const mtime = (tar.updated?.getTime() ?? 0) / 1000
  const bytes = buildIndex(members, { size: tar.size, mtime })
  const options = { crc32c: crc32cBase64(bytes), contentType: "application/vnd.sqlite3" }
  const { key } = series.object("index")
  const write = (ifGeneration: Generation | "absent") =>
    writeObject(store, key, bytes, { ...options, ifGeneration }, signal)
  const isNew = draft.generation === undefined
  try {
    await write(isNew ? "absent" : await generationOf(store, key, signal))
  } catch (error) {
    if (!(isNew && error instanceof PreconditionFailed)) throw error
    await write(await generationOf(store, key, signal))
  }
}

async function generationOf(
  store: ObjectStore,
  key: string,
  signal?: AbortSignal,
): Promise<Generation | "absent"> {
  return (await store.head(key, signal))?.generation ?? "absent"
}

async function uploadMetadata(
  { series, store, draft }: SyncTo,
  { metadataVersion = "2.0" }: SyncOptions,
  signal?: AbortSignal,
): Promise<ObjectInfo> {
  const bytes = encodeSeriesMetadata(metadataOf(draft), { version: metadataVersion })
  const options = {
    ifGeneration: draft.generation ?? "absent",
    crc32c: crc32cBase64(bytes),
    contentType: "application/json",
    contentEncoding: "gzip",
  } as const
  return await writeObject(store, series.metadataJson.key, bytes, options, signal)
}

/** The document that a draft becomes. */
export function metadataOf(draft: Draft): SeriesMetadata {
  const { studyUid, seriesUid, hashedUids, instances, fields, unknown } = draft
  return { studyUid, seriesUid, hashedUids, instances, fields, unknown }
}
