import { afterAll, beforeAll, expect, test } from "bun:test"
import { openPacs, type Pacs, type PacsSettings } from "../../lib/source/pacs.ts"
import type { Rule } from "../../lib/source/rows.ts"
import { type TestPacs, testPacs } from "../support/pacs.ts"
import { type Differences, doctor, eligibleRows, together } from "../support/pacs-study.ts"

const CHOSEN = "00000000-0000-4000-8000-000000000001"
const OTHER = "00000000-0000-4000-8000-000000000002"
const CRITERIA = { toleratedModalities: ["SR", "pr"], chosen: [{ userId: CHOSEN, rank: 2 }] }

let database: TestPacs
let pacs: Pacs

beforeAll(async () => {
  database = await testPacs()
  await database.insert(together(doctor(CHOSEN), doctor(OTHER)))
  pacs = openPacs(database.settings)
})

afterAll(async () => {
  await pacs.close()
  await database[Symbol.asyncDispose]()
})

/**
 * The first rule that a study fails which differs thus from an eligible one; null when it still is eligible.
 */
async function failedBy(differences: Differences): Promise<Rule | null> {
  const rows = eligibleRows(CHOSEN, differences)
  await database.insert(rows)
  const id = rows.pacs_studies[0]!.id
  const study = await pacs.snapshot((snapshot) => snapshot.study(id, CRITERIA))
  return "failed" in study ? study.failed : null
}

const CASES: readonly [name: string, differences: Differences, failed: Rule | null][] = [
  ["a chest study with DX and a report signed by a chosen doctor is eligible", {}, null],
  ["a study of a demo organization", { organization: { is_demo: true } }, "non_demo_organization"],
  ["a study without an organization", { study: { organization_id: null } }, "non_demo_organization"],
  ["a migrated study", { study: { migrated: true } }, "not_migrated"],
  ["a deleted study is eligible: that is no rule", { study: { deleted: true } }, null],
  ["a study that nothing calls a chest", { bodyPart: { name: "KNEE" } }, "chest"],
  [
    "a body part that is a chest by its identifier",
    { bodyPart: { name: null, identifier: "XCHESTX" } },
    null,
  ],
  [
    "a study that only its description calls a chest",
    { bodyPart: { name: "KNEE" }, study: { dicom_description: "rx torax" } },
    null,
  ],
  [
    "a study without body part and description",
    { series: { body_part_id: null }, study: { dicom_description: null } },
    "chest",
  ],
  ["a series of another modality can name the chest", { series: { modality: "SR" } }, null],
  ["modality CR", { study: { modalities: "CR" } }, null],
  ["modalities CR and DX", { study: { modalities: "CR,DX" } }, null],
  [
    "modalities in lower case, with spaces and empty members",
    { study: { modalities: " cr ,, d x\n," } },
    null,
  ],
  ["modality PX, which counts for the ranking alone", { study: { modalities: "PX" } }, "has_cr_or_dx"],
  ["no modality", { study: { modalities: null } }, "has_cr_or_dx"],
  ["an empty list of modalities", { study: { modalities: " , " } }, "has_cr_or_dx"],
  ["a modality that merely begins with CR", { study: { modalities: "CRX" } }, "has_cr_or_dx"],
  ["a tolerated modality alone", { study: { modalities: "SR" } }, "has_cr_or_dx"],
  ["DX beside a modality that nobody tolerates", { study: { modalities: "DX,CT" } }, "no_other_modality"],
  ["DX beside PX", { study: { modalities: "DX,PX" } }, "no_other_modality"],
  ["DX beside tolerated modalities", { study: { modalities: "DX, sr,PR" } }, null],
  ["a draft", { report: { status: "DRAFT" } }, "signed_report"],
  ["a status that is SIGNED in lower case", { report: { status: "signed" } }, "signed_report"],
  ["a report that is not active", { report: { is_active: false } }, "signed_report"],
  ["a deleted report", { report: { deleted: true } }, "signed_report"],
  ["a report without signer", { report: { signed_by_id: null } }, "signed_report"],
  ["a signer who belongs to no user", { practitioner: { user_id: null } }, "signed_report"],
  ["a signer who is not chosen", { practitioner: { user_id: OTHER } }, "chosen_doctor"],
  ["a report without date", { report: { signed_at: null } }, null],
]

test.each(CASES)("%s", async (_name, differences, failed) => {
  expect(await failedBy(differences)).toBe(failed)
})

const CHESTS = [
  "chest",
  "CHEST",
  "RX TORAX AP",
  "Thorax",
  "Pecho",
  "peito",
  "Tórax",
  "TÓRAX",
  "To\u0301rax",
  "TO\u0301RAX",
  "tòrâx",
  "T\u0308hȌrǎX\u0327",
  "çhešṫ",
  "mediotoraxico",
  "'; drop table pacs_studies; -- tórax",
  "line\nbreak\tthorax % _ \\ 🫁",
]

test.each(CHESTS)("%j is a chest", async (dicom_description) => {
  expect(await failedBy({ bodyPart: { name: "KNEE" }, study: { dicom_description } })).toBeNull()
  expect(await failedBy({ bodyPart: { name: dicom_description } })).toBeNull()
})

const NO_CHESTS = ["", "ches", "tor ax", "t0rax", "peito".split("").reverse().join(""), "tоrax", "%", "🫁"]

test.each(NO_CHESTS)("%j is no chest", async (dicom_description) => {
  expect(await failedBy({ bodyPart: { name: "KNEE" }, study: { dicom_description } })).toBe("chest")
})

test("an id that the database does not have, or that is none, fails the rule `exists`", async () => {
  const failed = (id: string) => pacs.snapshot((snapshot) => snapshot.study(id, CRITERIA))
  expect(await failed(crypto.randomUUID())).toEqual({ failed: "exists" })
  expect(await failed("'; drop table pacs_studies --")).toEqual({ failed: "exists" })
})

test("accents are told in a database whose encoding has no combining marks", async () => {
  await using latin1 = await testPacs("LATIN1")
  const chest = eligibleRows(CHOSEN, { bodyPart: { name: "TÓRAX" } })
  const skull = eligibleRows(CHOSEN, { bodyPart: { name: "CRÁNEO" } })
  await latin1.insert(together(doctor(CHOSEN), chest, skull))
  const survey = await surveyOf(latin1.settings)
  expect(survey.funnel.find(({ rule }) => rule === "chest")?.studies).toBe(1)
})

async function surveyOf(settings: PacsSettings) {
  await using own = openPacs(settings)
  return await own.snapshot((snapshot) =>
    snapshot.survey({ rankFrom: 1, rankTo: 1, toleratedModalities: [] }),
  )
}
