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
  /** Keys of instances that are to go from the tar. */
  readonly removed: Set<string>
  /** Whether members of the tar that the metadata does not know are to go, too. */
  dropOrphans: boolean
  /** What has to be uploaded. */
  readonly changed: { tar: boolean; metadata: boolean }
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
    removed: new Set(),
    dropOrphans: false,
    changed: { tar: false, metadata: false },
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
  return changed.tar || changed.metadata
}

/** @returns undefined when it is not there, or cannot be understood */
export function recordIn({ instances }: Draft, key: string): InstanceRecord | undefined {
  const entry = instances.get(key)
  return entry?.kind === "instance" ? entry : undefined
}

function refill<K, V>(map: Map<K, V>, entries: readonly (readonly [K, V])[]): void {
  map.clear()
  for (const [key, value] of entries) map.set(key, value)
}
