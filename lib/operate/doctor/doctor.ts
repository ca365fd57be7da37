import { existsSync } from "node:fs"
import { fileURLToPath } from "node:url"
import type { RetryPolicy } from "../../storage/backoff.ts"
import { type OpenOptions, openSource, openStore } from "../../storage/open.ts"
import type { ObjectStore, Opened } from "../../storage/store.ts"
import type { Config } from "../../support/config.ts"
import { checkClock } from "./clock.ts"
import { checkConfiguration } from "./configuration.ts"
import { checkDatabase } from "./database.ts"
import { checkLedgerDisk, checkSpoolDisk } from "./disk.ts"
import { type Finding, faultOf, ok, unknown } from "./finding.ts"
import { checkLedger } from "./ledger.ts"
import { checkReading } from "./reading.ts"
import { type FixOf, remediesFor } from "./remedies.ts"
import type { Settings } from "./settings.ts"
import { type Step, stepsWithin } from "./step.ts"
import { checkBun, checkSqlite } from "./versions.ts"
import { checkWriting } from "./writing.ts"

export interface DoctorReport {
  /** In the order in which one would mend them. */
  readonly findings: readonly Finding[]
  readonly faults: number
  /** What could not be found out. */
  readonly unknown: number
}

export interface DoctorOptions {
  /** The runtime's. */
  readonly bun?: string
  /** Free space that the ledger's disk must have beside the size of the ledger. */
  readonly reserveBytes?: number
}

/** Long enough for a slow network; nobody waits longer for a line of a report. */
const PATIENCE_SECONDS = 30

const RESERVE_BYTES = 1e9

/**
 * Examines everything that the scripts rest on, each check by doing what they do. Changes nothing but one key at the
 * destination, which is deleted again. No check takes longer than `STALL_SECONDS`, or half a minute.
 */
export async function examine(
  settings: Settings,
  { bun = Bun.version, reserveBytes = RESERVE_BYTES }: DoctorOptions,
  signal: AbortSignal,
): Promise<DoctorReport> {
  const { config } = settings
  const stepMs = Math.min(config.copy?.stallSeconds ?? PATIENCE_SECONDS, PATIENCE_SECONDS) * 1000
  const step = stepsWithin(stepMs, signal)
  // A service that is silent is to be told as such, also after a second try, before the step is over.
  const patienceMs = stepMs / 3
  const groups = await Promise.all([
    step("configuration", () => checkConfiguration(settings)),
    step("Bun", () => checkBun(bun)),
    step("SQLite", () => checkSqlite()),
    database(config, patienceMs, step),
    origin(config, patienceMs, step),
    destination(config, patienceMs, step),
    ...clocks(config, step),
    ...(config.ledger === undefined ? [] : ledger(config.ledger.path, reserveBytes, step)),
    ...(config.copy === undefined ? [] : [spool(config.copy, step)]),
  ])
  const findings = groups.flat()
  const count = (state: Finding["state"]) => findings.filter((finding) => finding.state === state).length
  return { findings, faults: count("fault"), unknown: count("unknown") }
}

type Known = Partial<Config>

async function database({ database: settings }: Known, patienceMs: number, step: Step): Promise<Finding[]> {
  if (settings === undefined) return [notConfigured("database")]
  return checkDatabase(settings, patienceMs, step)
}

async function origin(config: Known, patienceMs: number, step: Step): Promise<Finding[]> {
  const { origin: place, s3, gcs } = config
  if (place === undefined || s3 === undefined || gcs === undefined) return [notConfigured("origin")]
  const remedies = remediesFor({ uri: place.uri, variable: "ORIGIN_URI", config })
  return await withOpened(
    "origin",
    step,
    () => openSource(place.uri, storeOptions(config, patienceMs)),
    (source) => checkReading(source, remedies, step),
  )
}

async function destination(config: Known, patienceMs: number, step: Step): Promise<Finding[]> {
  const { destination: place, gcs } = config
  if (place === undefined || gcs === undefined) return [notConfigured("destination")]
  const remedies = remediesFor({ uri: place.uri, variable: "DESTINATION_URI", config })
  return await withOpened(
    "destination",
    step,
    () => openStore(place.uri, storeOptions(config, patienceMs)),
    async (store) =>
      // Trying would make the folder, and a folder is more than a key.
      isAbsentFolder(place.uri)
        ? [await checkAbsentFolder(store, remedies, step)]
        : checkWriting(store, remedies, step),
  )
}

/** A file of credentials that cannot be read is found out when a store is opened. */
async function withOpened<S extends Disposable>(
  check: string,
  step: Step,
  open: () => S,
  examineIt: (store: S) => Promise<Finding[]>,
): Promise<Finding[]> {
  let opened: S | undefined
  const opening = await step(check, () => {
    opened = open()
    return ok("opened")
  })
  if (opened === undefined) return [opening]
  using store = opened
  return await examineIt(store)
}

function checkAbsentFolder(store: Opened<ObjectStore>, fixOf: FixOf, step: Step): Promise<Finding> {
  return step("destination", async (signal) => {
    try {
      await store.probe(signal)
      return ok(`${store.uri} is not there yet; the first copy makes it`)
    } catch (error) {
      return faultOf(error, fixOf(error, "create"))
    }
  })
}

function isAbsentFolder(uri: string): boolean {
  return uri.startsWith("file:") && !existsSync(fileURLToPath(uri))
}

/** One quick further try: a report is waited for. */
const RETRY: RetryPolicy = { retries: 1, minTimeoutMs: 250, maxTimeoutMs: 250 }

function storeOptions({ s3, gcs }: Known, stallMs: number): OpenOptions {
  return { ...(s3 && { s3 }), ...(gcs && { gcs }), stallMs, retry: RETRY }
}

/** Of the services that the configuration names. */
function clocks({ origin, destination, s3, gcs }: Known, step: Step): Promise<Finding>[] {
  const schemes = new Set([origin?.uri, destination?.uri].map((uri) => uri?.split(":")[0]))
  const found: Promise<Finding>[] = []
  if (s3 !== undefined && schemes.has("s3")) {
    const url = s3.endpoint ?? `https://s3.${s3.region ?? "us-east-1"}.amazonaws.com`
    found.push(step("S3: clock", (signal) => checkClock("S3", url, signal)))
  }
  if (gcs !== undefined && schemes.has("gs")) {
    const url = `${gcs.emulatorUrl ?? "https://storage.googleapis.com"}/storage/v1/`
    found.push(step("GCS: clock", (signal) => checkClock("GCS", url, signal)))
  }
  return found
}

function ledger(path: string, reserveBytes: number, step: Step): Promise<Finding>[] {
  return [
    step("ledger", (signal) => checkLedger(path, signal)),
    step("ledger: disk", () => checkLedgerDisk(path, reserveBytes)),
  ]
}

function spool({ spoolDir, spoolBytes }: NonNullable<Known["copy"]>, step: Step): Promise<Finding> {
  return step("spool: disk", () => checkSpoolDisk(spoolDir, spoolBytes))
}

function notConfigured(check: string): Finding {
  return { check, ...unknown("not tried: its configuration is wrong, see above") }
}
