import { expect, test } from "bun:test"
import fc from "fast-check"
import { openPacs, type Snapshot } from "../../lib/source/pacs.ts"
import { type Criteria, RULES, type SourceStudy } from "../../lib/source/rows.ts"
import { readEligible } from "../support/eligible.ts"
import { testPacs } from "../support/pacs.ts"
import { randomPacs, randomRules } from "./random-pacs.ts"
import { oracle } from "./rules-oracle.ts"

const RUNS = { numRuns: 150 }

test("the SQL decides as the plain statement of the rules does, whatever rows there are", async () => {
  await using database = await testPacs()
  await using pacs = openPacs(database.settings)
  const property = fc.asyncProperty(randomPacs(), randomRules, async (rows, rules) => {
    await database.clear()
    await database.insert(rows)
    const expected = oracle(rows, rules)
    await pacs.snapshot(async (snapshot) => {
      const survey = await snapshot.survey(rules)
      expect(survey.ranking).toEqual(expected.ranking)
      expect(survey.chosen).toEqual(expected.chosen)
      expect(survey.funnel).toEqual(expected.funnel)
      expect(await decisions(snapshot, survey)).toEqual(byId(expected.eligible))
      expect(await decisions(snapshot, survey, 2)).toEqual(byId(expected.eligible.slice(0, 2)))
      for (const [studyId, failed] of expected.failed) {
        const study = await snapshot.study(studyId, survey)
        expect("failed" in study ? study.failed : null).toBe(failed)
      }
      for (const [studyId, failed] of [...expected.failed].slice(0, 2)) {
        const { rules: held } = await snapshot.explain(studyId, survey)
        expect(RULES.find((rule) => held[rule] !== true) ?? null).toBe(failed)
      }
    })
  })
  await fc.assert(property, RUNS)
}, 60_000)

const byId = <T extends { readonly studyId: string }>(studies: readonly T[]) =>
  studies.toSorted((a, b) => (a.studyId < b.studyId ? -1 : 1))

async function decisions(snapshot: Snapshot, criteria: Criteria, limit?: number) {
  return (await readEligible(snapshot, criteria, limit)).map(decisionOf)
}

function decisionOf({ studyId, newestSignedAt, reports, images, imagesInDatabase }: SourceStudy) {
  return {
    studyId,
    newest: newestSignedAt ?? null,
    reports: reports.map(({ reportId, rank, signedAt }) => ({ reportId, rank, signedAt: signedAt ?? null })),
    images: images.map(({ imageId }) => imageId),
    imagesInDatabase,
  }
}
