import { expect, test } from "bun:test"
import { DOCTOR } from "../../support/chest.ts"
import { type Hospital, openHospital } from "../../support/hospital.ts"
import { doctor } from "../../support/pacs-study.ts"
import { documentOf, script } from "../../support/scripts.ts"

const OTHER = "0d0c0000-0000-4000-8000-000000000002"

const by = (user_id: string) => ({ practitioner: { user_id } })

/** One study by the doctor who leads the ranking, discovered; then the other takes the lead with two. */
async function overtaken(): Promise<Hospital> {
  const hospital = await openHospital()
  await hospital.pacs.insert(doctor(OTHER))
  await hospital.admit(by(DOCTOR))
  await hospital.discover()
  await hospital.admit(by(OTHER))
  await hospital.admit(by(OTHER))
  return hospital
}

const funnelEnd = ({ funnel }: { readonly funnel: readonly { readonly studies: number }[] }) =>
  funnel.at(-1)!.studies

test("a pinned discovery takes the doctors of that cohort, with its ranking, and says so", async () => {
  using hospital = await overtaken()
  hospital.env.COHORT_PIN = "1"
  // Pinned, the ranks of the configuration say nothing.
  Object.assign(hospital.env, { RANK_FROM: "5", RANK_TO: "6" })
  const report = await hospital.discover()
  expect(report).toMatchObject({
    cohort: 2,
    pinned: { cohort: 1, from: 1, to: 1 },
    ranking: [{ rank: 1, user_id: DOCTOR, studies: 1 }],
    studies: { new: 0, unchanged: 1, out_of_cohort: 0, withdrawn: 0, eligible: 1 },
  })
  expect(funnelEnd(report)).toBe(1)
  expect(
    hospital.rows(
      `select cohort_id, rank, user_id, chosen, parameters ->> 'pinned_cohort' as pin,
         parameters ->> 'rank_from' as rank_from
       from doctors join cohorts using (cohort_id) order by 1`,
    ),
  ).toEqual([
    { cohort_id: 1, rank: 1, user_id: DOCTOR, chosen: 1, pin: null, rank_from: 1 },
    { cohort_id: 2, rank: 1, user_id: DOCTOR, chosen: 1, pin: 1, rank_from: 1 },
  ])
})

test("without the pin the ranking is made anew", async () => {
  using hospital = await overtaken()
  const report = await hospital.discover()
  expect(report.pinned).toBeUndefined()
  expect(report.ranking.map(({ user_id }) => user_id)).toEqual([OTHER, DOCTOR])
  expect(report.studies).toMatchObject({ new: 2, out_of_cohort: 1, eligible: 2 })
})

test("--pin-cohort wins over COHORT_PIN, for discover, its dry run, and run", async () => {
  using hospital = await overtaken()
  await hospital.discover()
  hospital.env.COHORT_PIN = "2"
  const dry = documentOf(await script(hospital, "discover", "--dry-run", "--json", "--pin-cohort", "1"))
  expect(dry).toMatchObject({ cohort: null, pinned: { cohort: 1 }, studies: { eligible: 1, changed: 1 } })
  expect(documentOf(await script(hospital, "discover", "--dry-run", "--json"))).toMatchObject({
    pinned: { cohort: 2 },
    studies: { eligible: 2 },
  })
  const { exitCode, stdout } = await script(hospital, "run", "--pin-cohort", "1")
  expect(exitCode).toBe(0)
  expect(stdout).toContain("Ranking of cohort 1, which is pinned (* chosen)")
  expect(stdout).toContain(`1 *   ${DOCTOR}`)
  expect(
    hospital.rows("select parameters ->> 'pinned_cohort' as pin from cohorts where cohort_id = 3"),
  ).toEqual([{ pin: 1 }])
})

test("a pin on a cohort that the ledger does not have is a usage error, and records nothing", async () => {
  using hospital = await overtaken()
  for (const [name, ...words] of [["discover"], ["discover", "--dry-run"], ["run"], ["schedule"]] as const) {
    const { exitCode, stderr } = await script(hospital, name, ...words, "--pin-cohort", "7")
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining("the ledger has no cohort 7")])
  }
  expect(hospital.rows("select 1 from runs")).toHaveLength(1)
})
