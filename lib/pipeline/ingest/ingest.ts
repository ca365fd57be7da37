import { forgetEndedLocks } from "../../ledger/cod/locks.ts"
import { retryUnpacked } from "../../ledger/cod/retry.ts"
import { studiesToPack } from "../../ledger/cod/series.ts"
import { retryThumbnails, type Undrawn } from "../../ledger/cod/thumbnails.ts"
import { studyById } from "../../ledger/studies.ts"
import { withLogIds } from "../../support/log-ids.ts"
import { forEachLimit } from "../../support/pool.ts"
import type { Stop } from "../../support/stop.ts"
import type { Listing } from "../copy/copy-report.ts"
import { keepClaims } from "../keep-claims.ts"
import { confirmPacked } from "./confirm.ts"
import { deleteCopies } from "./delete-copies.ts"
import type { IngestDeps, IngestStepDeps } from "./deps.ts"
import { drawMissing } from "./draw-missing.ts"
import { collectPacked, type IngestedStudy, type IngestReport } from "./ingest-report.ts"
import { ingestStudy, type StudyPacking } from "./ingest-study.ts"
import { settleLocks } from "./settle-locks.ts"

export interface IngestOptions {
  /** Exactly these; none means whatever waits. */
  readonly studyIds?: readonly string[]
  /** At most so many, those with the newest signed report. */
  readonly limit?: number | undefined
  /** Also what was given up. */
  readonly retryFailed?: boolean
  /** Afterwards also deletes raw copies: of these studies, or of all that are packed. */
  readonly deleteCopies?: boolean
  /** Of which series that had been packed without thumbnails are made at the end, of these studies or of all (`due`). */
  readonly draw?: Undrawn
  /** Studies that were tried in this run already. */
  readonly tried?: ReadonlySet<string>
  /** Which results its report lists, `all` unless told. */
  readonly listing?: Listing
}

/** While series of one study are packed, the headers of another are read. */
const STUDIES_IN_FLIGHT = 8

/**
 * Packs what was copied and waits for its series: ends what a crash left, looks at what earlier runs packed, then packs
 * study by study, newest signed report first. Another process on the same ledger shares the work.
 */
export async function ingestStudies(
  deps: IngestStepDeps,
  options: IngestOptions,
  stop: Stop,
): Promise<IngestReport> {
  const { ledger, progress } = deps
  const startedAt = performance.now()
  const {
    studyIds = [],
    limit,
    retryFailed = false,
    tried = new Set(),
    listing = "all",
    draw = "due",
  } = options
  ledger.write(() => forgetEndedLocks(ledger))
  if (retryFailed) {
    retryUnpacked(ledger, studyIds)
    retryThumbnails(ledger, studyIds)
  }
  using heartbeat = keepClaims(deps)
  const forced = AbortSignal.any([stop.forced, heartbeat.lost])
  await settleLocks(deps, forced)
  const lost = await confirmPacked(deps, { requested: stop.requested, forced })
  const ids = (studyIds.length > 0 ? [...new Set(studyIds)] : studiesToPack(ledger, limit)).filter(
    (id) => !tried.has(id),
  )
  const results = collectPacked(listing)
  progress.start(ids.length, "studies packed")
  const packOne = async (studyId: string, signal: AbortSignal) => {
    if (stop.requested.aborted) return
    const result = await withLogIds({ study: studyId }, () =>
      ingested(deps, studyId, { requested: stop.requested, forced: signal }),
    )
    results.add(result)
    progress.tick(1, studyId)
    logPacking(deps, result)
  }
  try {
    await forEachLimit(ids, STUDIES_IN_FLIGHT, packOne, forced)
  } finally {
    progress.stop()
  }
  const isToDelete = options.deleteCopies === true && !stop.requested.aborted
  const copies = isToDelete
    ? await deleteCopies(deps, { studyIds }, { requested: stop.requested, forced })
    : undefined
  // Last: nothing else waits for pictures.
  const drawn = await drawMissing(deps, { draw, studyIds }, { requested: stop.requested, forced })
  const seconds = Math.round(performance.now() - startedAt) / 1000
  const { sums } = results
  const totals = {
    ...sums,
    series_lost: lost + sums.series_lost + drawn.lost,
    thumbnails_made: sums.thumbnails_made + drawn.made,
    thumbnails_failed: sums.thumbnails_failed + drawn.failed,
    seconds,
  }
  return { studies: results.studies, totals, ...(copies && { copies }) }
}

async function ingested(deps: IngestDeps, studyId: string, stop: Stop): Promise<IngestedStudy> {
  const startedAt = performance.now()
  const study = studyById(deps.ledger, studyId)
  const packing = study === undefined ? UNKNOWN : await ingestStudy(deps, studyId, stop)
  return {
    study_id: studyId,
    organization_id: study?.organizationId ?? null,
    success: packing.errors.length === 0,
    ...packing,
    seconds: Math.round(performance.now() - startedAt) / 1000,
  }
}

const UNKNOWN: StudyPacking = {
  series_packed: 0,
  instances_new: 0,
  instances_same: 0,
  instances_conflict: 0,
  series_lost: 0,
  thumbnails_made: 0,
  thumbnails_failed: 0,
  errors: ["not in the ledger: copy it first"],
  held_by_others: 0,
}

function logPacking({ log }: IngestDeps, { study_id, success, ...facts }: IngestedStudy) {
  if (success) log.info({ study: study_id, ...facts }, "packed")
  else log.warn({ study: study_id, ...facts }, "not packed")
}
