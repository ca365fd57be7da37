import { ingest } from "../../../lib/cod/index.ts"
import { acquireLocks } from "../../../lib/cod/locking/acquire.ts"
import { lockBody } from "../../../lib/cod/locking/body.ts"
import type { SeriesLock } from "../../../lib/cod/locking/types.ts"
import { claimSeries, type SeriesClaim } from "../../../lib/ledger/cod/claims.ts"
import { ensureSeries, type LedgerSeries, seriesByNo } from "../../../lib/ledger/cod/series.ts"
import { groupCommit } from "../../../lib/ledger/group-commit.ts"
import { lockJournal } from "../../../lib/pipeline/ingest/lock-journal.ts"
import type { SettleDeps } from "../../../lib/pipeline/ingest/settle-locks.ts"
import type { ObjectStore } from "../../../lib/storage/store.ts"
import { silentLogger } from "../../../lib/support/log.ts"
import { thisProcess } from "../../../lib/support/owner.ts"
import { SERIES, STUDY } from "../../cod/writing/files.ts"
import { folderSite, type Site } from "../../cod/writing/sites.ts"
import { newRun, rows, type TestLedger, testLedger } from "../../support/ledger.ts"

/** A process that there is not. */
export const DEAD = { ...thisProcess(), pid: 2 ** 22 + 1 }

/** One series that a ledger knows, the datastore where it is packed, and a run whose process has ended. */
export interface LockBench extends AsyncDisposable {
  readonly site: Site
  readonly bench: TestLedger
  readonly series: LedgerSeries
  readonly deps: SettleDeps
  /** The claim of a run that is dead. */
  deadClaim(): SeriesClaim
  /** Takes the lock as packing does, under that claim, by a store that may fail. */
  lock(store?: ObjectStore): Promise<SeriesLock>
  /** Packs instances under that claim, by a store that may fail. */
  pack(numbers: readonly number[], store: ObjectStore): Promise<unknown>
  /** How each lock ended; null for one that is open. */
  ends(): (string | null)[]
}

export async function lockBench(open: () => Promise<Site> = folderSite): Promise<LockBench> {
  const site = await open()
  const bench = testLedger()
  const { ledger, runId } = bench
  const commits = groupCommit(ledger)
  const seriesNo = ledger.write((tally) =>
    ensureSeries(ledger, tally, { studyUid: STUDY, seriesUid: SERIES }),
  )
  const log = silentLogger()
  const deps = { ledger, commits, runId, datastore: site.store, uidHashFunc: undefined, log }
  const deadClaim = () => {
    const claim = claimSeries(ledger, newRun(ledger, DEAD), seriesNo)
    if (claim === undefined) throw new Error("somebody holds the series")
    return claim
  }
  return {
    site,
    bench,
    deps,
    get series() {
      return seriesByNo(ledger, seriesNo)!
    },
    deadClaim,
    lock(store = site.store) {
      const journal = lockJournal(deps, deadClaim())
      return acquireLocks(store, site.place, () => lockBody(undefined), { journal })
    },
    pack: (numbers, store) =>
      ingest(
        numbers.map((n) => site.files.nth(n)),
        {
          ...site.place,
          store,
          tempDir: site.temp.path,
          journal: lockJournal(deps, deadClaim()),
          leaveHanging: () => false,
        },
      ),
    ends: () =>
      rows<{ ended: string | null }>(ledger, "select ended from cod_locks order by intended_at, token").map(
        ({ ended }) => ended,
      ),
    async [Symbol.asyncDispose]() {
      bench[Symbol.dispose]()
      await site[Symbol.asyncDispose]()
    },
  }
}
