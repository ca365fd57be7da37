import type { Ledger } from "../ledger/open.ts"
import { outlookOf } from "../ledger/outlook.ts"
import type { SeriesPlaces } from "../pipeline/receipts/receipt-document.ts"
import type { Pacs } from "../source/pacs.ts"
import type { Rules } from "../source/rows.ts"
import type { ObjectSource } from "../storage/store.ts"
import { cronTimes } from "../support/cron.ts"
import { AppError, UsageError } from "../support/errors.ts"
import type { Stop } from "../support/stop.ts"
import { askDatabase, type DatabaseSide } from "./why-database.ts"
import { knownStudy, type LedgerSide, ledgerSide } from "./why-ledger.ts"
import { nextSteps } from "./why-next.ts"
import { type PackingSide, packingSide } from "./why-packing.ts"
import {
  askDestination,
  askOrigin,
  contentsOf,
  type DestinationSide,
  type KnownContents,
  type OriginSide,
} from "./why-places.ts"
import type { NextStep } from "./why-step.ts"

/** Everything that is known of one study, and what will happen to it. Ids and ranks, no names. */
export interface WhyReport {
  readonly study_id: string
  readonly organization_id: string | null
  readonly database: Told<Omit<DatabaseSide, "study" | "standing" | "organization_id">>
  /** Null for a study that the ledger does not know. */
  readonly ledger: LedgerSide | null
  /** By the ledger; null for a study that it does not know. */
  readonly packing: PackingSide | null
  /** Null where nothing tells what belongs to the study. */
  readonly origin: Told<OriginSide> | null
  readonly destination: Told<DestinationSide> | null
  readonly next: readonly NextStep[]
  /** When a running `schedule` begins its next run; ISO time. */
  readonly next_firing: string | null
}

/** What somebody answered, or why nothing could be asked. */
export type Told<T> = T | { readonly unavailable: string }

export interface WhyDeps {
  readonly ledger: Ledger
  readonly pacs: Pacs
  readonly rules: Rules
  readonly origin: ObjectSource
  readonly destination: ObjectSource
  /** Where series are packed. */
  readonly series: SeriesPlaces
  readonly schedule: { readonly cron: string; readonly timezone: string }
}

/**
 * Asks the database, the ledger, the origin and the destination about one study. Changes nothing; whoever cannot be
 * asked is part of the report.
 */
export async function why(deps: WhyDeps, studyId: string, { requested }: Stop): Promise<WhyReport> {
  const { ledger, origin, destination, schedule } = deps
  const outlook = outlookOf(ledger, studyId)
  const known = outlook && knownStudy(ledger, outlook)
  const database = await told(() => askDatabase(deps, studyId, known, requested), requested)
  const answered = isUnavailable(database) ? undefined : database
  const contents = contentsOf(ledger, outlook?.study, answered?.study)
  const ask = async <T extends object>(of: (contents: KnownContents) => Promise<T>) =>
    contents === undefined ? null : await told(() => of(contents), requested)
  const [atOrigin, atDestination] = await Promise.all([
    ask((study) => askOrigin(origin, study, requested)),
    ask((study) => askDestination(destination, ledger, study, requested)),
  ])
  const there = atDestination === null || isUnavailable(atDestination) ? undefined : atDestination
  return {
    study_id: studyId,
    organization_id: outlook?.study.organizationId ?? answered?.organization_id ?? null,
    database: answered === undefined ? (database as { unavailable: string }) : publicSide(answered),
    ledger: outlook === undefined ? null : ledgerSide(outlook),
    packing: outlook === undefined ? null : packingSide(outlook.packing, deps.series),
    origin: atOrigin,
    destination: atDestination,
    next: nextSteps({ studyId, database: answered, outlook, destination: there }),
    next_firing: cronTimes(schedule.cron, schedule.timezone).next(ledger.clock.now())?.toISOString() ?? null,
  }
}

/** @throws UsageError unless it is one */
export function requireOneStudy([studyId, ...more]: readonly string[]): string {
  if (studyId !== undefined && more.length === 0) return studyId
  throw new UsageError("expected the id of one study", "bun run why STUDY_ID")
}

/** Whether everybody could be asked. */
export function isWholeAnswer({ database, origin, destination }: WhyReport): boolean {
  return [database, origin, destination].every((side) => side === null || !isUnavailable(side))
}

/** @throws UsageError for a study that neither the database nor the ledger knows */
export function requireKnown({ study_id, database, ledger }: WhyReport) {
  if (ledger !== null || isUnavailable(database) || database.failed !== "exists") return
  throw new UsageError(
    `neither the database nor the ledger knows study ${study_id}`,
    "The id is that of pacs_studies, not the StudyInstanceUID.",
  )
}

export function isUnavailable(side: object): side is { readonly unavailable: string } {
  return "unavailable" in side
}

/** What failed for a reason that we know is told; a stop and a defect are thrown. */
async function told<T extends object>(ask: () => Promise<T>, signal: AbortSignal): Promise<Told<T>> {
  try {
    return await ask()
  } catch (error) {
    if (signal.aborted || !(error instanceof AppError)) throw error
    return { unavailable: [error.message, error.hint].filter((part) => part !== undefined).join(". ") }
  }
}

function publicSide({ rules, failed, deleted, doctors }: DatabaseSide) {
  return { rules, failed, deleted, doctors }
}
