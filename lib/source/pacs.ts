import pRetry from "p-retry"
import type { Sql } from "postgres"
import { connect, type PacsSettings, type Reading, readOnly, type TimeLimits } from "./connection.ts"
import { eligibleStudies } from "./eligible.ts"
import { DatabaseTimeout, DatabaseUnreachable, SnapshotLost } from "./errors.ts"
import type {
  ChosenDoctor,
  Criteria,
  KnownStudy,
  Rule,
  Rules,
  SourceStudy,
  Standing,
  Survey,
} from "./rows.ts"
import { signedReports } from "./rules.ts"
import { failedRules, standings } from "./standing.ts"
import { readStudies } from "./study-facts.ts"
import { takeSurvey } from "./survey.ts"
import { canonicalUuid } from "./uuid.ts"

export type { PacsSettings } from "./connection.ts"

/** The PACS database, which is only ever read. Nothing is connected before the first question. */
export interface Pacs extends AsyncDisposable {
  /**
   * Answers all questions of `work` from one moment. `work` is begun anew, with another moment, when the connection
   * breaks or a standby gives the snapshot up: what it did the first time must bear being done again.
   */
  snapshot<T>(work: (snapshot: Snapshot) => Promise<T>, signal?: AbortSignal): Promise<T>
  /**
   * A study as it is now, whether or not it is eligible, with its reports that count by these doctors; undefined
   * when the database has it no longer, or without an organization.
   */
  study(
    studyId: string,
    doctors: readonly ChosenDoctor[],
    signal?: AbortSignal,
  ): Promise<SourceStudy | undefined>
  /** The text of a report that still counts; undefined when it has none, or counts no longer. */
  reportContent(reportId: string, signal?: AbortSignal): Promise<string | undefined>
  /** Ends within a few seconds, whatever the database does. */
  close(): Promise<void>
}

/** The database at one moment. */
export interface Snapshot {
  /** Doctor ranking and funnel. */
  survey(rules: Rules): Promise<Survey>
  /**
   * The eligible studies, those with the newest signed report first (undated last, then the smaller id), in batches
   * of some hundreds; at most `limit` studies.
   */
  eligible(
    criteria: Criteria,
    options?: { readonly limit?: number | undefined },
  ): AsyncGenerator<SourceStudy[]>
  /** Where studies stand that were eligible once, in the order in which they are given; some hundreds at a time. */
  standings(known: readonly KnownStudy[], criteria: Criteria): Promise<Standing[]>
  /** One study if it is eligible, else the first rule that it fails. */
  study(studyId: string, criteria: Criteria): Promise<SourceStudy | { readonly failed: Rule }>
}

export interface PacsOptions {
  /** 10 s to connect; 10 minutes for a statement of a snapshot. */
  readonly limits?: Partial<TimeLimits>
  /** Tries after the first one, and the shortest wait before the first of them; each wait is twice the last. */
  readonly retry?: { readonly retries: number; readonly minTimeoutMs: number }
  /** Told before each further try. */
  readonly onRetry?: (retrying: {
    readonly error: Error
    readonly attempt: number
    readonly delayMs: number
  }) => void
}

export function openPacs(settings: PacsSettings, options: PacsOptions = {}): Pacs {
  const limits = { ...LIMITS, ...options.limits }
  const brief = { ...limits, statementMs: Math.min(limits.statementMs, BRIEF_STATEMENT_MS) }
  let pool: Sql | undefined

  const retrying = <T>(attempt: () => Promise<T>, signal?: AbortSignal) => retry(attempt, options, signal)

  const snapshot: Pacs["snapshot"] = (work, signal) =>
    retrying(() => withOwnClient(settings, limits, (reading) => work(snapshotOf(reading)), signal), signal)

  const briefly = <T>(work: (reading: Reading) => Promise<T>, signal?: AbortSignal) =>
    retrying(async () => {
      pool ??= connect(settings, brief, BRIEF_CONNECTIONS)
      const used = pool
      try {
        return await readOnly(used, settings, brief, work, signal)
      } catch (cause) {
        // A connection on which nobody answers stays taken; only a new pool gets rid of it.
        if (cause instanceof DatabaseTimeout || cause instanceof DatabaseUnreachable) {
          if (pool === used) pool = undefined
          await used.end({ timeout: 0 })
        }
        throw cause
      }
    }, signal)

  const close = async () => {
    await pool?.end({ timeout: CLOSE_SECONDS })
    pool = undefined
  }

  return {
    snapshot,
    study: (studyId, doctors, signal) =>
      briefly(async (reading) => (await readStudies(reading, [studyId], doctors))[0], signal),
    reportContent: (reportId, signal) => briefly((reading) => contentOf(reading, reportId), signal),
    close,
    [Symbol.asyncDispose]: close,
  }
}

const LIMITS: TimeLimits = { connectMs: 10_000, statementMs: 600_000 }

/** For the questions about single rows that come in between copies. */
const BRIEF_STATEMENT_MS = 30_000
const BRIEF_CONNECTIONS = 4

const CLOSE_SECONDS = 5

const RETRY = { retries: 4, minTimeoutMs: 500 }

async function retry<T>(attempt: () => Promise<T>, options: PacsOptions, signal?: AbortSignal): Promise<T> {
  const { retries, minTimeoutMs } = options.retry ?? RETRY
  return await pRetry(attempt, {
    retries,
    minTimeout: minTimeoutMs,
    randomize: true,
    ...(signal !== undefined && { signal }),
    // Not a timeout: the database has more work than it can do already.
    shouldRetry: ({ error }) => error instanceof DatabaseUnreachable || error instanceof SnapshotLost,
    onFailedAttempt: ({ error, attemptNumber, retriesLeft, retryDelay }) => {
      if (retriesLeft > 0) options.onRetry?.({ error, attempt: attemptNumber, delayMs: retryDelay })
    },
  })
}

async function withOwnClient<T>(
  settings: PacsSettings,
  limits: TimeLimits,
  work: (reading: Reading) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const client = connect(settings, limits, 1)
  let working: Promise<T> | undefined
  try {
    return await readOnly(client, settings, limits, (reading) => (working = work(reading)), signal)
  } finally {
    await client.end({ timeout: 0 })
    // A new attempt must not overlap with what is left of this one; without its connection, that ends soon.
    await Promise.allSettled([working])
  }
}

function snapshotOf(reading: Reading): Snapshot {
  return {
    survey: (rules) => takeSurvey(reading, rules),
    eligible: (criteria, { limit } = {}) => eligibleStudies(reading, criteria, limit),
    standings: (known, criteria) => standings(reading, known, criteria),
    async study(studyId, criteria) {
      const [failed] = await failedRules(reading, [studyId], criteria)
      const [study] = failed === null ? await readStudies(reading, [studyId], criteria.chosen) : []
      return study ?? { failed: failed ?? "exists" }
    },
  }
}

async function contentOf({ sql, run }: Reading, reportId: string): Promise<string | undefined> {
  const id = canonicalUuid(reportId)
  if (id === undefined) return undefined
  const [report] = await run(sql<{ content: string | null }[]>`
    select content from pacs_reports where id = ${id}::uuid
      and id in (select id from (${signedReports(sql)}) signed)`)
  return report?.content || undefined
}
