import { existsSync } from "node:fs"
import { fileURLToPath } from "node:url"
import type { RetryPolicy } from "../../storage/backoff.ts"
import { type OpenOptions, openSource, openStore } from "../../storage/open.ts"
import type { ObjectStore, Opened } from "../../storage/store.ts"
import type { Config } from "../../support/config.ts"
import { checkClock } from "./clock.ts"
import { type Finding, faultOf, ok } from "./finding.ts"
import { checkReading } from "./reading.ts"
import { type FixOf, type Place, remediesFor } from "./remedies.ts"
import type { Step } from "./step.ts"
import { checkWriting } from "./writing.ts"

/** A place that the configuration names, and how it is to be examined. */
export interface PlaceToExamine {
  readonly uri: string
  readonly config: Partial<Config>
  /** For each answer. */
  readonly patienceMs: number
  readonly step: Step
}

/** Whether the configuration of the service behind a URI is usable. */
export function isReachable(uri: string, { s3, gcs }: Partial<Config>): boolean {
  if (uri.startsWith("s3:")) return s3 !== undefined
  return !uri.startsWith("gs:") || gcs !== undefined
}

/** Whether the origin lists and can be read. */
export function checkOrigin(place: PlaceToExamine): Promise<Finding[]> {
  const { uri, config, step } = place
  const remedies = remediesFor({ uri, variable: "ORIGIN_URI", config })
  const open = () => openSource(uri, storeOptions(place))
  return withOpened("origin", step, open, (origin) => checkReading(origin, remedies, step))
}

/** Whether the destination can be written, read, deleted from and listed. */
export function checkDestination(place: PlaceToExamine): Promise<Finding[]> {
  return checkWritable(place, {
    check: "destination",
    variable: "DESTINATION_URI",
    maker: "the first copy",
  })
}

/** Whether the datastore can, where whoever packs a series takes a lock and deletes it again. */
export function checkDatastore(place: PlaceToExamine): Promise<Finding[]> {
  return checkWritable(place, {
    check: "datastore",
    variable: "COD_DATASTORE_URI",
    maker: "the first ingest",
  })
}

interface Writable {
  readonly check: string
  readonly variable: Place["variable"]
  /** Who makes it when it is a folder. */
  readonly maker: string
}

function checkWritable(place: PlaceToExamine, { check, variable, maker }: Writable): Promise<Finding[]> {
  const { uri, config, step } = place
  const remedies = remediesFor({ uri, variable, config })
  const open = () => openStore(uri, storeOptions(place))
  return withOpened(check, step, open, async (store) =>
    // Trying would make the folder, and a folder is more than a key.
    isAbsentFolder(uri)
      ? [await lookAt(check, store, `${uri} is not there yet; ${maker} makes it`, remedies, step)]
      : checkWriting(check, store, remedies, step),
  )
}

/** Whether backups have a place to go. They are only ever created there, so nothing is tried that would stay. */
export function checkBackupPlace(place: PlaceToExamine): Promise<Finding[]> {
  const { uri, config, step } = place
  const remedies = remediesFor({ uri, variable: "LEDGER_BACKUP_URI", config })
  const open = () => openStore(uri, storeOptions(place))
  return withOpened("backups", step, open, async (store) => [
    await lookAt("backups", store, uri, remedies, step),
  ])
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

/** Looks without writing, as a run does before any work. */
function lookAt(
  check: string,
  store: Opened<ObjectStore>,
  told: string,
  fixOf: FixOf,
  step: Step,
): Promise<Finding> {
  return step(check, async (signal) => {
    try {
      await store.probe(signal)
      return ok(told)
    } catch (error) {
      signal.throwIfAborted()
      return faultOf(error, fixOf(error, "create"))
    }
  })
}

function isAbsentFolder(uri: string): boolean {
  return uri.startsWith("file:") && !existsSync(fileURLToPath(uri))
}

/** One quick further try: a report is waited for. */
const RETRY: RetryPolicy = { retries: 1, minTimeoutMs: 250, maxTimeoutMs: 250 }

function storeOptions({ config: { s3, gcs }, patienceMs: stallMs }: PlaceToExamine): OpenOptions {
  return { ...(s3 && { s3 }), ...(gcs && { gcs }), stallMs, retry: RETRY }
}

/** Of the services that the configuration names. */
export function checkClocks(
  { origin, destination, s3, gcs }: Partial<Config>,
  step: Step,
): Promise<Finding[]> {
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
  return Promise.all(found)
}
