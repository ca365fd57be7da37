import { type HarmlessTag, harmlessTags, type ImageFacts, imageFacts } from "./harmless-tags.ts"
import type { SeriesReader } from "./reader.ts"
import { type SeriesSummary, summaryOf } from "./summary.ts"
import { recordOf, recordsOf } from "./which.ts"

/** An image of a series, without its pixels. */
export interface ImageLine {
  /** In the series' order, from 1. */
  readonly place: number
  readonly bytes: number
  readonly facts: ImageFacts
}

/** A part of a series' images. */
export interface ImagePage {
  readonly summary: SeriesSummary
  readonly images: readonly ImageLine[]
  /** Of all of them, from 1. */
  readonly page: number
  readonly pages: number
}

/** @throws NotShown */
export function imagePage(
  reader: SeriesReader,
  seriesNo: number,
  { page, perPage }: { readonly page: number; readonly perPage: number },
  signal: AbortSignal,
): Promise<ImagePage> {
  return reader.read(
    seriesNo,
    "glance",
    async (open, limited) => {
      const [summary, records] = await Promise.all([summaryOf(open, limited), recordsOf(open, limited)])
      const pages = Math.max(1, Math.ceil(records.length / perPage))
      const at = Math.min(page, pages)
      const images = records.slice((at - 1) * perPage, at * perPage).map((record, n) => ({
        place: (at - 1) * perPage + n + 1,
        bytes: record.size,
        facts: imageFacts(record),
      }))
      return { summary, images, page: at, pages }
    },
    signal,
  )
}

/** One image with what its header says. */
export interface WholeImage extends ImageLine {
  readonly of: number
  readonly tags: readonly HarmlessTag[]
}

/** @throws NotShown */
export function wholeImage(
  reader: SeriesReader,
  seriesNo: number,
  which: string,
  signal: AbortSignal,
): Promise<WholeImage> {
  return reader.read(
    seriesNo,
    "glance",
    async (open, limited) => {
      const { record, place, of } = await recordOf(open, which, limited)
      return { place, of, bytes: record.size, facts: imageFacts(record), tags: harmlessTags(record) }
    },
    signal,
  )
}
