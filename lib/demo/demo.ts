import { rmSync } from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { seriesOfStudy } from "../ledger/cod/study-series.ts"
import { objectsOf } from "../ledger/objects.ts"
import type { Ledger } from "../ledger/open.ts"
import { organizations, studiesOf } from "../ledger/study-lists.ts"
import { type SheetStart, writeContactSheet } from "../operate/cod/contact-sheet.ts"
import { lookAt, renderInfo } from "../operate/cod/info.ts"
import type { OpenStart } from "../operate/cod/start.ts"
import { COPY_PARTS, type End, type Start, withRunDeps } from "../pipeline/deps.ts"
import { receiptKey, type StudyIds, studyPrefix } from "../pipeline/layout.ts"
import { isWell, type RunDeps, type RunReport, run, runCounts } from "../pipeline/run.ts"
import type { ObjectSource } from "../storage/store.ts"
import { type Environment, loadConfig } from "../support/config.ts"
import { PROJECT_ROOT } from "../support/project.ts"
import type { Cloud } from "./cloud/cloud.ts"
import { startCloud } from "./cloud/server.ts"
import { asAdmin, ensurePacsDatabase, type PacsAccess } from "./pacs-database.ts"
import { insertRows } from "./pacs-rows.ts"
import { startPostgres } from "./postgres.ts"
import { demoHospital, type Hospital } from "./seed.ts"

/** Where the demo keeps what it makes. The database and the origin are made anew each time, to the same byte. */
export const DEMO_FOLDER = join(PROJECT_ROOT, "state/demo")

/** What it makes, for whoever looks at it afterwards. */
export const DEMO_PLACES: Environment = {
  DESTINATION_URI: pathToFileURL(join(DEMO_FOLDER, "destination")).href,
  LEDGER_PATH: join(DEMO_FOLDER, "ledger.sqlite"),
  SPOOL_DIR: join(DEMO_FOLDER, "tmp"),
}

export interface DemoReport extends RunReport {
  /** The ranks of the doctors whose studies it took. */
  readonly chosen: { readonly from: number; readonly to: number }
  readonly ledger: string
  readonly destination: string
  /** Where the series are packed; a URI. */
  readonly datastore: string
  /** One study at the destination, with its receipt and its series. */
  readonly example: readonly StoredObject[]
  /** What `cod info` says of the largest series of that study; null where none was packed. */
  readonly info: string | null
  /** A page with a picture of each series. */
  readonly contactSheet: string
}

export interface StoredObject {
  readonly key: string
  readonly size: number
}

/**
 * The whole main job, once, on a real PostgreSQL, a stand-in for S3 and a folder as the destination. Run again, it
 * finds nothing left to do.
 * @param start a script's context; the configuration is the demo's own, whatever the environment says
 * @param options.fresh forgets what an earlier demo did
 * @param options.say tells a person who waits what is going on
 */
export async function runDemo(
  start: Omit<Start<never>, "config">,
  { fresh, say }: { readonly fresh: boolean; readonly say: (text: string) => void },
  report: (report: DemoReport) => Promise<void>,
): Promise<0 | 1> {
  if (fresh) rmSync(DEMO_FOLDER, { recursive: true, force: true })
  await using servers = new AsyncDisposableStack()
  say("Starting PostgreSQL and a stand-in for S3 on this machine ...")
  const postgres = servers.use(await startPostgres())
  const cloud = servers.use(await startCloud({ faults: false }))
  const hospital = demoHospital({ bucket: ORIGIN_BUCKET })
  say(
    `Seeding a hospital: ${hospital.rows.pacs_studies.length} studies, ${hospital.objects.length} files ...`,
  )
  const pacs = await ensurePacsDatabase(postgres, "pacs")
  await asAdmin(postgres, pacs.database, (sql) => insertRows(sql, hospital.rows))
  fillOrigin(cloud, hospital)
  say("Discovering, copying and packing ...")
  const config = loadConfig(COPY_PARTS, environment(pacs, cloud))
  return await withRunDeps({ ...start, config }, async (deps): Promise<End> => {
    const done = await run(deps, { concurrency: config.copy.concurrency }, start.stop)
    const study = largestStudy(deps.ledger)
    const series = study === undefined ? [] : packedSeries(deps, study)
    const [largest] = series
    await report({
      ...done,
      chosen: { from: config.ranking.from, to: config.ranking.to },
      ledger: config.ledger.path,
      destination: join(DEMO_FOLDER, "destination"),
      datastore: deps.ingest.datastore.uri,
      example: study === undefined ? [] : await storedOf(deps, study, series),
      info: largest === undefined ? null : await infoOf({ ...start, config }, largest),
      contactSheet: await contactSheetOf({ ...start, config }, deps),
    })
    return { outcome: isWell(done) ? 0 : 1, counts: runCounts(done) }
  })
}

