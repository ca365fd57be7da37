import type { Snapshot } from "../../lib/source/pacs.ts"
import type { Criteria, EligibleStudy, SourceStudy } from "../../lib/source/rows.ts"

/** What a discovery with these doctors finds eligible, in the order of the ids, and what it reads of each. */
export async function readEligible(
  snapshot: Snapshot,
  criteria: Criteria,
  limit?: number,
): Promise<SourceStudy[]> {
  const ids = (await findEligible(snapshot, criteria, limit)).map(({ studyId }) => studyId)
  const pages = Array.from({ length: Math.ceil(ids.length / 700) }, (_, n) =>
    ids.slice(n * 700, (n + 1) * 700),
  )
  return (await Array.fromAsync(snapshot.studies(pages, criteria))).flat()
}

/** The same studies as the survey tells them. */
export async function findEligible(
  snapshot: Snapshot,
  { chosen, toleratedModalities }: Criteria,
  limit?: number,
): Promise<EligibleStudy[]> {
  const ranking = chosen.map((doctor) => ({ ...doctor, studies: 0 }))
  const found: EligibleStudy[] = []
  await snapshot.survey(
    { rankFrom: 1, rankTo: 1, toleratedModalities, pinned: { ranking, chosen: ranking } },
    { limit, each: (studies) => found.push(...studies) },
  )
  return found
}
