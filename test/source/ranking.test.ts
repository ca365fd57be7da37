import { expect, test } from "bun:test"
import { type PacsRows, practitionerRow, reportRow } from "../../lib/demo/pacs-rows.ts"
import { openPacs } from "../../lib/source/pacs.ts"
import type { Rules } from "../../lib/source/rows.ts"
import { testPacs } from "../support/pacs.ts"
import { type Differences, doctor, eligibleRows, together } from "../support/pacs-study.ts"

const user = (n: number) => `00000000-0000-4000-8000-00000000000${n}`
const RULES: Rules = { rankFrom: 2, rankTo: 3, toleratedModalities: [] }

async function surveyOf(rows: PacsRows, rules = RULES) {
  await using database = await testPacs()
  await database.insert(rows)
  await using pacs = openPacs(database.settings)
  return await pacs.snapshot((snapshot) => snapshot.survey(rules))
}

/** As many signed chest studies of a user's. */
function signed(userId: string, studies: number, differences: Differences = {}) {
  return together(...Array.from({ length: studies }, () => eligibleRows(userId, differences)))
}

test("doctors are ranked by their signed chest studies, ties by the smaller user id", async () => {
  const rows = [signed(user(3), 2), signed(user(1), 1), signed(user(2), 2), signed(user(4), 3)]
  const survey = await surveyOf(together(...[1, 2, 3, 4].map((n) => doctor(user(n))), ...rows))
  expect(survey.ranking).toEqual([
    { rank: 1, userId: user(4), studies: 3 },
    { rank: 2, userId: user(2), studies: 2 },
    { rank: 3, userId: user(3), studies: 2 },
    { rank: 4, userId: user(1), studies: 1 },
  ])
  expect(survey.chosen.map(({ userId }) => userId)).toEqual([user(2), user(3)])
})

test("a user's practitioners count together, and a study counts once for each user who signed it", async () => {
  const rows = eligibleRows(user(1))
  const [study] = rows.pacs_studies
  const alias = practitionerRow({ user_id: user(1) })
  const colleague = practitionerRow({ user_id: user(2) })
  const nobody = practitionerRow({ user_id: null })
  const reports = [alias, colleague, nobody].map(({ id }) =>
    reportRow({ study_id: study!.id, signed_by_id: id }),
  )
  const { ranking } = await surveyOf(
    together(doctor(user(1)), doctor(user(2)), rows, {
      pacs_practitioners: [alias, colleague, nobody],
      pacs_reports: reports,
    }),
  )
  expect(ranking).toEqual([
    { rank: 1, userId: user(1), studies: 1 },
    { rank: 2, userId: user(2), studies: 1 },
  ])
})

const COUNTED: readonly [name: string, differences: Differences][] = [
  ["a study with PX", { study: { modalities: "px" } }],
  ["a study that has CR beside anything else", { study: { modalities: "CT, CR" } }],
  ["a deleted study", { study: { deleted: true } }],
]

const NOT_COUNTED: readonly [name: string, differences: Differences][] = [
  ["a study with neither CR, DX nor PX", { study: { modalities: "CT" } }],
  ["a migrated study", { study: { migrated: true } }],
  ["a study of a demo organization", { organization: { is_demo: true } }],
  ["a study without an organization", { study: { organization_id: null } }],
  ["a study of something else than the chest", { bodyPart: { name: "HAND" } }],
  ["a draft", { report: { status: "DRAFT" } }],
  ["an inactive report", { report: { is_active: false } }],
  ["a deleted report", { report: { deleted: true } }],
]

async function timesCounted(differences: Differences): Promise<number> {
  const { ranking } = await surveyOf(together(doctor(user(1)), eligibleRows(user(1), differences)))
  return ranking.reduce((sum, { studies }) => sum + studies, 0)
}

test.each(COUNTED)("%s counts for the ranking", async (_name, differences) => {
  expect(await timesCounted(differences)).toBe(1)
})

test.each(NOT_COUNTED)("%s does not count for the ranking", async (_name, differences) => {
  expect(await timesCounted(differences)).toBe(0)
})

test("the funnel tells what each rule leaves, tolerated modalities in a line of their own", async () => {
  const rows = together(
    doctor(user(1)),
    doctor(user(2)),
    signed(user(1), 3),
    signed(user(2), 1),
    eligibleRows(user(2), { study: { modalities: "DX,SR" } }),
    eligibleRows(user(2), { study: { modalities: "DX,CT" } }),
    eligibleRows(user(2), { study: { modalities: "CT" } }),
    eligibleRows(user(2), { organization: { is_demo: true } }),
    eligibleRows(user(2), { study: { migrated: true } }),
    eligibleRows(user(2), { bodyPart: { name: "HAND" } }),
    eligibleRows(user(2), { report: { status: "DRAFT" } }),
  )
  const left = async (toleratedModalities: string[]) => {
    const { funnel } = await surveyOf(rows, { ...RULES, toleratedModalities })
    return funnel.map(({ rule, studies }) => `${rule} ${studies}`)
  }
  expect(await left(["SR"])).toEqual([
    "exists 11",
    "non_demo_organization 10",
    "not_migrated 9",
    "chest 8",
    "has_cr_or_dx 7",
    "no_other_modality 6",
    "signed_report 5",
    "chosen_doctor 2",
  ])
  expect((await left([])).slice(5)).toEqual(["no_other_modality 5", "signed_report 4", "chosen_doctor 1"])
})

test("an empty database has an empty ranking, and no rule leaves a study", async () => {
  const survey = await surveyOf(together())
  expect(survey.ranking).toEqual([])
  expect(survey.funnel.map(({ studies }) => studies)).toEqual([0, 0, 0, 0, 0, 0, 0, 0])
})
