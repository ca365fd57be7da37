import type { Cloud } from "../../../lib/demo/cloud/cloud.ts"
import { groupCommit } from "../../../lib/ledger/group-commit.ts"
import { type Ledger, openLedger } from "../../../lib/ledger/open.ts"
import { endRun, startRun } from "../../../lib/ledger/runs.ts"
import type { CopyStepDeps } from "../../../lib/pipeline/copy/copy.ts"
import { foreignObjects } from "../../../lib/pipeline/copy/foreign-objects.ts"
import { noLimits } from "../../../lib/pipeline/copy/limits.ts"
import { admitStudies } from "../../../lib/pipeline/discover/admit.ts"
import type { DiscoverDeps } from "../../../lib/pipeline/discover/decision.ts"
import { openPacs } from "../../../lib/source/pacs.ts"
import { Unavailable } from "../../../lib/storage/errors.ts"
import { openSource as openOrigin, openStore } from "../../../lib/storage/open.ts"
import { silentLogger } from "../../../lib/support/log.ts"
import { thisProcess } from "../../../lib/support/owner.ts"
import { semaphore } from "../../../lib/support/pool.ts"
import { silentProgress } from "../../../lib/support/progress.ts"
import type { Stop } from "../../../lib/support/stop.ts"
import { openSpool } from "../../../lib/transfer/spool.ts"
import { rows, testClock } from "../../support/ledger.ts"
import type { TestPacs } from "../../support/pacs.ts"
import { tempDir } from "../../support/temp.ts"
import { type History, openHistory } from "./history.ts"
import { ORIGIN, RULES } from "./hospital.ts"
import { type Fate, life, mortalLedger, mortalPacs, mortalSource, mortalStore } from "./life.ts"
import { openSource, type Source } from "./source.ts"

export const DESTINATION = "model-destination"

/** What is started once for all worlds, which come one after the other. */
export type Servers = ReturnType<typeof openServers>

/** One hospital, one destination, one ledger, and processes that come and go. */
export interface World extends AsyncDisposable {
  readonly cloud: Cloud
  readonly source: Source
  readonly history: History
  /** A connection of the test's own, to look. */
  readonly ledger: Ledger
  readonly ledgerPath: string
  advance(ms: number): void
  /** Studies whose objects an operator has ordered to be replaced, whatever stands there. */
  readonly forced: Set<string>
  /** Moves of objects between states since this was asked last. */
  takeMoves(): Move[]
  /** Whether the ledger ever had it that this generation stands there: written by us, or adopted. */
  hasRecorded(key: string, generation: string): boolean
  /**
   * Does a piece of work as a process of its own, which may die of its fate.
   * @returns undefined when it did, was stopped, or asked in vain
   */
  process<T>(work: (deps: Deps, stop: Stop) => Promise<T>, options?: ProcessOptions): Promise<T | undefined>
}

export type Deps = CopyStepDeps & DiscoverDeps

export interface ProcessOptions {
  readonly fate?: Fate | undefined
  /** Never asked to stop unless given. */
  readonly stop?: Stop | undefined
}

export interface Move {
  readonly study: string
  readonly position: number
  readonly before: string
  readonly after: string
}

/** Short waits, and few of them, so that some faults outlast them. */
const RETRY = { retries: 2, minTimeoutMs: 1, maxTimeoutMs: 1 }

const NEVER: Stop = { requested: new AbortController().signal, forced: new AbortController().signal }

export function openServers(cloud: Cloud, pacs: TestPacs) {
  const scope = new AsyncDisposableStack()
  const access = { accessKeyId: "test", secretAccessKey: "test", region: "us-east-1", endpoint: cloud.url }
  cloud.createBucket(ORIGIN)
  cloud.createBucket(DESTINATION)
  return {
    cloud,
    testPacs: pacs,
    pacs: scope.use(openPacs({ ...pacs.settings, sslMode: "disable" })),
    origin: scope.use(openOrigin(`s3://${ORIGIN}`, { s3: access, retry: RETRY })),
    destination: scope.use(
      openStore(`gs://${DESTINATION}`, { gcs: { emulatorUrl: cloud.url }, retry: RETRY }),
    ),
    [Symbol.asyncDispose]: () => scope.disposeAsync(),
  }
}

