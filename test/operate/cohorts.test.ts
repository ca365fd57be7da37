import { describe, expect, test } from "bun:test"
import { practitionerRow, reportRow } from "../../lib/demo/pacs-rows.ts"
import { openLedger } from "../../lib/ledger/open.ts"
import { cohortsOf, cohortsToCompare } from "../../lib/operate/cohorts.ts"
import { diffCohorts } from "../../lib/operate/cohorts-diff.ts"
import { renderCohortDiff, renderCohorts } from "../../lib/operate/cohorts-render.ts"
import { UsageError } from "../../lib/support/errors.ts"
import { DOCTOR } from "../support/chest.ts"
import { type Hospital, openHospital } from "../support/hospital.ts"
import { doctor } from "../support/pacs-study.ts"
import { documentOf, script } from "../support/scripts.ts"

const RIVAL = "0d0c0000-0000-4000-8000-000000000002"
const LONG_AGO = "2020-01-01T00:00:00Z"

/** Signed by the rival, who is nobody yet. */
async function admitOfRival(hospital: Hospital) {
  const study = await hospital.admit({ reports: [], practitioner: { user_id: null } })
  const signer = practitionerRow({ user_id: RIVAL })
  await hospital.pacs.insert({
    pacs_practitioners: [signer],
    pacs_reports: [reportRow({ study_id: study.studyId, signed_by_id: signer.id, signed_at: LONG_AGO })],
  })
  return study.studyId
}

/**
 * Three discoveries: two studies of a doctor; then one of them belongs to a demo organization and another was signed;
 * then a rival has taken the one chosen rank.
 */
async function threeCohorts() {
  const hospital = await openHospital()
  const { pacs } = hospital
  const [stays, demo] = [await hospital.admit(), await hospital.admit()]
  await hospital.discover()
  await pacs.sql`update pacs_organizations set is_demo = true where id = ${demo.organizationId}`
  const signed = await hospital.admit({
    reports: [{ signed_at: new Date(Date.now() + 60_000).toISOString() }],
  })
  await hospital.discover()
  await pacs.insert(doctor(RIVAL))
  const rivals = [await admitOfRival(hospital), await admitOfRival(hospital), await admitOfRival(hospital)]
  await hospital.discover()
  const ids = { stays: stays.studyId, demo: demo.studyId, signed: signed.studyId, rivals: rivals.sort() }
  return { hospital, ...ids, ledger: openLedger(hospital.ledgerPath, { readonly: true }) }
}

const moved = (moves: readonly { study_id: string; rule: string | null }[]) =>
  moves.map(({ study_id, rule }) => [study_id, rule])

describe("cohorts", () => {
  test("are listed with date, rules, parameters, chosen doctors and studies", async () => {
    const { hospital, ledger } = await threeCohorts()
    using _ = hospital
    using __ = ledger
    const cohorts = cohortsOf(ledger)
    expect(cohorts.map(({ cohort, eligible }) => [cohort, eligible])).toEqual([
      [1, 2],
      [2, 2],
      [3, 3],
    ])
    expect(cohorts[1]).toEqual({
      cohort: 2,
      decided_at: expect.stringMatching(/^20/),
      run: 2,
      script: "discover",
      rules_hash: expect.stringMatching(/^[0-9a-f]{16}$/),
      parameters: expect.objectContaining({ rank_from: 1, rank_to: 1, limit: null }),
      doctors: [{ rank: 1, user_id: DOCTOR, studies: 2 }],
      eligible: 2,
      changes: expect.objectContaining({ new: 1, unchanged: 1, withdrawn: 1 }),
    })
    const text = renderCohorts(cohorts)
    expect(text).toContain("ranks 1-1")
    expect(text).toContain("1 new, 1 withdrawn")
    expect(text).toContain("1:0d0c0000")
  })

  test("of a discovery that died are told as such", async () => {
    const { hospital, ledger } = await threeCohorts()
    using _ = hospital
    using __ = ledger
    using writing = openLedger(hospital.ledgerPath)
    writing.db.run("update cohorts set counts = null where cohort_id = 2")
    expect(cohortsOf(ledger)[1]?.changes).toBeNull()
    expect(renderCohorts(cohortsOf(ledger))).toContain("did not end")
  })
})

