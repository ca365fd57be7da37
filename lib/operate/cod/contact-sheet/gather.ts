import { listSeries, type SeriesPlace, seriesUri } from "../../../cod/index.ts"
import { uuid } from "../../../support/cli.ts"
import { nothingListed } from "../ls.ts"
import type { OpenStart } from "../start.ts"
import { type ListTarget, listTarget } from "../target.ts"
import { packedPlaces } from "./packed-places.ts"
import type { SharedStores } from "./stores.ts"

/** A series that belongs on the sheet. */
export interface GatheredSeries {
  readonly place: SeriesPlace
  /** By its own URI: that it is not there is the mistake of who asked. */
  readonly isNamed: boolean
}

/** Series that were found, and had no room. */
export interface LeftOut {
  readonly series: number
  /** Whether there are no more than these: nobody waits for the end of a long listing. */
  readonly isAll: boolean
}

type Target = ListTarget | { readonly kind: "ledger"; readonly studyId: string }

/** Series behind the limit that are counted: ten pages of a listing, or some more. */
const MOST_COUNTED = 10_000

/**
 * The series that words name, in the order of the words, each once: by their URIs, those of a study or of a datastore, and
 * the packed ones of a study of this box's ledger.
 * @throws UsageError for a word that nobody understands, NotThere for one that names nothing
 */
export async function gatherSeries(
  words: readonly string[],
  limit: number,
  stores: SharedStores,
  start: OpenStart,
): Promise<{ readonly series: readonly GatheredSeries[]; readonly leftOut: LeftOut }> {
  const seen = new Set<string>()
  const series: GatheredSeries[] = []
  const leftOut = () => seen.size - series.length
  for (const target of words.map(targetOf)) {
    for await (const found of seriesOf(target, stores, start)) {
      const uri = seriesUri(found.place)
      if (seen.has(uri)) continue
      if (leftOut() === MOST_COUNTED) return { series, leftOut: { series: leftOut(), isAll: false } }
      seen.add(uri)
      if (series.length < limit) series.push(found)
    }
  }
  return { series, leftOut: { series: leftOut(), isAll: true } }
}

function targetOf(word: string): Target {
  return /^[\da-f]{8}-/i.test(word) ? { kind: "ledger", studyId: uuid(word) } : listTarget(word)
}

async function* seriesOf(
  target: Target,
  stores: SharedStores,
  start: OpenStart,
): AsyncGenerator<GatheredSeries> {
  if (target.kind === "series") return yield { place: target.place, isNamed: true }
  if (target.kind === "ledger") {
    for (const place of packedPlaces(target.studyId, start.config)) yield { place, isNamed: false }
    return
  }
  let isEmpty = true
  const store = stores.of(target.datastore)
  for await (const { place } of listSeries({ ...target, store }, start.stop.requested)) {
    isEmpty = false
    yield { place, isNamed: false }
  }
  if (isEmpty) throw nothingListed(target)
}
