import { afterAll, setDefaultTimeout } from "bun:test"
import { pathToFileURL } from "node:url"
import type { Cloud } from "../../lib/demo/cloud/cloud.ts"
import { startCloud } from "../../lib/demo/cloud/server.ts"
import { openLedger } from "../../lib/ledger/open.ts"
import { type AdoptOptions, type AdoptReport, adopt } from "../../lib/pipeline/adopt/adopt.ts"
import {
  type CopyOptions,
  type CopyReport,
  type CopyStepDeps,
  copyStudies,
} from "../../lib/pipeline/copy/copy.ts"
import {
  COPY_PARTS,
  type CopyParts,
  type Start,
  withAdoptDeps,
  withCopyDeps,
  withDiscoverDeps,
  withIngestDeps,
  withRunDeps,
  withVerifyDeps,
} from "../../lib/pipeline/deps.ts"
import { type DiscoverOptions, type DiscoverReport, discover } from "../../lib/pipeline/discover/discover.ts"
import { type IngestOptions, ingestStudies } from "../../lib/pipeline/ingest/ingest.ts"
import type { IngestReport } from "../../lib/pipeline/ingest/ingest-report.ts"
import { isWell, type RunReport, run } from "../../lib/pipeline/run.ts"
import { type VerifyOptions, type VerifyReport, verify } from "../../lib/pipeline/verify/verify.ts"
import { loadConfig } from "../../lib/support/config.ts"
import { createLogger } from "../../lib/support/log.ts"
import { silentProgress } from "../../lib/support/progress.ts"
import { redactor } from "../../lib/support/redact.ts"
import type { Stop } from "../../lib/support/stop.ts"
import { type Chest, type ChestOptions, chest, DOCTOR, originObjects } from "./chest.ts"
import { type TestPacs, testPacs } from "./pacs.ts"
import { doctor } from "./pacs-study.ts"
import { type TempDir, tempDir } from "./temp.ts"

/** How a step ended, as its script tells it: the exit code and the report. */
export type Ended<Report> = Report & { readonly code: 0 | 1 }

/** A hospital, two clouds and a box with a ledger; and the steps over them, run in this process. */
export interface Hospital extends Disposable {
  readonly pacs: TestPacs
  readonly cloud: Cloud
  /** Buckets of the cloud. */
  readonly origin: string
  readonly destination: string
  readonly dir: TempDir
  readonly ledgerPath: string
  /** What a script would be started with; may be changed. */
  readonly env: Record<string, string>
  /** Every line that was logged. */
  readonly logged: readonly string[]
  /** A study with everything that is to be copied of it, in the database and at the origin. */
  admit(options?: ChestOptions): Promise<Chest>
  discover(options?: DiscoverOptions, stop?: Stop): Promise<Ended<DiscoverReport>>
  copy(options?: Partial<CopyOptions>, stop?: Stop): Promise<Ended<CopyReport>>
  /** Both, one after the other. */
  discoverAndCopy(options?: { readonly limit?: number }): Promise<Ended<Omit<RunReport, "ingest">>>
  run(options?: { readonly limit?: number }): Promise<Ended<RunReport>>
  ingest(options?: Omit<IngestOptions, "tried">, stop?: Stop): Promise<Ended<IngestReport>>
  verify(options?: VerifyOptions): Promise<Ended<VerifyReport>>
  adopt(options?: Partial<AdoptOptions>, stop?: Stop): Promise<Ended<AdoptReport>>
  /** Does something with what a copy gets, such as breaking it. */
  withDeps<T>(work: (deps: CopyStepDeps) => Promise<T>): Promise<T>
  /** Rows of a query of the ledger. */
  rows<Row>(sql: string): Row[]
  /** Text of an object at the destination. */
  text(key: string): string
}

/** Waits that a test does not feel. */
export const QUICK = { retries: 5, minTimeoutMs: 1, maxTimeoutMs: 2 }

// Many a test starts servers and processes; a busy machine is no failure.
setDefaultTimeout(30_000)