describe("the difference of two cohorts", () => {
  test("names studies that came and went with the rule that decided", async () => {
    const { hospital, ledger, stays, demo, signed, rivals } = await threeCohorts()
    using _ = hospital
    using __ = ledger
    const first = diffCohorts(ledger, 1, 2)
    expect(moved(first.studies.came)).toEqual([[signed, "signed_report"]])
    expect(moved(first.studies.went)).toEqual([[demo, "non_demo_organization"]])
    const second = diffCohorts(ledger, 2, 3)
    expect(moved(second.studies.came)).toEqual(rivals.map((id) => [id, "chosen_doctor"]))
    expect(moved(second.studies.went)).toEqual([stays, signed].sort().map((id) => [id, "chosen_doctor"]))
  })

  test("over several nights counts a study that came and went in between as neither", async () => {
    const { hospital, ledger, stays, demo, signed, rivals } = await threeCohorts()
    using _ = hospital
    using __ = ledger
    const { came, went } = diffCohorts(ledger, 1, 3).studies
    expect(came.map(({ study_id }) => study_id)).toEqual(rivals)
    expect(went.map(({ study_id }) => study_id)).toEqual([stays, demo].sort())
    expect([...came, ...went].map(({ study_id }) => study_id)).not.toContain(signed)
  })

  test("backwards is the same the other way round, and of a cohort with itself nothing", async () => {
    const { hospital, ledger, demo, signed } = await threeCohorts()
    using _ = hospital
    using __ = ledger
    const { came, went } = diffCohorts(ledger, 2, 1).studies
    expect(moved(came)).toEqual([[demo, "non_demo_organization"]])
    expect(moved(went)).toEqual([[signed, "signed_report"]])
    expect(diffCohorts(ledger, 2, 2)).toMatchObject({ parameters: [], studies: { came: [], went: [] } })
  })

  test("names doctors that came, went and stayed, with their ranks then and now", async () => {
    const { hospital, ledger } = await threeCohorts()
    using _ = hospital
    using __ = ledger
    expect(diffCohorts(ledger, 1, 2).doctors).toMatchObject([{ user_id: DOCTOR, change: "stayed" }])
    expect(diffCohorts(ledger, 2, 3).doctors).toEqual([
      { user_id: RIVAL, change: "came", from_rank: null, to_rank: 1, from_studies: 0, to_studies: 3 },
      { user_id: DOCTOR, change: "went", from_rank: 1, to_rank: 2, from_studies: 2, to_studies: 2 },
    ])
    // Ranked before, and not chosen: the doctor comes all the same.
    expect(diffCohorts(ledger, 3, 2).doctors).toMatchObject([
      { user_id: DOCTOR, change: "came", from_rank: 2, to_rank: 1 },
      { user_id: RIVAL, change: "went", from_rank: 1, to_rank: null },
    ])
  })

  test("names parameters that were given differently", async () => {
    using hospital = await openHospital()
    const studies = [await hospital.admit(), await hospital.admit()]
    await hospital.discover({ limit: 1 })
    hospital.env.RANK_TO = "3"
    await hospital.discover()
    using ledger = openLedger(hospital.ledgerPath, { readonly: true })
    const diff = diffCohorts(ledger, 1, 2)
    expect(diff.parameters).toEqual([
      { name: "rank_to", from: 1, to: 3 },
      { name: "limit", from: 1, to: null },
    ])
    expect(diff.same_rules).toBe(true)
    expect(studies.map(({ studyId }) => studyId)).toContain(diff.studies.came[0]!.study_id)
    expect(diff.studies.came).toMatchObject([{ rule: null, why: "cohort 1 did not look at every study" }])
    expect(renderCohortDiff(diff)).toContain("limit: 1 became none")
  })

  test("is printed in words and as a document", async () => {
    const { hospital, ledger, rivals } = await threeCohorts()
    using _ = hospital
    ledger[Symbol.dispose]()
    const words = await script(hospital, "cohorts", "diff", "2", "3")
    expect({ exitCode: words.exitCode, stderr: words.stderr }).toEqual({ exitCode: 0, stderr: "" })
    expect(words.stdout).toContain("3 studies came\n  3  chosen_doctor: cohort 2 had not chosen its doctor")
    expect(words.stdout).toContain(`  ${rivals[0]}  chosen_doctor`)
    const document = documentOf(await script(hospital, "cohorts", "diff", "2", "3", "--json"))
    expect(Object.keys(document)).toEqual(["from", "to", "same_rules", "parameters", "doctors", "studies"])
  })

  test("of a cohort that the ledger does not know is a usage error", async () => {
    const { hospital, ledger } = await threeCohorts()
    using _ = hospital
    using __ = ledger
    expect(() => diffCohorts(ledger, 1, 9)).toThrow(UsageError)
  })
})

test.each([
  [["diff"]],
  [["diff", "1"]],
  [["diff", "1", "2", "3"]],
  [["diff", "1", "x"]],
  [["show", "1", "2"]],
])("the words %p are a usage error", (words) => {
  expect(() => cohortsToCompare(words)).toThrow(UsageError)
})
