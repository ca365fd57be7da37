import { nextTryAt } from "../next-try.ts"
import type { Ledger } from "../open.ts"
import type { Tally } from "../tally.ts"
import { assertSeriesClaimed, type SeriesClaim } from "./claims.ts"

/** UIDs of a DICOM series and its study, as the headers of its files say. */
export interface SeriesUids {
  readonly studyUid: string
  readonly seriesUid: string
}

/** `waiting`: something is to be packed. `failed`: the last try at the series as a whole did. */
export type SeriesState = "waiting" | "packed" | "failed"

/** A row of `cod_series`. */
export interface LedgerSeries extends SeriesUids {
  readonly seriesNo: number
  readonly state: SeriesState
  /** From here: as it was packed last. */
  readonly tarGeneration: string | null
  readonly metadataGeneration: string | null
  readonly packedAt: string | null
  /** When a later run found it as it was packed. */
  readonly confirmedAt: string | null
  readonly tries: number
  readonly verdict: "retry" | "give-up" | null
  readonly errorClass: string | null
  readonly errorMessage: string | null
}

const COLUMNS = `series_no as seriesNo, study_uid as studyUid, series_uid as seriesUid, state,
  tar_generation as tarGeneration, metadata_generation as metadataGeneration, packed_at as packedAt,
  confirmed_at as confirmedAt, tries, verdict, error_class as errorClass, error_message as errorMessage`

export function seriesByNo(ledger: Ledger, seriesNo: number): LedgerSeries | undefined {
  return (
    ledger.db
      .query<LedgerSeries, { seriesNo: number }>(
        `select ${COLUMNS} from cod_series where series_no = $seriesNo`,
      )
      .get({ seriesNo }) ?? undefined
  )
}

/** The series of these UIDs, as files have them; undefined when no file told of it. */
export function seriesByUids(ledger: Ledger, { studyUid, seriesUid }: SeriesUids): LedgerSeries | undefined {
  return (
    ledger.db
      .query<LedgerSeries, Record<string, string>>(
        `select ${COLUMNS} from cod_series where series_uid = $seriesUid and study_uid = $studyUid`,
      )
      .get({ studyUid, seriesUid }) ?? undefined
  )
}

/** The series of these UIDs; recorded as waiting when it is the first time that they are seen. */
export function ensureSeries(ledger: Ledger, tally: Tally, uids: SeriesUids): number {
  const known = seriesByUids(ledger, uids)
  if (known !== undefined) return known.seriesNo
  const { studyUid, seriesUid } = uids
  tally.add("series.waiting", 1)
  return ledger.db
    .query<{ seriesNo: number }, Record<string, string>>(
      `insert into cod_series (study_uid, series_uid, state) values ($studyUid, $seriesUid, 'waiting')
       returning series_no as seriesNo`,
    )
    .get({ studyUid, seriesUid })!.seriesNo
}

/** Says anew where a series stands. Called whenever something that this depends on has changed. */
export function refreshSeries(ledger: Ledger, tally: Tally, seriesNo: number) {
  const { state: before, verdict, packedAt } = seriesByNo(ledger, seriesNo)!
  const waits = packedAt === null || hasWaiting(ledger, seriesNo)
  const state = verdict !== null ? "failed" : waits ? "waiting" : "packed"
  if (state === before) return
  ledger.db.query("update cod_series set state = $state where series_no = $seriesNo").run({ seriesNo, state })
  tally.add(`series.${before}`, -1)
  tally.add(`series.${state}`, 1)
}

function hasWaiting(ledger: Ledger, seriesNo: number): boolean {
  const row = ledger.db
    .query(
      `select 1 from cod_instances i join objects o using (study_id, position)
       where i.series_no = $seriesNo and o.series_no = i.series_no and o.to_pack = 1 limit 1`,
    )
    .get({ seriesNo })
  return row !== null
}

/**
 * Ids of studies that have files whose place in the datastore is not settled, newest signed report first. Files of
 * series that were given up are left out.
 */
export function studiesToPack(ledger: Ledger, limit = Number.MAX_SAFE_INTEGER): string[] {
  return ledger.db
    .query<{ studyId: string }, { limit: number }>(
      `with waiting as (
         select distinct o.study_id from objects o indexed by objects_to_pack
         left join cod_series c on c.series_no = o.series_no
         where o.to_pack = 1 and c.verdict is not 'give-up')
       select study_id as studyId from waiting join studies using (study_id)
       order by newest_signed_at desc, study_id limit $limit`,
    )
    .all({ limit })
    .map(({ studyId }) => studyId)
}

