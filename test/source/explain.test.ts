import { afterAll, beforeAll, expect, test } from "bun:test"
import { bodyPartRow, practitionerRow, reportRow, seriesRow } from "../../lib/demo/pacs-rows.ts"
import { openPacs, type Pacs } from "../../lib/source/pacs.ts"
import { type TestPacs, testPacs } from "../support/pacs.ts"
import { type Differences, doctor, eligibleRows, together } from "../support/pacs-study.ts"

const CHOSEN = "00000000-0000-4000-8000-00000000000a"
const OTHER = "00000000-0000-4000-8000-00000000000b"
const CRITERIA = { toleratedModalities: ["SR"], chosen: [{ userId: CHOSEN, rank: 2 }] }

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

const explain = (id: string) => pacs.snapshot((snapshot) => snapshot.explain(id, CRITERIA))

async function explained(userId: string, differences: Differences = {}) {
  const rows = eligibleRows(userId, differences)
  await database.insert(rows)
  return { rows, ...(await explain(rows.pacs_studies[0]!.id)) }
}

test("an eligible study satisfies every rule, and the facts say by what", async () => {
  const { rows, rules, facts } = await explained(CHOSEN, {
    study: { modalities: " cr,SR", deleted: true },
    bodyPart: { name: "Tórax", identifier: "T-D3000" },
    report: { signed_at: "2025-03-01T08:15:00.123456+00:00" },
  })
  expect(Object.values(rules)).toEqual(Array(8).fill(true))
  expect(facts).toEqual({
    organizationId: rows.pacs_organizations[0]!.id,
    isDemo: false,
    migrated: false,
    deleted: true,
    hasDescription: true,
    chestWord: null,
    bodyParts: [{ name: "Tórax", identifier: "T-D3000", saysChest: true }],
    modalities: " cr,SR",
    otherModalities: [],
    reports: [{ status: "SIGNED", active: true, deleted: false, signer: "user", reports: 1 }],
    signers: [{ userId: CHOSEN, reports: 1, newestSignedAt: "2025-03-01T08:15:00.123456+00:00" }],
  })
})

test("every rule is judged, also those behind the first that fails", async () => {
  const { rules, facts } = await explained(OTHER, {
    organization: { is_demo: true },
    study: { modalities: "ct,Mr,cR", migrated: true },
    bodyPart: { name: "HAND" },
  })
  expect(rules).toEqual({
    exists: true,
    non_demo_organization: false,
    not_migrated: false,
    chest: false,
    has_cr_or_dx: true,
    no_other_modality: false,
    signed_report: true,
    chosen_doctor: false,
  })
  expect(facts).toMatchObject({ isDemo: true, migrated: true, otherModalities: ["CT", "MR"] })
})

test("of a description only the word that says chest is told", async () => {
  const { facts, rules } = await explained(CHOSEN, {
    study: { dicom_description: "RX TÓRAX de Juan Pérez" },
    bodyPart: { name: null },
  })
  expect(rules.chest).toBe(true)
  expect(facts?.chestWord).toBe("TÓRAX")
  expect(JSON.stringify(facts)).not.toContain("Juan")
})

test("reports are counted by all that decides whether they count, body parts told once", async () => {
  const { rows } = await explained(CHOSEN, { report: { deleted: true } })
  const study_id = rows.pacs_studies[0]!.id
  const nobody = practitionerRow({ user_id: null })
  const [body] = rows.pacs_body_part
  await database.insert({
    pacs_practitioners: [nobody],
    pacs_body_part: [bodyPartRow({ id: 9_001, name: "ABDOMEN" })],
    pacs_series: [
      seriesRow({ study_id, body_part_id: body!.id }),
      seriesRow({ study_id, body_part_id: 9_001 }),
      seriesRow({ study_id, body_part_id: null }),
    ],
    pacs_reports: [
      reportRow({ study_id, signed_by_id: nobody.id }),
      reportRow({ study_id, signed_by_id: null, status: "DRAFT" }),
      reportRow({ study_id, signed_by_id: null, status: "DRAFT" }),
      reportRow({ study_id, signed_by_id: rows.pacs_practitioners[0]!.id, is_active: false }),
    ],
  })
  const { rules, facts } = await explain(study_id)
  expect(rules).toMatchObject({ signed_report: false, chosen_doctor: false })
  expect(facts?.signers).toEqual([])
  expect(facts?.bodyParts.map(({ name, saysChest }) => [name, saysChest])).toEqual([
    ["ABDOMEN", false],
    ["CHEST", true],
  ])
  expect(facts?.reports).toEqual([
    { status: "DRAFT", active: true, deleted: false, signer: "nobody", reports: 2 },
    { status: "SIGNED", active: true, deleted: false, signer: "no user", reports: 1 },
    { status: "SIGNED", active: true, deleted: true, signer: "user", reports: 1 },
    { status: "SIGNED", active: false, deleted: false, signer: "user", reports: 1 },
  ])
})

test("a study without an organization or anything else is explained, too", async () => {
  const { rules, facts } = await explained(CHOSEN, {
    study: { organization_id: null, modalities: null, dicom_description: null },
    series: { body_part_id: null },
  })
  expect(rules).toMatchObject({ non_demo_organization: false, chest: false, has_cr_or_dx: false })
  expect(facts).toMatchObject({
    organizationId: null,
    isDemo: null,
    modalities: null,
    hasDescription: false,
    bodyParts: [],
  })
})

test.each(["00000000-0000-4000-8000-0000000000ff", "no id"])(
  "%s exists not: nothing else is judged",
  async (id) => {
    const { rules, facts } = await explain(id)
    expect(facts).toBeUndefined()
    expect(rules.exists).toBe(false)
    expect(Object.values(rules).filter((holds) => holds !== null)).toEqual([false])
  },
)
