import type { Cloud } from "../../lib/demo/cloud/cloud.ts"
import { startCloud } from "../../lib/demo/cloud/server.ts"
import { type Ledger, openLedger } from "../../lib/ledger/open.ts"
import { openStore } from "../../lib/storage/open.ts"
import type { ObjectStore, Opened } from "../../lib/storage/store.ts"
import type { TestPacs } from "../support/pacs.ts"
import { type Finished, type RunningScript, runScript, startScript } from "../support/process.ts"
import { tempDir } from "../support/temp.ts"
import type { Archive } from "./ingest-archive.ts"

export const ORIGIN = "pacs-origin"

/** Both clouds of a hospital whose studies are to be copied and packed. */
export interface IngestSite extends AsyncDisposable {
  readonly cloud: Cloud
  readonly archive: Archive
  /** A box with an empty bucket for it. */
  openBox(options?: BoxOptions): Box
}

export interface BoxOptions {
  /** Another box's destination instead of an empty bucket. */
  readonly destination?: string
  readonly settings?: Readonly<Record<string, string>>
}

/** A ledger and a spool, and the scripts as an operator starts them there. */
export interface Box extends Disposable {
  readonly cloud: Cloud
  readonly archive: Archive
  /** A bucket of the cloud. */
  readonly destination: string
  readonly env: Readonly<Record<string, string>>
  readonly spool: string
  readonly datastore: Opened<ObjectStore>
  openLedger(): Ledger
  run(...words: readonly string[]): Promise<Finished>
  start(...words: readonly string[]): RunningScript
}

/** The database may be shared: only `pacs.insert` of the archive's rows is left to the caller. */
export async function openIngestSite(pacs: TestPacs, archive: Archive): Promise<IngestSite> {
  const cloud = await startCloud()
  cloud.createBucket(ORIGIN)
  for (const [key, bytes] of archive.origin) cloud.put(ORIGIN, key, bytes)
  const boxes = new DisposableStack()
  let opened = 0
  return {
    cloud,
    archive,
    openBox(options = {}) {
      const { destination = `research-${++opened}`, settings } = options
      const isOwn = options.destination === undefined
      if (isOwn) cloud.createBucket(destination)
      return boxes.use(openBox({ pacs, cloud, archive }, { destination, isOwn, settings }))
    },
    async [Symbol.asyncDispose]() {
      boxes.dispose()
      await cloud.stop()
    },
  }
}

interface Surroundings {
  readonly pacs: TestPacs
  readonly cloud: Cloud
  readonly archive: Archive
}

interface Place {
  readonly destination: string
  /** Whether the bucket is emptied with the box. */
  readonly isOwn: boolean
  readonly settings: Readonly<Record<string, string>> | undefined
}

function openBox({ pacs, cloud, archive }: Surroundings, { destination, isOwn, settings }: Place): Box {
  const dir = tempDir("chaos-ingest")
  const { host, port, name, user, password } = pacs.settings
  const env = {
    SOURCE_DATABASE_HOST: host,
    SOURCE_DATABASE_PORT: String(port),
    SOURCE_DATABASE_NAME: name,
    SOURCE_DATABASE_USER: user,
    SOURCE_DATABASE_PASS: password,
    SOURCE_DATABASE_SSLMODE: "disable",
    RANK_FROM: "1",
    RANK_TO: "1",
    ORIGIN_URI: `s3://${ORIGIN}`,
    DESTINATION_URI: `gs://${destination}`,
    COD_DATASTORE_URI: `gs://${destination}/cod/dicomweb`,
    AWS_ENDPOINT_URL: cloud.url,
    AWS_ACCESS_KEY_ID: "test",
    AWS_SECRET_ACCESS_KEY: "test",
    AWS_REGION_NAME: "us-east-1",
    STORAGE_EMULATOR_HOST: cloud.url,
    LEDGER_PATH: dir.file("ledger.sqlite"),
    SPOOL_DIR: dir.file("spool"),
    ...settings,
  }
  const datastore = openStore(env.COD_DATASTORE_URI, { gcs: { emulatorUrl: cloud.url } })
  return {
    cloud,
    archive,
    destination,
    env,
    spool: env.SPOOL_DIR,
    datastore,
    openLedger: () => openLedger(env.LEDGER_PATH),
    run: (...words) => runScript(words, { env }),
    start: (...words) => startScript(words, { env }),
    [Symbol.dispose]() {
      if (isOwn) for (const key of cloud.keys(destination)) cloud.delete(destination, key)
      datastore[Symbol.dispose]()
      dir[Symbol.dispose]()
    },
  }
}
