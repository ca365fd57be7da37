import { unpackableFiles, unreadHeaders } from "../../ledger/cod/headers.ts"
import { recordLateHeader } from "../../ledger/cod/late-headers.ts"
import { type LedgerSeries, seriesToPack } from "../../ledger/cod/series.ts"
import type { LedgerObject } from "../../ledger/objects.ts"
import { studyById } from "../../ledger/studies.ts"
import { NotFound, PreconditionFailed } from "../../storage/errors.ts"
import { describeError, verdictOf } from "../../support/errors.ts"
import { acquireUnless, forEachLimit } from "../../support/pool.ts"
import type { Stop } from "../../support/stop.ts"
import { objectKey } from "../layout.ts"
import type { IngestDeps } from "./deps.ts"
import { readHeaderAt } from "./header.ts"
import { packSeries } from "./pack-series.ts"
import { renewReceiptOf } from "./renew-receipts.ts"
import type { SeriesEnd } from "./series-end.ts"

/** What became of the series of one study, under names as in the results of a copy. */
export interface StudyPacking {
  /** Series that have all that was to be packed. */
  readonly series_packed: number
  readonly instances_new: number
  readonly instances_same: number
  readonly instances_conflict: number
  /** Series that somebody else had overwritten since they were packed, and that were packed again. */
  readonly series_lost: number
  readonly thumbnails_made: number
  /** A series is packed without one that could not be made. */
  readonly thumbnails_failed: number
  readonly errors: readonly string[]
  /** Series that another run is packing. */
  readonly held_by_others: number
}

/** Headers of one study that are asked for at a time. */
const HEADERS_IN_FLIGHT = 8

/** Series of one study that are under way or wait for their turn. */
const SERIES_IN_FLIGHT = 8

/**
 * Packs what a study has for each of its series. What was not begun when the stop was requested waits for the next run.
 * @throws what ends the run
 */
export async function ingestStudy(deps: IngestDeps, studyId: string, stop: Stop): Promise<StudyPacking> {
  using _ = deps.kept?.packing(studyId)
  const tally = emptyPacking()
  await readHeaders(deps, studyId, tally.errors, stop.forced)
  const packOne = async (series: LedgerSeries, signal: AbortSignal) => {
    using _ = await deps.inTurn(series.seriesNo, signal)
    using place = await acquireUnless(deps.packing, stop.requested)
    if (place !== undefined) add(tally, await packSeries(deps, series, studyId, signal))
  }
  tally.errors.push(...unpackableFiles(deps.ledger, studyId).map(({ path, error }) => `${path}: ${error}`))
  const found = seriesToPack(deps.ledger, studyId)
  for (const { errorClass, errorMessage } of found.filter(isGivenUp)) {
    tally.errors.push(`${errorClass}: ${errorMessage} (given up before; --retry-failed tries it again)`)
  }
  const wanted = found.filter((series) => !isGivenUp(series))
  await forEachLimit(wanted, SERIES_IN_FLIGHT, packOne, stop.forced)
  return tally
}

function isGivenUp({ verdict }: { readonly verdict: string | null }): boolean {
  return verdict === "give-up"
}

/** Of files that were not read by this program when they were copied. */
async function readHeaders(deps: IngestDeps, studyId: string, errors: string[], signal: AbortSignal) {
  const { ledger, commits, destination } = deps
  const unread = unreadHeaders(ledger, studyId)
  if (unread.length === 0) return
  const study = studyById(ledger, studyId)!
  const readOne = async (object: LedgerObject, inner: AbortSignal) => {
    try {
      const header = await readHeaderAt(destination, objectKey(study, object.path), object.generation!, inner)
      await commits.add((tally) => recordLateHeader(ledger, tally, object, header))
    } catch (error) {
      if (inner.aborted || verdictOf(error) === "stop") throw error
      const { class: name, message } = describeError(error)
      const isOther = error instanceof NotFound || error instanceof PreconditionFailed
      const hint = isOther ? "; `bun run verify --repair` has it copied again" : ""
      errors.push(`${object.path}: ${name}: ${message}${hint}`)
    }
  }
  await forEachLimit(unread, HEADERS_IN_FLIGHT, readOne, signal)
  // It names series from now on.
  await renewReceiptOf(deps, studyId, signal)
}

type Growing = { -readonly [K in keyof StudyPacking]: StudyPacking[K] } & { readonly errors: string[] }

function emptyPacking(): Growing {
  return {
    series_packed: 0,
    instances_new: 0,
    instances_same: 0,
    instances_conflict: 0,
    series_lost: 0,
    thumbnails_made: 0,
    thumbnails_failed: 0,
    errors: [],
    held_by_others: 0,
  }
}

function add(tally: Growing, { outcome, files, errors, wasLost, thumbnail }: SeriesEnd) {
  const count = (wanted: string) => files.filter(({ result }) => result === wanted).length
  tally.series_packed += outcome === "packed" && errors.length === 0 ? 1 : 0
  tally.held_by_others += outcome === "held by another run" ? 1 : 0
  tally.series_lost += wasLost === true ? 1 : 0
  tally.instances_new += count("new")
  tally.instances_same += count("same")
  tally.instances_conflict += count("conflict")
  tally.thumbnails_made += thumbnail === "made" ? 1 : 0
  tally.thumbnails_failed += thumbnail === "failed" ? 1 : 0
  tally.errors.push(...errors)
}
