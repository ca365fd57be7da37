import type { Generation } from "../../storage/store.ts"
import type { InstanceEntry, InstanceRecord, SeriesMetadata } from "../format/metadata/types.ts"
import type { LoadedMetadata } from "../metadata-cache.ts"
import type { Piece } from "./pieces.ts"

/** A series as it is to become: what is stored of it, and what was changed since. */
export interface Draft {
  /** Of the metadata that this began with; undefined for a series that is not stored. */
  readonly generation: Generation | undefined
  readonly studyUid: string
  readonly seriesUid: string
  readonly hashedUids: boolean
  /** In the order in which they will be written. */
  readonly instances: Map<string, InstanceEntry>
  readonly fields: Map<string, unknown>
  readonly unknown: ReadonlyMap<string, unknown>
  /** Bytes of the instances that no stored tar holds yet, by key. */
  readonly added: Map<string, Piece>
  /** Bytes of those that the stored tar holds already, and the stored metadata does not tell of: a `sync` failed. */
  readonly uploaded: Map<string, Piece>
  /** Keys of instances that are to go from the tar. */
  readonly removed: Set<string>
  /** Whether members of the tar that the metadata does not know are to go, too. */
  dropOrphans: boolean
  /** What has to be uploaded. */
  readonly changed: { tar: boolean; index: boolean; metadata: boolean }
}

/** What a draft begins with. @param loaded undefined for a series that is not stored */
export function draftOf(
  loaded: LoadedMetadata | undefined,
  empty: Pick<SeriesMetadata, "studyUid" | "seriesUid" | "hashedUids">,
): Draft {
  const stored = loaded?.series
  return {
    generation: loaded?.generation,
    studyUid: stored?.studyUid ?? empty.studyUid,
    seriesUid: stored?.seriesUid ?? empty.seriesUid,
    hashedUids: stored?.hashedUids ?? empty.hashedUids,
    instances: new Map(stored?.instances),
    fields: new Map(stored?.fields),
    unknown: stored?.unknown ?? new Map(),
    added: new Map(),
    uploaded: new Map(),
    removed: new Set(),
    dropOrphans: false,
    changed: { tar: false, index: false, metadata: false },
  }
}

/** Everything that a draft may change, to go back to when the change fails half-way. */
export function snapshotOf(draft: Draft): () => void {
  const { instances, fields, added, removed, dropOrphans, changed } = draft
  const before = {
    instances: [...instances],
    fields: [...fields],
    added: [...added],
    removed: [...removed],
    changed: { ...changed },
  }
  return () => {
    refill(instances, before.instances)
    refill(fields, before.fields)
    refill(added, before.added)
    removed.clear()
    for (const key of before.removed) removed.add(key)
    draft.dropOrphans = dropOrphans
    Object.assign(changed, before.changed)
  }
}

/** Whether anything would be uploaded. */
export function isChanged({ changed }: Draft): boolean {
  return changed.tar || changed.index || changed.metadata
}

/** The tar as the draft needs it is stored: what it holds now, and what is left to do. */
export function tarIsStored(draft: Draft, moved: ReadonlyMap<string, InstanceRecord>): void {
  const { instances, added, uploaded, removed, changed } = draft
  for (const [key, record] of moved) instances.set(key, record)
  for (const [key, data] of added) uploaded.set(key, data)
  added.clear()
  removed.clear()
  draft.dropOrphans = false
  Object.assign(changed, { tar: false, index: true, metadata: true })
}

/** Bytes of an instance that the stored metadata does not tell of. */
export function bytesIn({ added, uploaded }: Draft, key: string): Piece | undefined {
  return added.get(key) ?? uploaded.get(key)
}

/** All of which the bytes are kept here. */
export function* keptIn({ added, uploaded }: Draft): Generator<Piece> {
  yield* added.values()
  yield* uploaded.values()
}

function refill<K, V>(map: Map<K, V>, entries: readonly (readonly [K, V])[]): void {
  map.clear()
  for (const [key, value] of entries) map.set(key, value)
}