export async function openWorld({ cloud, testPacs, pacs, origin, destination }: Servers): Promise<World> {
  await using scope = new AsyncDisposableStack()
  const dir = scope.use(tempDir("model"))
  const ledgerPath = dir.file("ledger.sqlite")
  const clock = { ...testClock(), delay: waitInVain }
  const ledger = scope.use(openLedger(ledgerPath, { clock }))
  const spool = scope.use(openSpool({ dir: dir.file("spool"), capacity: 1 << 20 }))
  const source = await openSource(testPacs, cloud)
  for (const key of cloud.keys(DESTINATION)) cloud.delete(DESTINATION, key)
  cloud.heal()
  cloud.log.clear()
  const forced = new Set<string>()
  const moves: Move[] = []
  const recorded = new Set<string>()
  const running = scope.move()

  return {
    cloud,
    source,
    ledger,
    ledgerPath,
    forced,
    history: openHistory(cloud, DESTINATION),
    advance: clock.advance,
    takeMoves: () => moves.splice(0),
    hasRecorded: (key, generation) => recorded.has(`${key.slice(key.indexOf("/") + 1)} ${generation}`),
    async process(work, { fate, stop = NEVER } = {}) {
      using own = openLedger(ledgerPath, { clock })
      own.db.run(WATCH)
      const life_ = life(fate)
      const runId = startRun(own, { script: "model", arguments: [], version: "0", owner: thisProcess() })
      const mortal = mortalLedger(own, life_)
      const discovery = {
        ledger: mortal,
        pacs: mortalPacs(pacs, life_),
        rules: RULES,
        runId,
        log: silentLogger(),
        progress: silentProgress,
      }
      const store = mortalStore(destination, life_)
      const deps: Deps = {
        ...discovery,
        origin: mortalSource(origin, life_),
        destination: store,
        receive: { spool, stallMs: 60_000, retry: RETRY },
        foreign: foreignObjects(store),
        slots: semaphore(4),
        commits: groupCommit(mortal),
        limits: noLimits(),
        terms: {},
        admit: (ids) => admitStudies(discovery, ids, stop),
      }
      try {
        const result = await work(deps, stop)
        endRun(own, runId, stop.requested.aborted ? "stopped" : "done", {})
        return result
      } catch (error) {
        if (life_.isDead) bury(own, runId)
        else if (stop.requested.aborted) endRun(own, runId, "stopped", {})
        else if (error instanceof Unavailable) endRun(own, runId, "failed", {})
        else throw error
        return undefined
      } finally {
        moves.push(...rows<Move>(own, "select * from moves"))
        for (const { name } of rows<{ name: string }>(own, "select name from recorded")) recorded.add(name)
        for (const { study } of rows<{ study: string }>(own, "select study from ordered")) forced.add(study)
      }
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

/** A discovery that another one keeps waiting while that one waits for it to end: nobody would ever go on. */
function waitInVain(): Promise<never> {
  return Promise.reject(new Unavailable("another discovery is under way", {}))
}

const WATCH = `
  create temp table moves (study text, position integer, before text, after text);
  create temp trigger watch_moves after update of state on objects
  begin insert into moves values (old.study_id, old.position, old.state, new.state); end;
  create temp table recorded (name text);
  create temp trigger watch_generations after update of generation on objects
  begin insert into recorded values (old.study_id || '/' || old.path || ' ' || new.generation); end;
  create temp table ordered (study text);
  create temp trigger watch_orders after update of forced on objects when new.forced = 1
  begin insert into ordered values (old.study_id); end`

/** From now on the run's owner is a process that has ended. */
function bury(ledger: Ledger, runId: number) {
  ledger.db.query("update runs set process_start = 'ended' where run_id = ?").run(runId)
}
