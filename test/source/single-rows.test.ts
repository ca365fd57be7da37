import { afterAll, beforeAll, expect, test } from "bun:test"
import type { ReportRow } from "../../lib/demo/pacs-rows.ts"
import { openPacs, type Pacs } from "../../lib/source/pacs.ts"
import { type TestPacs, testPacs } from "../support/pacs.ts"
import { doctor, eligibleRows, together } from "../support/pacs-study.ts"

const ANNA = "00000000-0000-4000-8000-00000000000a"
const BERT = "00000000-0000-4000-8000-00000000000b"

let database: TestPacs
let pacs: Pacs

beforeAll(async () => {
  database = await testPacs()
  await database.insert(together(doctor(ANNA), doctor(BERT)))
  pacs = openPacs(database.settings)
})

afterAll(async () => {
  await pacs.close()
  await database[Symbol.asyncDispose]()
})

async function contentOf(report: Partial<ReportRow>): Promise<string | undefined> {
  const rows = eligibleRows(ANNA, { report })
  await database.insert(rows)
  return await pacs.reportContent(rows.pacs_reports[0]!.id)
}

test("a report's text comes as it is", async () => {
  const content = `Sin hallazgos.\r\n\t"Tórax" 'normal' 100 % \\ 🫁\n`
  expect(await contentOf({ content })).toBe(content)
})

test("a report without text has none, and neither has an empty one", async () => {
  expect(await contentOf({ content: null })).toBeUndefined()
  expect(await contentOf({ content: "" })).toBeUndefined()
})

test("the text of a report that counts no longer is not given", async () => {
  expect(await contentOf({ content: "text", deleted: true })).toBeUndefined()
  expect(await contentOf({ content: "text", is_active: false })).toBeUndefined()
  expect(await contentOf({ content: "text", status: "DRAFT" })).toBeUndefined()
  expect(await contentOf({ content: "text", signed_by_id: null })).toBeUndefined()
})

test("a report that the database does not have is undefined, also when the id is none", async () => {
  expect(await pacs.reportContent(crypto.randomUUID())).toBeUndefined()
  expect(await pacs.reportContent("' or true --")).toBeUndefined()
})

test("a study is told for other doctors than those who are chosen now, eligible or not", async () => {
  const rows = eligibleRows(BERT, { study: { modalities: "CT" } })
  await database.insert(rows)
  const study = await pacs.study(rows.pacs_studies[0]!.id, [{ userId: BERT, rank: 9 }])
  expect(study?.reports).toMatchObject([{ userId: BERT, rank: 9 }])
  expect((await pacs.study(rows.pacs_studies[0]!.id, [{ userId: ANNA, rank: 2 }]))?.reports).toEqual([])
})

test("a study that has gone, or lost its organization, is undefined", async () => {
  const rows = eligibleRows(ANNA, { study: { organization_id: null } })
  await database.insert(rows)
  expect(await pacs.study(rows.pacs_studies[0]!.id, [])).toBeUndefined()
  expect(await pacs.study(crypto.randomUUID(), [])).toBeUndefined()
  expect(await pacs.study("no id", [])).toBeUndefined()
})

test("many questions at once are answered over a few connections", async () => {
  const rows = eligibleRows(ANNA, { report: { content: "text" } })
  await database.insert(rows)
  const id = rows.pacs_reports[0]!.id
  const answers = await Promise.all(Array.from({ length: 40 }, () => pacs.reportContent(id)))
  expect(new Set(answers)).toEqual(new Set(["text"]))
  const [row] = await database.sql<{ connections: number }[]>`
    select count(*)::integer as connections from pg_stat_activity
    where usename = ${database.settings.user} and datname = ${database.settings.name}`
  expect(row?.connections).toBeLessThanOrEqual(4)
})

test("waiting for a turn is not taken for the silence of the database", async () => {
  const limits = { connectMs: 300 }
  await using patient = openPacs(database.settings, { limits, retry: { retries: 0, minTimeoutMs: 0 } })
  const ask = () => Array.from({ length: 8 }, () => patient.study(crypto.randomUUID(), []))
  await Promise.all(ask())
  const asked = await database.sql.begin(async (tx) => {
    await tx`lock table pacs_studies in access exclusive mode`
    const answers = Promise.allSettled(ask())
    // Longer than a connection may take.
    await tx`select pg_sleep(0.7)`
    return { answers }
  })
  const outcomes = await asked.answers
  expect(outcomes.filter(({ status }) => status === "rejected")).toEqual([])
})
