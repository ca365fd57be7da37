import { CODError, readDescription, type ThumbnailKind } from "../../cod/index.ts"
import { imageFacts } from "./harmless-tags.ts"
import { NotShown } from "./not-shown.ts"
import type { OpenSeries } from "./open-series.ts"
import type { SeriesReader } from "./reader.ts"
import { recordsOf } from "./which.ts"

/** What the datastore says of a series, without a look at pixels. */
export interface SeriesSummary {
  readonly modality: string | undefined
  readonly bodyPart: string | undefined
  /** View positions of its images, each once. */
  readonly views: readonly string[]
  readonly transferSyntax: string | undefined
  readonly images: number
  readonly frames: number
  /** Pixels of the first image. */
  readonly rows: number | undefined
  readonly columns: number | undefined
  readonly thumbnail: ThumbnailKind | undefined
  readonly tarBytes: number | undefined
  /** Of those images that were looked at. */
  readonly hasBurnedInText: boolean
}

/** Each one's header is decompressed for it. */
const MOST_HEADERS = 50

export async function summaryOf(open: OpenSeries, signal: AbortSignal): Promise<SeriesSummary> {
  const [records, tarBytes] = await Promise.all([recordsOf(open, signal), open.tarBytes()])
  const facts = records.slice(0, MOST_HEADERS).map(imageFacts)
  const [first] = facts
  const headersLeft = records.slice(MOST_HEADERS)
  return {
    modality: first?.modality,
    bodyPart: first?.bodyPart,
    views: [...new Set(facts.flatMap(({ view }) => view ?? []))],
    transferSyntax: first?.transferSyntax,
    images: records.length,
    frames: facts.reduce((sum, { frames }) => sum + frames, headersLeft.length),
    rows: first?.rows,
    columns: first?.columns,
    thumbnail: await thumbnailKind(open, signal),
    tarBytes,
    hasBurnedInText: facts.some(({ hasBurnedInText }) => hasBurnedInText),
  }
}

async function thumbnailKind({ cod }: OpenSeries, signal: AbortSignal): Promise<ThumbnailKind | undefined> {
  try {
    return readDescription(await cod.getMetadataField("thumbnail", signal), cod.datastore)?.kind
  } catch (error) {
    // What somebody wrote there describes no thumbnail.
    if (error instanceof CODError) return undefined
    throw error
  }
}

/** A view does not wait longer for what it can be read without. */
const PATIENCE_MS = 2_500

/** What the datastore says of many series, in their order; where it says nothing, why. */
export async function summariesOf(
  reader: SeriesReader,
  seriesNos: readonly number[],
  signal: AbortSignal,
): Promise<readonly (SeriesSummary | NotShown)[]> {
  const timeout = AbortSignal.timeout(PATIENCE_MS)
  const either = AbortSignal.any([signal, timeout])
  const summary = async (seriesNo: number) => {
    try {
      return await reader.read(seriesNo, "glance", summaryOf, either)
    } catch (error) {
      signal.throwIfAborted()
      if (error instanceof NotShown) return error
      if (timeout.aborted) return new NotShown("The datastore does not answer.", 503, error)
      throw error
    }
  }
  return await Promise.all(seriesNos.map(summary))
}
