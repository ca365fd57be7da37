import type { Reading } from "./connection.ts"
import { type Criteria, RULES, type Rule } from "./rows.ts"
import {
  allowedModalities,
  chestBySeries,
  chestWordIn,
  type OwnRule,
  ownRules,
  saysChest,
  signedReports,
  studiesToJudge,
} from "./rules.ts"
import { canonicalUuid, uuidArray } from "./uuid.ts"

/** Every rule held against one study, also those behind the first that fails, with the facts that decide. */
export interface Explanation {
  /** In the order of the rules; `null` where there is no study to hold it against. */
  readonly rules: Readonly<Record<Rule, boolean | null>>
  /** Undefined when the database has no such study. */
  readonly facts: StudyFacts | undefined
}

/** What the rules look at. No names, no free text but the word in it that says chest. */
export interface StudyFacts {
  readonly organizationId: string | null
  /** Null without an organization. */
  readonly isDemo: boolean | null
  readonly migrated: boolean
  /** No rule looks at it. */
  readonly deleted: boolean
  readonly hasDescription: boolean
  /** The chest word as the description has it. */
  readonly chestWord: string | null
  /** The different ones of its series, as the catalogue of body parts has them. */
  readonly bodyParts: readonly BodyPart[]
  /** As the database has it, for example `CR, dx`. */
  readonly modalities: string | null
  /** Those of them that are neither CR nor DX nor tolerated. */
  readonly otherModalities: readonly string[]
  readonly reports: readonly ReportGroup[]
  /** Of the reports that count, in the order of their ids. */
  readonly signers: readonly Signer[]
}

export interface BodyPart {
  readonly name: string | null
  readonly identifier: string | null
  readonly saysChest: boolean
}

/** Reports that are alike in all that decides whether they count. */
export interface ReportGroup {
  readonly status: string
  readonly active: boolean
  readonly deleted: boolean
  /** Who signed: `user`, a practitioner without one, or nobody. */
  readonly signer: "user" | "no user" | "nobody"
  readonly reports: number
}

export interface Signer {
  readonly userId: string
  /** That count. */
  readonly reports: number
  readonly newestSignedAt: string | null
}

/** Holds every rule against one study. @throws DatabaseError */
export async function explainStudy(
  reading: Reading,
  studyId: string,
  { chosen, toleratedModalities }: Criteria,
): Promise<Explanation> {
  const id = canonicalUuid(studyId)
  const row = id === undefined ? undefined : await readStudy(reading, id, toleratedModalities)
  if (id === undefined || row === undefined) return { rules: NOTHING_TO_JUDGE, facts: undefined }
  const [bodyParts, reports, signers] = await Promise.all([
    readBodyParts(reading, id),
    readReports(reading, id),
    readSigners(reading, id),
  ])
  const isChosen = (userId: string) => chosen.some((doctor) => doctor.userId === userId)
  return {
    rules: {
      exists: true,
      ...row.rules,
      signed_report: signers.length > 0,
      chosen_doctor: signers.some(({ userId }) => isChosen(userId)),
    },
    facts: { ...row.facts, bodyParts, reports, signers },
  }
}

const NOTHING_TO_JUDGE = {
  ...(Object.fromEntries(RULES.map((rule) => [rule, null])) as Record<Rule, null>),
  exists: false,
}

type OwnFacts = Omit<StudyFacts, "bodyParts" | "reports" | "signers">

async function readStudy({ sql, run }: Reading, id: string, toleratedModalities: readonly string[]) {
  const these = uuidArray([id])
  const holds = ownRules(sql, toleratedModalities)
  const [row] = await run(sql<(OwnFacts & { rules: Record<OwnRule, boolean> })[]>`
    with ${chestBySeries(sql, these)}
    select s.organization_id as "organizationId", o.is_demo as "isDemo", s.migrated, s.deleted, s.modalities,
      s.dicom_description is not null as "hasDescription",
      ${chestWordIn(sql, sql`s.dicom_description`)} as "chestWord",
      to_json(array(
        select distinct member from unnest(m.list) member
        where member <> all(${allowedModalities(sql, toleratedModalities)}) order by member
      )) as "otherModalities",
      json_build_object(
        'non_demo_organization', ${holds.non_demo_organization},
        'not_migrated', ${holds.not_migrated},
        'chest', ${holds.chest},
        'has_cr_or_dx', ${holds.has_cr_or_dx},
        'no_other_modality', ${holds.no_other_modality}
      ) as rules
    from ${studiesToJudge(sql)}
    where s.id = any(${these}::uuid[])`)
  if (row === undefined) return undefined
  const { rules, ...facts } = row
  return { rules, facts }
}

function readBodyParts({ sql, run }: Reading, id: string) {
  return run(sql<BodyPart[]>`
    select distinct b.name, b.identifier, ${saysChest(sql)} is true as "saysChest"
    from pacs_series s join pacs_body_part b on b.id = s.body_part_id
    where s.study_id = ${id}::uuid
    order by 1, 2`)
}

function readReports({ sql, run }: Reading, id: string) {
  return run(sql<ReportGroup[]>`
    select r.status, r.is_active as active, r.deleted,
      case when p.id is null then 'nobody' when p.user_id is null then 'no user' else 'user' end as signer,
      count(*)::integer as reports
    from pacs_reports r left join pacs_practitioners p on p.id = r.signed_by_id
    where r.study_id = ${id}::uuid
    group by 1, 2, 3, 4
    order by 1, 2 desc, 3, 4`)
}

function readSigners({ sql, run }: Reading, id: string) {
  return run(sql<Signer[]>`
    select user_id as "userId", count(*)::integer as reports, max(signed_at) as "newestSignedAt"
    from (${signedReports(sql, uuidArray([id]))}) signed
    group by user_id
    order by user_id`)
}
