import { briefPool } from "./brief-pool.ts"
import { connect, type PacsSettings, type Reading, readOnly, type TimeLimits } from "./connection.ts"
import { type Explanation, explainStudy } from "./explain.ts"
import { type Retrying, type RetryPolicy, retrying } from "./retry.ts"
import type {
  ChosenDoctor,
  Criteria,
  EligibleOptions,
  KnownStudy,
  Rule,
  Rules,
  SourceStudy,
  Standing,
  StudyVersion,
  Survey,
} from "./rows.ts"
import { signedReports } from "./rules.ts"
import { failedRules, standings } from "./standing.ts"
import { readPages, readStudies, readVersions } from "./study-facts.ts"
import { takeSurvey } from "./survey.ts"
import { canonicalUuid } from "./uuid.ts"

export type { PacsSettings } from "./connection.ts"

/** The PACS database, which is only ever read. Nothing is connected before the first question. */
export interface Pacs extends AsyncDisposable {
  /**
   * Answers all questions of `work` from one moment. When the connection breaks, or a standby gives the snapshot
   * up, `work` is begun anew with another moment: what it did before must bear being done again.
   */
  snapshot<T>(work: (snapshot: Snapshot) => Promise<T>, signal?: AbortSignal): Promise<T>
  /**
   * A study as it is now, whether or not it is eligible, with its reports that count by these doctors;
   * undefined when the database has it no longer, or without an organization.
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
  /** Doctor ranking and funnel; tells the eligible studies on the way, if anybody wants to know. */
  survey(rules: Rules, options?: EligibleOptions): Promise<Survey>
  /** What studies are now, in the order given; pages of some thousand ids come as pages of studies. */
  studies(pages: Iterable<readonly string[]>, criteria: Criteria): AsyncGenerator<SourceStudy[]>
  /** Which version of some studies there is now; some hundred thousand at a time. */
  versions(
    studyIds: readonly string[],
    criteria: Criteria,
    each: (versions: readonly StudyVersion[]) => void,
  ): Promise<void>
  /** Where studies stand that were eligible once, in the order given; some hundreds at a time. */
  standings(known: readonly KnownStudy[], criteria: Criteria): Promise<Standing[]>
  /** One study if it is eligible, else the first rule that it fails. */
  study(studyId: string, criteria: Criteria): Promise<SourceStudy | { readonly failed: Rule }>
  /** Every rule held against one study, with what it looks at. */
  explain(studyId: string, criteria: Criteria): Promise<Explanation>
}

export interface PacsOptions {
  /** 10 s to connect; 10 minutes for a statement of a snapshot; 5 s to close. */
  readonly limits?: Partial<TimeLimits>
  readonly retry?: RetryPolicy
  /** Told before each further try. */
  readonly onRetry?: (retrying: Retrying) => void
}

export function openPacs(settings: PacsSettings, options: PacsOptions = {}): Pacs {
  const limits = { ...LIMITS, ...options.limits }
  const again = <T>(ask: () => Promise<T>, signal?: AbortSignal) =>
    retrying(ask, options.retry ?? RETRY, options.onRetry ?? (() => {}), signal)
  const pool = briefPool(settings, limits)
  return {
    snapshot: (work, signal) =>
      again(() => withOwnClient(settings, limits, (reading) => work(snapshotOf(reading)), signal), signal),
    study: (studyId, doctors, signal) =>
      again(
        () => pool.read(async (reading) => (await readStudies(reading, [studyId], doctors))[0], signal),
        signal,
      ),
    reportContent: (reportId, signal) =>
      again(() => pool.read((reading) => contentOf(reading, reportId), signal), signal),
    close: pool.close,
    [Symbol.asyncDispose]: pool.close,
  }
}

const LIMITS: TimeLimits = { connectMs: 10_000, statementMs: 600_000, closeMs: 5_000 }

const RETRY: RetryPolicy = { retries: 4, minTimeoutMs: 1_000 }

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
    survey: (rules, options) => takeSurvey(reading, rules, options),
    studies: (pages, { chosen }) => readPages(reading, pages, chosen),
    versions: (studyIds, { chosen }, each) => readVersions(reading, studyIds, chosen, each),
    standings: (known, criteria) => standings(reading, known, criteria),
    async study(studyId, criteria) {
      const [failed] = await failedRules(reading, [studyId], criteria)
      const [study] = failed === null ? await readStudies(reading, [studyId], criteria.chosen) : []
      return study ?? { failed: failed ?? "exists" }
    },
    explain: (studyId, criteria) => explainStudy(reading, studyId, criteria),
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
