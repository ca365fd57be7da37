import { zstdEngine } from "../../cod/format/zstd.ts"
import { datastoreUri } from "../../pipeline/ingest/open.ts"
import type { Config } from "../../support/config.ts"
import { checkConfiguration } from "./configuration.ts"
import { checkDatabase } from "./database.ts"
import { checkLedgerDisk, checkSpoolDisk, LEDGER_RESERVE_BYTES } from "./disk.ts"
import { checkFfmpeg } from "./ffmpeg.ts"
import { type Finding, ok, unknown } from "./finding.ts"
import { checkLedger } from "./ledger.ts"
import { checkLocks } from "./locks.ts"
import {
  checkBackupPlace,
  checkClocks,
  checkDatastore,
  checkDestination,
  checkOrigin,
  isReachable,
} from "./places.ts"
import type { Settings } from "./settings.ts"
import { type Step, stepsWithin } from "./step.ts"
import { checkBun, checkSqlite } from "./versions.ts"

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

/**
 * Examines everything that the scripts rest on, each check by doing what they do. Changes nothing but one key each at
 * the destination and at the datastore, which is deleted again. No check takes longer than `STALL_SECONDS`, or half a minute.
 */
export async function examine(
  settings: Settings,
  { bun = Bun.version, reserveBytes = LEDGER_RESERVE_BYTES }: DoctorOptions,
  signal: AbortSignal,
): Promise<DoctorReport> {
  const { config } = settings
  const stepMs = Math.min(config.copy?.stallSeconds ?? PATIENCE_SECONDS, PATIENCE_SECONDS) * 1000
  const step = stepsWithin(stepMs, signal)
  // A service that is silent is to be told as such, also after a second try, before the step is over.
  const patienceMs = stepMs / 3
  const placeAt = (uri: string | undefined) =>
    uri === undefined || !isReachable(uri, config) ? undefined : { uri, config, patienceMs, step }
  const groups = await Promise.all([
    step("configuration", () => checkConfiguration(settings)),
    step("Bun", () => checkBun(bun)),
    step("SQLite", () => checkSqlite()),
    step("zstd", () => ok(zstdEngine())),
    whenKnown("ffmpeg", config.ingest, ({ thumbnailConcurrency }) =>
      step("ffmpeg", () => checkFfmpeg(thumbnailConcurrency)),
    ),
    whenKnown("database", config.database, (settings) => checkDatabase(settings, patienceMs, step)),
    whenKnown("origin", placeAt(config.origin?.uri), checkOrigin),
    whenKnown("destination", placeAt(config.destination?.uri), checkDestination),
    whenKnown("datastore", placeAt(datastoreOf(config)), checkDatastore),
    checkClocks(config, step),
    whenKnown("ledger", config.ledger, ({ path }) => checkLedgerAndDisk(path, config, reserveBytes, step)),
    whenKnown("spool: disk", config.copy, ({ spoolDir, spoolBytes }) =>
      step("spool: disk", () => checkSpoolDisk(spoolDir, spoolBytes)),
    ),
    ...(config.backup?.uri === undefined
      ? []
      : [whenKnown("backups", placeAt(config.backup.uri), checkBackupPlace)]),
  ])
  const findings = groups.flat()
  const count = (state: Finding["state"]) => findings.filter((finding) => finding.state === state).length
  return { findings, faults: count("fault"), unknown: count("unknown") }
}

function datastoreOf({ ingest, destination }: Partial<Config>): string | undefined {
  return ingest === undefined || destination === undefined ? undefined : datastoreUri({ ingest, destination })
}

/** A part of the configuration that is wrong is told by the check of it; what needs it is not tried. */
async function whenKnown<T>(
  check: string,
  settings: T | undefined,
  examineIt: (settings: T) => Promise<Finding | Finding[]>,
): Promise<Finding | Finding[]> {
  if (settings !== undefined) return await examineIt(settings)
  return { check, ...unknown("not tried: its configuration is wrong, see above") }
}

async function checkLedgerAndDisk(
  path: string,
  config: Partial<Config>,
  reserveBytes: number,
  step: Step,
): Promise<Finding[]> {
  const [whole, disk] = await Promise.all([
    step("ledger", (signal) => checkLedger(path, signal)),
    step("ledger: disk", () => checkLedgerDisk(path, reserveBytes)),
  ])
  // One that cannot be read has nothing to tell of locks.
  if (whole.state === "fault") return [whole, disk]
  return [whole, disk, await step("locks", (signal) => checkLocks(path, config, signal))]
}
