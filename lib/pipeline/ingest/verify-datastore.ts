import { isDeepStrictEqual } from "node:util"
import { isSeriesHeld } from "../../ledger/cod/claims.ts"
import { type ExpectedObject, expectedObjects } from "../../ledger/cod/expected-objects.ts"
import { packedFiles } from "../../ledger/cod/instances.ts"
import { type LedgerSeries, seriesByNo } from "../../ledger/cod/series.ts"
import { packedSeries, packedSeriesOf, recordRewritten } from "../../ledger/cod/standing.ts"
import type { Ledger } from "../../ledger/open.ts"
import { forEachLimit } from "../../support/pool.ts"
import type { Problem } from "../verify/problem.ts"
import { queueWith } from "./lost-files.ts"
import { keysOf } from "./series-place.ts"
import { standingOf, type VerifySeriesDeps } from "./series-standing.ts"

export interface VerifySeriesOptions {
  /** Only series of these studies; without it all, by list pages. */
  readonly studyIds?: Iterable<string> | undefined
  /** Queues what is not there. */
  readonly repair: boolean
  /** Records nothing. */
  readonly dryRun: boolean
}

export interface VerifiedSeries {
  series: number
  /** Left out, for another run packs them. */
  busy: number
  queued: number
  readonly problems: Problem[]
}

/** Series that are looked at at a time. */
const LOOKS_IN_FLIGHT = 8

/**
 * Compares the series that the ledger knows as packed with the datastore: generations of metadata and tar, by list pages.
 * What differs is looked at: it is well when every image that we packed is there, byte for byte by its CRC32C, whatever else
 * somebody wrote; then its new generations are recorded.
 */
export async function verifyDatastore(
  deps: VerifySeriesDeps,
  options: VerifySeriesOptions,
  signal: AbortSignal,
): Promise<VerifiedSeries> {
  const { ledger } = deps
  const report: VerifiedSeries = { series: 0, busy: 0, queued: 0, problems: [] }
  const lookAt = async (seriesNo: number, inner: AbortSignal) =>
    await verifySeries(deps, seriesNo, options, report, inner)
  if (options.studyIds !== undefined) {
    const named = seriesOf(ledger, options.studyIds, report)
    await forEachLimit(named, LOOKS_IN_FLIGHT, lookAt, signal)
    return report
  }
  using expected = expectedObjects(ledger)
  for (const series of packedSeries(ledger)) {
    expected.expect(objectsOf(deps, series))
    report.series += 1
  }
  if (report.series === 0) return report
  for await (const { key, generation } of deps.datastore.list("studies/", signal)) {
    if (/(?:\.tar|\/metadata\.json)$/.test(key)) expected.found(key, generation)
  }
  await forEachLimit(expected.suspects(), LOOKS_IN_FLIGHT, lookAt, signal)
  return report
}

/** Each once, although studies share them. */
function* seriesOf(ledger: Ledger, studyIds: Iterable<string>, report: VerifiedSeries) {
  const seen = new Set<number>()
  for (const studyId of studyIds)
    for (const seriesNo of packedSeriesOf(ledger, studyId)) {
      if (seen.has(seriesNo)) continue
      seen.add(seriesNo)
      report.series += 1
      yield seriesNo
    }
}

/** The tar of a series that others wrote may be any. */
function objectsOf(deps: VerifySeriesDeps, series: LedgerSeries): ExpectedObject[] {
  const { seriesNo, metadataGeneration, tarGeneration } = series
  const { metadata, tar } = keysOf(deps, series)
  return [
    { key: metadata, seriesNo, generation: metadataGeneration },
    { key: tar, seriesNo, generation: tarGeneration },
  ]
}

async function verifySeries(
  deps: VerifySeriesDeps,
  seriesNo: number,
  { repair, dryRun }: VerifySeriesOptions,
  report: VerifiedSeries,
  signal: AbortSignal,
) {
  const { ledger } = deps
  const series = seriesByNo(ledger, seriesNo)!
  const files = packedFiles(ledger, seriesNo)
  const found = await standingOf(deps, series, files, signal)
  if (found === "as recorded") return
  const isMoving = isSeriesHeld(ledger, seriesNo) || !isDeepStrictEqual(seriesByNo(ledger, seriesNo), series)
  if (isMoving) {
    report.busy += 1
    return
  }
  if ("rewritten" in found) {
    if (!dryRun) ledger.write(() => recordRewritten(ledger, series, found.rewritten, found.starts))
    return
  }
  report.problems.push(...found.problems)
  if (!repair) return
  report.queued += found.problems.length
  if (dryRun) return
  ledger.write((tally) => {
    queueWith(ledger, tally, seriesNo, found.lost)
  })
}
