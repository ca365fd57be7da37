import {
  CODError,
  CODObjectNotFoundError,
  type ListedSeries,
  listSeries,
  MetadataCache,
  seriesUri,
} from "../../cod/index.ts"
import { seriesAt } from "../../cod/reading/series-at.ts"
import type { ObjectSource } from "../../storage/store.ts"
import { forEachLimit } from "../../support/pool.ts"
import { bytes, plural, table } from "../../support/text.ts"
import type { CodStart } from "./start.ts"

/** A series and how many instances its metadata has. */
export interface SeriesRow {
  readonly uri: string
  readonly study_uid: string
  readonly series_uid: string
  /** Null where there is no metadata that was read. */
  readonly instances: number | null
  readonly tar_bytes: number | null
  readonly metadata: "ok" | "missing" | "unreadable" | "unread"
  readonly locks: readonly string[]
  readonly error_log: boolean
}

/** So many metadata documents are read at a time. */
const AT_ONCE = 8

/**
 * All series of a datastore or of a study, in the order of their keys.
 * @param quick from the listing alone: the metadata of each would be one more request
 */
export async function listCounted(
  { quick, ...within }: { readonly datastore: string; readonly studyUid?: string; readonly quick: boolean },
  store: ObjectSource,
  { stop, progress }: Pick<CodStart, "stop" | "progress">,
): Promise<readonly SeriesRow[]> {
  const signal = stop.requested
  const listed = await Array.fromAsync(listSeries({ ...within, store }, signal))
  if (quick) return listed.map((series) => ({ ...rowOf(series), ...unread(series) }))
  const rows: SeriesRow[] = new Array(listed.length)
  progress.start(listed.length, "series")
  try {
    const count = async ([at, series]: [number, ListedSeries], signal: AbortSignal) => {
      rows[at] = { ...rowOf(series), ...(await countOf(series, store, signal)) }
      progress.tick()
    }
    await forEachLimit(listed.entries(), AT_ONCE, count, signal)
  } finally {
    progress.stop()
  }
  return rows
}

function rowOf({ place, objects, locks }: ListedSeries) {
  return {
    uri: seriesUri(place),
    study_uid: place.studyUid,
    series_uid: place.seriesUid,
    tar_bytes: objects.get("tar") ?? null,
    locks,
    error_log: objects.has("error.log"),
  }
}

type Count = Pick<SeriesRow, "instances" | "metadata">

function unread({ objects }: ListedSeries): Count {
  return { instances: null, metadata: objects.has("metadata.json") ? "unread" : "missing" }
}

async function countOf({ place }: ListedSeries, store: ObjectSource, signal: AbortSignal): Promise<Count> {
  // Each is read once: nothing is worth keeping.
  const metadataCache = new MetadataCache({ maxBytes: 0 })
  using opened = seriesAt(place, { store, metadataCache })
  try {
    const { series } = await opened.series.metadata(signal)
    return { instances: series.instances.size, metadata: "ok" }
  } catch (error) {
    if (error instanceof CODObjectNotFoundError) return { instances: null, metadata: "missing" }
    if (error instanceof CODError) return { instances: null, metadata: "unreadable" }
    throw error
  }
}

export function renderSeries(
  rows: readonly SeriesRow[],
  { kind, quick }: { readonly kind: "datastore" | "study"; readonly quick: boolean },
): string {
  const ofStudies = kind === "datastore"
  const total = rows.reduce((sum, { instances }) => sum + (instances ?? 0), 0)
  const size = rows.reduce((sum, { tar_bytes }) => sum + (tar_bytes ?? 0), 0)
  const studies = new Set(rows.map(({ study_uid }) => study_uid)).size
  return [
    table(
      [...(ofStudies ? ["study"] : []), "series", ...(quick ? [] : ["instances"]), "tar", ""],
      rows.map((row) => [
        ...(ofStudies ? [row.study_uid] : []),
        row.series_uid,
        ...(quick ? [] : [row.instances ?? undefined]),
        row.tar_bytes === null ? undefined : bytes(row.tar_bytes),
        remarksOn(row),
      ]),
    ),
    "",
    `${ofStudies ? `${plural(studies, "study", "studies")}, ` : ""}${plural(rows.length, "series", "series")}, ` +
      `${quick ? "" : `${plural(total, "instance")}, `}${bytes(size)}`,
  ].join("\n")
}

function remarksOn({ metadata, tar_bytes, locks, error_log, instances }: SeriesRow): string {
  return [
    ...(metadata === "missing" ? ["no metadata.json"] : []),
    ...(metadata === "unreadable" ? ["metadata.json is unreadable"] : []),
    ...(tar_bytes === null && instances !== 0 ? ["no tar"] : []),
    ...locks,
    ...(error_log ? ["error.log"] : []),
  ].join(", ")
}