let servers: Promise<{ readonly pacs: TestPacs; readonly cloud: Cloud }> | undefined
let opened = 0
const folders = new Set<TempDir>()

// The database has gone with its server by now.
afterAll(async () => {
  for (const dir of folders) dir[Symbol.dispose]()
  await (await servers)?.cloud.stop()
  servers = undefined
})

/**
 * Opens an empty hospital. Servers are started by the first and shared by the tests of a file: one is open at a time,
 * the next one empties the database and heals the clouds.
 */
export async function openHospital(): Promise<Hospital> {
  // Every fault is seen by our code, none is repeated away by the runtime.
  servers ??= Promise.all([testPacs(), startCloud({ keepAlive: false })]).then(([pacs, cloud]) => ({
    pacs,
    cloud,
  }))
  const { pacs, cloud } = await servers
  opened += 1
  const [origin, destination] = [`origin-${opened}`, `destination-${opened}`]
  cloud.heal()
  cloud.roles.clear()
  cloud.log.clear()
  cloud.createBucket(origin)
  cloud.createBucket(destination)
  await pacs.clear()
  await pacs.insert(doctor(DOCTOR))
  const dir = tempDir("hospital")
  folders.add(dir)
  const ledgerPath = dir.file("state", "ledger.sqlite")
  const env = environment({ pacs, cloud, origin, destination, dir, ledgerPath })
  const logged: string[] = []

  const start = (script: string, { dryRun = false, stop = NEVER }: { dryRun?: boolean; stop?: Stop } = {}) =>
    ({
      script,
      words: [],
      config: loadConfig(COPY_PARTS, env),
      log: createLogger({ level: "DEBUG", redact: redactor([]), write: (line) => logged.push(line) }),
      progress: silentProgress,
      stop,
      dryRun,
      retry: QUICK,
    }) satisfies Start<CopyParts>

  return {
    pacs,
    cloud,
    origin,
    destination,
    dir,
    ledgerPath,
    env,
    logged,
    async admit(options) {
      const study = chest(options)
      await pacs.insert(study.rows)
      for (const [key, bytes] of originObjects(study)) cloud.put(origin, key, bytes)
      return study
    },
    discover: (options = {}, stop = NEVER) =>
      ended((end) =>
        withDiscoverDeps(start("discover", { dryRun: options.dryRun === true, stop }), (deps) =>
          end(discover(deps, options, stop)),
        ),
      ),
    copy: (options = {}, stop = NEVER) =>
      ended((end) =>
        withCopyDeps(start("copy", { stop }), (deps) =>
          end(copyStudies(deps, { concurrency: 4, ...options }, stop), ({ totals }) => totals.failed === 0),
        ),
      ),
    discoverAndCopy: (options = {}) =>
      ended((end) =>
        withCopyDeps(start("copy"), (deps) => {
          const both = async () => {
            const discovery = await discover(deps, options, NEVER)
            return { discovery, copy: await copyStudies(deps, { concurrency: 4, ...options }, NEVER) }
          }
          return end(both(), ({ copy }) => copy.totals.failed === 0)
        }),
      ),
    run: (options = {}) =>
      ended((end) =>
        withRunDeps(start("run"), (deps) => end(run(deps, { concurrency: 4, ...options }, NEVER), isWell)),
      ),
    ingest: (options = {}, stop = NEVER) =>
      ended((end) =>
        withIngestDeps(start("ingest", { stop }), (deps) =>
          end(ingestStudies(deps, options, stop), ({ totals }) => totals.failed === 0),
        ),
      ),
    verify: (options = {}) =>
      ended((end) => {
        const { config, ...rest } = start("verify", { dryRun: options.dryRun === true })
        const { origin, s3, ...less } = config
        const started = { ...rest, config: options.source === true ? config : less }
        return withVerifyDeps(started, (deps) =>
          end(verify(deps, options, NEVER), ({ problems }) => problems.length === 0),
        )
      }),
    adopt: (options = {}, stop = NEVER) =>
      ended((end) =>
        withAdoptDeps(start("adopt", { dryRun: options.dryRun === true, stop }), (deps) =>
          end(adopt(deps, { concurrency: 4, ...options }, stop), ({ failed }) => failed.length === 0),
        ),
      ),
    async withDeps(work) {
      const results: Awaited<ReturnType<typeof work>>[] = []
      await withCopyDeps(start("copy"), async (deps) => {
        results.push(await work(deps))
        return { outcome: 0, counts: {} }
      })
      return results[0]!
    },
    rows<Row>(sql: string) {
      using ledger = openLedger(ledgerPath, { readonly: true })
      return ledger.db.query<Row, []>(sql).all()
    },
    text(key) {
      const object = cloud.get(destination, key)
      if (object === undefined) throw new Error(`nothing at ${key}`)
      return new TextDecoder().decode(object.bytes)
    },
    [Symbol.dispose]() {
      dir[Symbol.dispose]()
      folders.delete(dir)
    },
  }
}

