import { count, plural } from "../../../support/text.ts"
import type { LeftOut } from "./gather.ts"
import type { Tile } from "./tile.ts"

/** Everything that a contact sheet shows. */
export interface Sheet {
  readonly tiles: readonly Tile[]
  readonly leftOut: LeftOut
}

/** What stands above all tiles: what there is, and what is missing. */
export function sheetInWords({ tiles, leftOut }: Sheet): {
  readonly title: string
  readonly notes: string[]
} {
  const studies = new Set(tiles.map(({ place }) => JSON.stringify([place.datastore, place.studyUid]))).size
  const without = tiles.filter(({ problem }) => problem !== undefined).length
  const series = plural(tiles.length, "series", "series")
  return {
    title: `${series} of ${plural(studies, "study", "studies")}`,
    notes: [
      ...(without > 0 ? [`${count(without)} without a picture`] : []),
      ...[leftOutInWords(leftOut)].filter((text) => text !== undefined),
    ],
  }
}

/** @returns undefined when nothing was */
export function leftOutInWords({ series, isAll }: LeftOut): string | undefined {
  if (series === 0) return undefined
  return `${isAll ? "" : "at least "}${plural(series, "more series", "more series")} left out`
}