const ORIGIN_BUCKET = "pacs-origin"

function fillOrigin(cloud: Cloud, hospital: Hospital) {
  cloud.createBucket(ORIGIN_BUCKET)
  for (const { key, contentType, bytes } of hospital.objects)
    cloud.put(ORIGIN_BUCKET, key, bytes(), { contentType })
}

function environment(pacs: PacsAccess, cloud: Cloud): Environment {
  return {
    SOURCE_DATABASE_HOST: pacs.host,
    SOURCE_DATABASE_PORT: String(pacs.port),
    SOURCE_DATABASE_NAME: pacs.database,
    SOURCE_DATABASE_USER: pacs.user,
    SOURCE_DATABASE_PASS: pacs.password,
    SOURCE_DATABASE_SSLMODE: "disable",
    ORIGIN_URI: `s3://${ORIGIN_BUCKET}`,
    AWS_ENDPOINT_URL: cloud.url,
    AWS_ACCESS_KEY_ID: "demo",
    AWS_SECRET_ACCESS_KEY: "demo",
    AWS_REGION_NAME: "us-east-1",
    ...DEMO_PLACES,
  }
}

/** The study that shows most of the layout. */
function largestStudy(ledger: Ledger): StudyIds | undefined {
  const studies = organizations(ledger).flatMap((id) => [...studiesOf(ledger, id)])
  const sizes = new Map(studies.map((study) => [study, objectsOf(ledger, study.studyId).length]))
  return studies.sort((a, b) => sizes.get(b)! - sizes.get(a)!)[0]
}

/** URIs of its series, the one with the most images first. */
function packedSeries(
  { ledger, series }: Pick<RunDeps, "ledger" | "series">,
  { studyId }: StudyIds,
): string[] {
  return seriesOfStudy(ledger, studyId)
    .filter(({ state }) => state === "packed")
    .sort((a, b) => b.packed - a.packed)
    .flatMap((uids) => series?.uriOf(uids) ?? [])
}

async function infoOf(start: OpenStart, uri: string): Promise<string> {
  return renderInfo(await lookAt(start, uri), new Date())
}

async function contactSheetOf(start: SheetStart, { ingest: { datastore } }: RunDeps): Promise<string> {
  const out = join(DEMO_FOLDER, "contact-sheet.html")
  // That of an earlier demo.
  rmSync(out, { force: true })
  const { path } = await writeContactSheet(start, [datastore.uri], { out })
  return path
}

async function storedOf(
  { destination, ingest: { datastore } }: RunDeps,
  study: StudyIds,
  series: readonly string[],
): Promise<StoredObject[]> {
  const stored: StoredObject[] = []
  const add = async (store: ObjectSource, prefix: string) => {
    const folder = store.uri.slice(destination.uri.length + 1)
    for await (const { key, size } of store.list(prefix)) stored.push({ key: join(folder, key), size })
  }
  for (const prefix of [studyPrefix(study), receiptKey(study)]) await add(destination, prefix)
  for (const uri of series) await add(datastore, uri.slice(datastore.uri.length + 1))
  return stored
}