const NEVER: Stop = { requested: new AbortController().signal, forced: new AbortController().signal }

type End = { readonly outcome: 0 | 1; readonly counts: Readonly<Record<string, number>> }

/** Runs a step and keeps its report beside the exit code that it ends with. */
async function ended<Report>(
  step: (
    end: (report: Promise<Report>, isWell?: (report: Report) => boolean) => Promise<End>,
  ) => Promise<0 | 1>,
): Promise<Ended<Report>> {
  let report: Report | undefined
  const code = await step(async (working, isWell = () => true) => {
    report = await working
    return { outcome: isWell(report) ? 0 : 1, counts: {} }
  })
  return { ...report!, code }
}

function environment(parts: {
  readonly pacs: TestPacs
  readonly cloud: Cloud
  readonly origin: string
  readonly destination: string
  readonly dir: TempDir
  readonly ledgerPath: string
}): Record<string, string> {
  const { pacs, cloud, origin, destination, dir, ledgerPath } = parts
  const { host, port, name, user, password } = pacs.settings
  return {
    SOURCE_DATABASE_HOST: host,
    SOURCE_DATABASE_PORT: String(port),
    SOURCE_DATABASE_NAME: name,
    SOURCE_DATABASE_USER: user,
    SOURCE_DATABASE_PASS: password,
    SOURCE_DATABASE_SSLMODE: "disable",
    // The only doctor is chosen, unless a test says otherwise.
    RANK_FROM: "1",
    RANK_TO: "1",
    ORIGIN_URI: `s3://${origin}`,
    DESTINATION_URI: `gs://${destination}`,
    STORAGE_EMULATOR_HOST: cloud.url,
    AWS_ENDPOINT_URL: cloud.url,
    AWS_ACCESS_KEY_ID: "key",
    AWS_SECRET_ACCESS_KEY: "secret-of-the-key",
    AWS_REGION_NAME: "us-east-1",
    LEDGER_PATH: ledgerPath,
    SPOOL_DIR: dir.file("tmp"),
  }
}

/** A folder as the destination: its environment variable and its path. */
export function folderDestination(dir: TempDir) {
  const path = dir.file("destination")
  return { uri: pathToFileURL(path).href, path }
}

/** What failed, by key. */
export function failures(hospital: Hospital) {
  return hospital.rows<{ path: string; verdict: string; error_class: string }>(
    "select path, verdict, error_class from failures order by path",
  )
}

/** What the destination tells of an object. */
export function describedAt({ cloud, destination }: Hospital, key: string) {
  return cloud.describe(destination, key)!
}

/** An object's bytes at the destination; undefined where there is none. */
export function storedAt({ cloud, destination }: Hospital, key: string): Uint8Array | undefined {
  return cloud.get(destination, key)?.bytes
}

/** What has been done to an object at the destination by requests, in their order. */
export function effectsAt({ cloud, destination }: Hospital, key: string) {
  return cloud.log.find({ bucket: destination, key }).flatMap(({ effect }) => effect ?? [])
}