/** Series of a study that have something to pack, given up or not. */
export function seriesToPack(ledger: Ledger, studyId: string): LedgerSeries[] {
  return ledger.db
    .query<{ seriesNo: number }, { studyId: string }>(
      `select distinct series_no as seriesNo from objects indexed by objects_to_pack
       where study_id = $studyId and to_pack = 1 and series_no is not null order by 1`,
    )
    .all({ studyId })
    .map(({ seriesNo }) => seriesByNo(ledger, seriesNo)!)
}

/** A failure of a series as a whole. @throws ClaimLost */
export function recordSeriesFailure(
  ledger: Ledger,
  tally: Tally,
  claim: SeriesClaim,
  failure: {
    readonly verdict: "retry" | "give-up"
    readonly errorClass: string
    readonly errorMessage: string
  },
) {
  assertSeriesClaimed(ledger, claim)
  const { seriesNo } = claim
  const tries = seriesByNo(ledger, seriesNo)!.tries + 1
  ledger.db
    .query(
      `update cod_series set verdict = $verdict, error_class = $errorClass, error_message = $errorMessage,
         tries = $tries, next_try_at = $nextTryAt where series_no = $seriesNo`,
    )
    .run({
      seriesNo,
      ...failure,
      tries,
      nextTryAt: failure.verdict === "retry" ? nextTryAt(ledger, tries) : null,
    })
  refreshSeries(ledger, tally, seriesNo)
}

/**
 * Series in the order of their numbers. Read in pages: a statement left open over other writes would hold its snapshot and
 * be refused them.
 * @param from `cod_series`, named `c`; it may say by which index
 */
export function* seriesInPages(
  ledger: Ledger,
  from: string,
  condition: string,
  values: Readonly<Record<string, string | number>> = {},
): Generator<LedgerSeries, void, void> {
  const page = ledger.db.query<LedgerSeries, Record<string, string | number>>(
    `select ${COLUMNS} from ${from} where c.series_no > $after and ${condition} order by c.series_no limit 500`,
  )
  for (let after = 0; ; ) {
    const series = page.all({ ...values, after })
    yield* series
    const last = series.at(-1)
    if (last === undefined) return
    after = last.seriesNo
  }
}

/** All that the ledger knows. */
export function everySeries(ledger: Ledger): Generator<LedgerSeries, void, void> {
  return seriesInPages(ledger, "cod_series c", "true")
}

/** Series that were packed before a run began, and that none has looked at since. */
export function unconfirmedSeries(ledger: Ledger, runId: number): Generator<LedgerSeries, void, void> {
  return seriesInPages(
    ledger,
    "cod_series c indexed by cod_series_unconfirmed",
    `c.state = 'packed' and c.confirmed_at is null
       and c.packed_at < (select started_at from runs where run_id = $runId)`,
    { runId },
  )
}

/**
 * All that was packed stands there.
 * @param now generations that it has, where somebody else has written the series since
 */
export function confirmSeries(
  ledger: Ledger,
  { seriesNo, metadataGeneration, tarGeneration }: LedgerSeries,
  now: Pick<LedgerSeries, "metadataGeneration" | "tarGeneration"> = { metadataGeneration, tarGeneration },
) {
  ledger.db
    .query(
      `update cod_series set confirmed_at = $at, metadata_generation = $metadataGeneration,
         tar_generation = $tarGeneration
       where series_no = $seriesNo and metadata_generation is $before`,
    )
    .run({ seriesNo, before: metadataGeneration, ...now, at: ledger.now() })
}

/** Somebody else wrote it, or it is gone: whatever belongs there is looked at again. */
export function queueSeries(ledger: Ledger, tally: Tally, seriesNo: number) {
  ledger.db
    .query(
      `update objects set to_pack = 1 where state = 'copied' and series_no = $seriesNo
       and (study_id, position) in (select study_id, position from cod_instances where series_no = $seriesNo)`,
    )
    .run({ seriesNo })
  refreshSeries(ledger, tally, seriesNo)
}
