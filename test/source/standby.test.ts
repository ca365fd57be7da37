import { afterAll, beforeAll, expect, test } from "bun:test"
import { asAdmin } from "../../lib/demo/pacs-database.ts"
import { insertRows } from "../../lib/demo/pacs-rows.ts"
import { connect, readOnly } from "../../lib/source/connection.ts"
import { SnapshotLost } from "../../lib/source/errors.ts"
import { openPacs, type PacsSettings } from "../../lib/source/pacs.ts"
import { readEligible } from "../support/eligible.ts"
import { type PrimaryAndStandby, primaryAndStandby } from "../support/pacs-standby.ts"
import { doctor, eligibleRows, together } from "../support/pacs-study.ts"

const ANNA = "00000000-0000-4000-8000-00000000000a"
const RULES = { rankFrom: 1, rankTo: 1, toleratedModalities: [] }
const LIMITS = { connectMs: 10_000, statementMs: 60_000, closeMs: 1_000 }

let pair: PrimaryAndStandby
let settings: PacsSettings

beforeAll(async () => {
  pair = await primaryAndStandby()
  const { database, ...access } = pair.access
  settings = { ...access, name: database, port: pair.standby.port, sslMode: "disable" }
}, 30_000)

afterAll(() => pair[Symbol.asyncDispose](), 30_000)

async function insertStudy() {
  await asAdmin(pair.primary, "pacs", (sql) => insertRows(sql, together(doctor(ANNA), eligibleRows(ANNA))))
  await pair.replayed()
}

/** Removes all rows for good, also for those who still see them on the standby. */
async function removeRows() {
  await asAdmin(pair.primary, "pacs", async (sql) => {
    await sql`truncate pacs_practitioners, pacs_users, pacs_organizations, pacs_body_part, pacs_reports, pacs_images,
      pacs_series, pacs_studies`
  })
  await pair.replayed()
}

test("all questions are answered by a standby", async () => {
  await insertStudy()
  await using pacs = openPacs(settings)
  await pacs.snapshot(async (snapshot) => {
    const survey = await snapshot.survey(RULES)
    expect(await readEligible(snapshot, survey)).toHaveLength(1)
  })
  await removeRows()
})

test("a snapshot that is in the way of the replay is begun anew", async () => {
  await insertStudy()
  const retries: string[] = []
  await using pacs = openPacs(settings, {
    retry: { retries: 3, minTimeoutMs: 1 },
    onRetry: ({ error }) => retries.push(error.name),
  })
  const studies = await pacs.snapshot(async (snapshot) => {
    await snapshot.survey(RULES)
    if (retries.length === 0) await removeRows()
    return (await snapshot.survey(RULES)).funnel[0]?.studies
  })
  expect(retries).toHaveLength(1)
  expect(studies).toBe(0)
})

test("a statement that is in the way of the replay is a lost snapshot", async () => {
  await insertStudy()
  const client = connect(settings, LIMITS, 1)
  const reading = readOnly(client, settings, LIMITS, async ({ sql, run }) => {
    await run(sql`select from pacs_studies`)
    const sleeping = run(sql`select pg_sleep(50)`)
    await Promise.race([sleeping, removeRows()])
    await sleeping
  })
  const error = await reading.catch((error) => error)
  expect(error).toBeInstanceOf(SnapshotLost)
  expect(error.verdict).toBe("retry")
  await client.end({ timeout: 1 })
})
