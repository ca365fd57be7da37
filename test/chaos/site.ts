import { startCloud } from "../../lib/demo/cloud/server.ts"
import { demoHospital, type Hospital } from "../../lib/demo/seed.ts"
import { type Ledger, openLedger } from "../../lib/ledger/open.ts"
import { explicit } from "../cod/format/dicom/build.ts"
import { testPacs } from "../support/pacs.ts"
import { runScript, startScript } from "../support/process.ts"
import { tempDir } from "../support/temp.ts"
import { expectedObjects } from "./expected.ts"

/** A hospital with both clouds, and the scripts as an operator starts them there. */
export type Site = Awaited<ReturnType<typeof startSite>>

export interface SiteOptions {
  /** How often the demo's hospital is there, with 24 eligible studies each. */
  readonly repeat: number
  readonly settings?: Readonly<Record<string, string>>
}

export const ORIGIN = "pacs-origin"
export const DESTINATION = "research"

/** Starts everything and discovers once, so that what is killed later has a short way to its work. */
export async function startSite({ repeat, settings = {} }: SiteOptions) {
  await using scope = new AsyncDisposableStack()
  const hospital = demoHospital({ bucket: ORIGIN, tiny: true, repeat })
  const cloud = scope.use(await startCloud())
  const pacs = scope.use(await testPacs())
  const dir = scope.use(tempDir("chaos"))
  const origin = originObjects(hospital)
  cloud.createBucket(ORIGIN)
  cloud.createBucket(DESTINATION)
  for (const [key, bytes] of origin) cloud.put(ORIGIN, key, bytes)
  await pacs.insert(hospital.rows)
  const env = {
    SOURCE_DATABASE_HOST: pacs.settings.host,
    SOURCE_DATABASE_PORT: String(pacs.settings.port),
    SOURCE_DATABASE_NAME: pacs.settings.name,
    SOURCE_DATABASE_USER: pacs.settings.user,
    SOURCE_DATABASE_PASS: pacs.settings.password,
    ORIGIN_URI: `s3://${ORIGIN}`,
    DESTINATION_URI: `gs://${DESTINATION}`,
    AWS_ENDPOINT_URL: cloud.url,
    AWS_ACCESS_KEY_ID: "test",
    AWS_SECRET_ACCESS_KEY: "test",
    AWS_REGION_NAME: "us-east-1",
    STORAGE_EMULATOR_HOST: cloud.url,
    LEDGER_PATH: dir.file("ledger.sqlite"),
    SPOOL_DIR: dir.file("spool"),
    ...settings,
  }
  const site = {
    cloud,
    spool: env.SPOOL_DIR,
    /** By key, what must stand at the destination in the end. */
    expected: expectedObjects(hospital, origin),
    openLedger: (): Ledger => openLedger(env.LEDGER_PATH),
    run: (...words: readonly string[]) => runScript(words, { env }),
    start: (...words: readonly string[]) => startScript(words, { env }),
  }
  const discovery = await site.run("scripts/discover.ts", "--json")
  if (discovery.exitCode !== 0) throw new Error(`discover failed:\n${discovery.stderr}`)
  const running = scope.move()
  return { ...site, [Symbol.asyncDispose]: () => running.disposeAsync() }
}

/** A large picture of the demo is made large by what stands behind it, for drawing one takes its time. */
function originObjects({ studies }: Hospital): Map<string, Uint8Array> {
  const all = new Map<string, Uint8Array>()
  for (const { plan, objects } of studies) {
    const isLarge = plan.series?.some((series) => series.images.some(({ large }) => large)) ?? false
    for (const { key, contentType, bytes } of objects) {
      const grows = isLarge && contentType === "application/dicom"
      all.set(key, grows ? padded(bytes(), LARGE_BYTES + all.size) : bytes())
    }
  }
  return all
}

/** Above what a copy holds in memory: these go through the spool and a resumable upload. */
const LARGE_BYTES = 1_200_000

/** Behind the file's last element comes one of Data Set Trailing Padding (PS3.3, section C.12.1.1): it stays a DICOM file. */
function padded(bytes: Uint8Array, size: number): Uint8Array {
  const length = size - (size % 2)
  const padding = new Uint8Array(length)
  for (let start = 0; start < length; start += bytes.length) {
    padding.set(bytes.subarray(0, length - start), start)
  }
  return Buffer.concat([bytes, explicit(0xfffcfffc, "OB", padding)])
}
