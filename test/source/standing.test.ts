import { afterAll, beforeAll, expect, test } from "bun:test"
import { practitionerRow, reportRow } from "../../lib/demo/pacs-rows.ts"
import { openPacs, type Pacs } from "../../lib/source/pacs.ts"
import { type TestPacs, testPacs } from "../support/pacs.ts"
import { type Differences, doctor, eligibleRows, together } from "../support/pacs-study.ts"

const CHOSEN = "00000000-0000-4000-8000-00000000000a"
const FALLEN = "00000000-0000-4000-8000-00000000000b"
const CRITERIA = { toleratedModalities: [], chosen: [{ userId: CHOSEN, rank: 2 }] }

let database: TestPacs
let pacs: Pacs

beforeAll(async () => {
  database = await testPacs()
  await database.insert(together(doctor(CHOSEN), doctor(FALLEN)))
  pacs = openPacs(database.settings)
})

afterAll(async () => {
  await pacs.close()
  await database[Symbol.asyncDispose]()
})

/** A study as it is now, of which the ledger holds the one report that it has. */
async function knownStudy(userId: string, differences: Differences = {}) {
  const rows = eligibleRows(userId, differences)
  await database.insert(rows)
  return { studyId: rows.pacs_studies[0]!.id, reportIds: rows.pacs_reports.map(({ id }) => id) }
}

function standingsOf(known: readonly { studyId: string; reportIds: readonly string[] }[]) {
  return pacs.snapshot((snapshot) => snapshot.standings(known, CRITERIA))
}

test("a study that satisfies every rule stands as eligible", async () => {
  const known = await knownStudy(CHOSEN)
  expect(await standingsOf([known])).toEqual([{ studyId: known.studyId, standing: "eligible" }])
})

test("a study whose doctor is no longer chosen is out of the cohort", async () => {
  const known = await knownStudy(FALLEN)
  expect(await standingsOf([known])).toEqual([
    { studyId: known.studyId, standing: "out_of_cohort", failed: "chosen_doctor" },
  ])
})

test("a study is withdrawn when its report is, though a doctor who is not chosen signed another", async () => {
  const { studyId, reportIds } = await knownStudy(CHOSEN, { report: { deleted: true } })
  const fallen = practitionerRow({ user_id: FALLEN })
  await database.insert({
    pacs_practitioners: [fallen],
    pacs_reports: [reportRow({ study_id: studyId, signed_by_id: fallen.id })],
  })
  expect(await standingsOf([{ studyId, reportIds }])).toEqual([
    { studyId, standing: "withdrawn", failed: "chosen_doctor" },
  ])
})

test("a study that changed itself is withdrawn, whoever is chosen", async () => {
  const known = [
    await knownStudy(FALLEN, { study: { modalities: "CT" } }),
    await knownStudy(CHOSEN, { bodyPart: { name: "HAND" } }),
    await knownStudy(CHOSEN, { organization: { is_demo: true } }),
    await knownStudy(CHOSEN, { study: { migrated: true } }),
    await knownStudy(FALLEN, { report: { status: "DRAFT" } }),
    { studyId: crypto.randomUUID(), reportIds: [crypto.randomUUID()] },
  ]
  const standings = await standingsOf(known)
  expect(standings.map(({ studyId }) => studyId)).toEqual(known.map(({ studyId }) => studyId))
  expect(standings.map((study) => (study.standing === "withdrawn" ? study.failed : study.standing))).toEqual([
    "has_cr_or_dx",
    "chest",
    "non_demo_organization",
    "not_migrated",
    "signed_report",
    "exists",
  ])
})

test("no study at all is a question with an answer", async () => {
  expect(await standingsOf([])).toEqual([])
})
