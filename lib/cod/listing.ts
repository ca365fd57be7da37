import { compareKeys } from "../storage/keys.ts"
import { LOCK_NAMES, type SeriesPlace, seriesPrefix } from "./format/layout.ts"
import { isPathSegment } from "./format/uid.ts"
import { locateFolder, type StoreChoice } from "./reading/store-of.ts"

/** A series as a listing shows it: what is there, nothing of what it holds. */
export interface ListedSeries {
  readonly place: SeriesPlace
  /** Bytes as stored, by the name of the object: `tar`, `metadata.json`, `index.sqlite`, `error.log`, a lock … */
  readonly objects: ReadonlyMap<string, number>
  /** Names of the locks among them. */
  readonly locks: readonly string[]
}

/** A study as a listing shows it. */
export interface ListedStudy {
  readonly studyUid: string
  readonly series: number
  /** Bytes of all objects of its series. */
  readonly bytes: number
  readonly locked: number
  readonly withErrorLog: number
}

export interface ListOptions extends StoreChoice {
  readonly datastore: string
  /** Only this study's. */
  readonly studyUid?: string | undefined
}

/**
 * The series of a datastore, or of one study, as pages of the listing come: a datastore may have millions. Objects that
 * belong to no series are passed over.
 */
export async function* listSeries(options: ListOptions, signal?: AbortSignal): AsyncGenerator<ListedSeries> {
  const datastore = options.datastore.replace(/\/+$/, "")
  using located = locateFolder(datastore, options)
  const { source, prefix } = located
  const within = options.studyUid === undefined ? "studies/" : seriesPrefix(options.studyUid)
  const open: OpenSeries[] = []
  for await (const { key, size } of source.list(prefix + within, signal)) {
    const part = partOf(key.slice(prefix.length))
    if (part === undefined) continue
    while (open[0] !== undefined && isPast(open[0], part.path)) yield listed(open.shift()!, datastore)
    let series = open.find(({ root }) => root === part.root)
    if (series === undefined) {
      series = { ...part, objects: new Map() }
      open.push(series)
    }
    series.objects.set(part.name, size)
  }
  for (const series of open) yield listed(series, datastore)
}

/** The same, counted for each study. */
export async function* listStudies(options: ListOptions, signal?: AbortSignal): AsyncGenerator<ListedStudy> {
  let study: ListedStudy | undefined
  for await (const series of listSeries(options, signal)) {
    const { studyUid } = series.place
    if (study !== undefined && study.studyUid !== studyUid) yield study
    const before = study?.studyUid === studyUid ? study : { series: 0, bytes: 0, locked: 0, withErrorLog: 0 }
    study = {
      studyUid,
      series: before.series + 1,
      bytes: before.bytes + [...series.objects.values()].reduce((sum, bytes) => sum + bytes, 0),
      locked: before.locked + Number(series.locks.length > 0),
      withErrorLog: before.withErrorLog + Number(series.objects.has("error.log")),
    }
  }
  if (study !== undefined) yield study
}

/** What the key of an object says. */
interface Part {
  readonly studyUid: string
  readonly seriesUid: string
  /** `studies/ST/series/SE` */
  readonly root: string
  /** The whole key. */
  readonly path: string
  readonly name: string
}

type OpenSeries = Part & { readonly objects: Map<string, number> }

/** Of a series' tar, or of an object right in its folder. */
const KEY =
  /^(?<root>studies\/(?<studyUid>[^/]+)\/series\/(?<seriesUid>[^/]+?))(?:\.(?<tar>tar)|\/(?<name>[^/]+))$/s

function partOf(path: string): Part | undefined {
  const groups = KEY.exec(path)?.groups as Partial<Record<string, string>> | undefined
  const { root, studyUid, seriesUid, tar, name = tar } = groups ?? {}
  if (root === undefined || studyUid === undefined || seriesUid === undefined || name === undefined)
    return undefined
  if (!isPathSegment(studyUid) || !isPathSegment(seriesUid)) return undefined
  return { studyUid, seriesUid, root, path, name }
}

/**
 * Whether nothing of a series comes any more: its folder `SE/` does not follow its tar `SE.tar` at once, for series whose
 * UIDs begin with `SE.u`, say, come between them.
 */
function isPast({ root }: OpenSeries, path: string): boolean {
  return !path.startsWith(`${root}/`) && compareKeys(path, `${root}/`) > 0
}

function listed({ studyUid, seriesUid, objects }: OpenSeries, datastore: string): ListedSeries {
  return {
    place: { datastore, studyUid, seriesUid },
    objects,
    locks: LOCK_NAMES.filter((name) => objects.has(name)),
  }
}
