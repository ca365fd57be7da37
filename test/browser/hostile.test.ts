import { Database } from "bun:sqlite"
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import type { Browser } from "playwright-core"
import { dicomFile, explicit } from "../cod/format/dicom/build.ts"
import { failures, type Hospital, openHospital } from "../support/hospital.ts"
import { runScript } from "../support/process.ts"
import { tempDir } from "../support/temp.ts"
import { PLACES } from "./places.ts"
import { startChromium } from "./support/chromium.ts"
import { type Served, serve } from "./support/served.ts"
import { type Visitor, visit } from "./support/visitor.ts"

/** Ends whatever it stands in, and then does something that is seen. */
const ATTACK = `"'></td><img src=x onerror="window.pwned=1"><script>window.pwned=1;alert(1)</script>`
/** As many characters as a value of LO may have (PS3.5 section 6.2). */
const SHORT_ATTACK = `"'><svg onload=window.pwned=1><script>window.pwned=1</script> `

let browser: Browser
let hospital: Hospital
let served: Served

beforeAll(async () => {
  browser = await startChromium()
  hospital = await openHospital()
  const study = await hospital.admit({ images: [{}, {}] })
  for (const [n, key] of study.imageKeys.entries()) hospital.cloud.put(hospital.origin, key, hostileImage(n))
  hospital.cloud.put(hospital.destination, study.metadataKey, "somebody else's")
  await hospital.run()
  poison(hospital.ledgerPath)
  served = await serve(hospital.env)
})

afterAll(async () => {
  await browser?.close()
  await served?.[Symbol.asyncDispose]()
  hospital?.[Symbol.dispose]()
})

/** Every view that there is of this box. */
const PATHS = [
  ...PLACES.filter(({ path }) => path === undefined).map(({ route }) => route),
  `/failures?verdict=give-up&class=${encodeURIComponent(ATTACK)}`,
  `/browse?modality=${encodeURIComponent(ATTACK)}&rank=${encodeURIComponent(ATTACK)}&after=${encodeURIComponent(ATTACK)}`,
  `/studies/${encodeURIComponent(ATTACK)}`,
  "/series/1",
  "/series/1/instances/1",
]

describe("texts that come from outside", () => {
  test.each(PATHS)("are nothing but text: %s", async (path) => {
    await using visitor = await visit(browser, served.url)
    const answer = await visitor.goto(path)
    expect(answer.status()).toBe(200)
    await expectHarmless(visitor)
  })

  test("are nothing but text in the export", async () => {
    using dir = tempDir("export")
    await runScript(["scripts/dashboard.ts", "--export", dir.file("page.html")], { env: hospital.env })
    await using visitor = await visit(browser, `file://${dir.path}`)
    await visitor.goto("/page.html")
    await expectHarmless(visitor)
    expect(await visitor.page.locator("main").textContent()).toContain(ATTACK)
  })

  test("are shown as they are", async () => {
    await using visitor = await visit(browser, served.url)
    for (const path of [`/studies/${encodeURIComponent(ATTACK)}`, "/failures"]) {
      await visitor.goto(path)
      expect(await visitor.page.locator("main").textContent()).toContain(ATTACK)
    }
    expect(failures(hospital)).not.toEqual([])
  })
})

async function expectHarmless({ page, trouble }: Visitor) {
  expect(await page.evaluate<unknown>("window.pwned")).toBeUndefined()
  // Neither run nor stopped by the policy: there are no such elements.
  const elements = "document.querySelectorAll('[onerror], [onload], main script').length"
  expect(await page.evaluate<number>(elements)).toBe(0)
  expect(trouble).toEqual([])
}

/** Whatever a scanner may be told to say of its images. */
function hostileImage(n: number): Uint8Array {
  return dicomFile([
    explicit(0x00080008, "CS", SHORT_ATTACK),
    explicit(0x00080018, "UI", `2.25.3${n}`),
    explicit(0x00080060, "CS", SHORT_ATTACK),
    explicit(0x00080070, "LO", SHORT_ATTACK),
    explicit(0x0008103e, "LO", SHORT_ATTACK),
    explicit(0x00081090, "LO", SHORT_ATTACK),
    explicit(0x00180015, "CS", SHORT_ATTACK),
    explicit(0x00185101, "CS", SHORT_ATTACK),
    explicit(0x0020000d, "UI", "2.25.1\0"),
    explicit(0x0020000e, "UI", "2.25.2\0"),
  ])
}

/** Puts the attack into everything of the ledger that somebody else may have named. */
function poison(ledgerPath: string) {
  using db = new Database(ledgerPath)
  db.run("pragma foreign_keys = off")
  const tables = db
    .query<{ name: string }, []>(
      `select m.name from sqlite_master m where m.type = 'table'
         and exists (select 1 from pragma_table_info(m.name) where name = 'study_id')`,
    )
    .all()
  for (const { name } of tables) db.query(`update ${name} set study_id = ?`).run(ATTACK)
  db.run(
    `insert into cod_locks (token, series_no, series_uri, names, run_id, intended_at, generations, acquired_at,
       hanging_since, hanging_why)
     values ('token', 1, 'gs://', '[]', 1, '2026-03-01T02:00:00.000Z', '{}', '2026-03-01T02:00:00.000Z',
       '2026-03-01T02:00:00.000Z', '')`,
  )
  const texts = {
    studies: ["organization_id", "modalities", "standing_reason"],
    objects: ["path", "error_class", "error_message", "warning"],
    copy_attempts: ["error_class", "error_message"],
    runs: ["host", "script", "version"],
    doctors: ["user_id"],
    standings: ["reason"],
    cod_locks: ["series_uri", "hanging_why"],
    cod_series: ["error_class", "error_message", "thumbnail_error_class", "thumbnail_error_message"],
  }
  for (const [table, columns] of Object.entries(texts)) {
    for (const column of columns) db.query(`update ${table} set ${column} = ? || ${column}`).run(ATTACK)
  }
  db.query("update objects set error_class = ? where error_class is not null").run(ATTACK)
  db.query("update runs set arguments = ?").run(JSON.stringify([ATTACK]))
  db.query("update studies set modalities = ?, standing_reason = ?").run(ATTACK, ATTACK)
}
