import type { ObjectStore } from "../../storage/store.ts"
import type { SeriesMetadata } from "../format/metadata/types.ts"
import { recordsOf, type Series } from "../reading/series.ts"
import { draftOf } from "./draft.ts"
import { syncDraft } from "./sync.ts"

/** What became of entries that were not of version 2.0, by key. */
export interface UpgradeReport {
  readonly upgraded: readonly string[]
  /** Cannot be told in version 2.0: their tags cannot be read, or lack a UID. They stay as they are. */
  readonly left: readonly string[]
}

/**
 * Writes the metadata with all entries in version 2.0, and keeps everything else of them. Nothing is written when there is
 * no entry of version 1.0.
 * @throws PreconditionFailed when somebody wrote without regard to our lock, and as `ObjectStore.write`
 */
export async function upgradeMetadata(
  series: Series,
  store: ObjectStore,
  signal?: AbortSignal,
): Promise<UpgradeReport> {
  const loaded = await series.metadata(signal)
  const old = outdated(loaded.series)
  if (old.length === 0) return { upgraded: [], left: [] }
  const draft = draftOf(loaded, loaded.series)
  const to = {
    series,
    store,
    draft,
    stored: undefined,
    record: undefined,
    now: series.clock.now(),
    onTar() {},
  }
  await syncDraft(to, { metadataVersion: "2.0" }, signal)
  const left = outdated((await series.reload(signal)).series)
  return { upgraded: old.filter((key) => !left.includes(key)), left }
}

/** Keys of the entries that are not of version 2.0. */
export function outdated(metadata: SeriesMetadata): string[] {
  return recordsOf(metadata).flatMap(({ key, version }) => (version === "2.0" ? [] : [key]))
}
