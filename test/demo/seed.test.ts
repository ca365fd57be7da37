import { describe, expect, test } from "bun:test"
import { readHeader } from "../../lib/cod/format/dicom/index.ts"
import type { StudyRow } from "../../lib/demo/pacs-rows.ts"
import { demoHospital, type Hospital } from "../../lib/demo/seed.ts"

const BUCKET = "origin"
const hospital = demoHospital({ bucket: BUCKET, tiny: true })
const { rows } = hospital

test("a few hundred studies, of which exactly 24 are eligible by a plain reading of the rules", () => {
  expect(rows.pacs_studies.length).toBeGreaterThan(250)
  const byRule = Map.groupBy(rows.pacs_studies, rulesOf(hospital))
  expect(byRule.get("eligible")).toHaveLength(24)
})

test("every study fails the rule that it was made for", () => {
  const designed = hospital.studies.map(({ study, plan }) => [study.id, plan.outcome])
  const outcomeOf = rulesOf(hospital)
  const found = rows.pacs_studies.map((study) => [study.id, outcomeOf(study)])
  expect(found).toEqual(designed)
  expect(new Set(designed.map(([, outcome]) => outcome)).size).toBe(8)
})

test("ten doctors are ranked as they are numbered, and the tie at the border goes to the smaller id", () => {
  const ranking = rankingOf(hospital)
  expect(ranking.map(([, studies]) => studies)).toEqual([60, 20, 15, 14, 13, 11, 11, 7, 4, 2])
  expect(ranking.map(([user]) => user)).toEqual(rows.pacs_users.map(({ id }) => id))
})

test("one user has several practitioners, and one practitioner has no user", () => {
  const perUser = Map.groupBy(rows.pacs_practitioners, ({ user_id }) => user_id)
  expect(perUser.get(null)).toHaveLength(1)
  expect(new Set([...perUser.values()].map((own) => own.length))).toEqual(new Set([1, 2]))
})

test("descriptions come with accents, without, decomposed, with quotes, line breaks and emoji", () => {
  const descriptions = hospital.studies
    .filter(({ plan }) => plan.outcome === "eligible")
    .map(({ study }) => study.dicom_description ?? "")
  for (const pattern of [/ó/u, /O\u0301/u, /torax/i, /["']/, /\n/, /%/, /\p{Emoji_Presentation}/u]) {
    expect(descriptions.some((each) => pattern.test(each))).toBe(true)
  }
})

describe("the origin", () => {
  const keys = new Set(hospital.objects.map(({ key }) => key))
  const eligible = hospital.studies.filter(({ plan }) => plan.outcome === "eligible")

  test("holds every file that the database names for CR and DX series of eligible studies", () => {
    const series = new Map(rows.pacs_series.map((each) => [each.id, each]))
    const images = eligible.flatMap((each) => each.images)
    const wanted = images.filter(({ series_id }) =>
      [null, "CR", "DX"].includes(series.get(series_id)!.modality),
    )
    const paths = wanted.map(({ file_path }) => file_path!.replace(`s3://${BUCKET}/`, ""))
    expect(paths.filter((path) => !keys.has(path))).toEqual([])
    expect(wanted.some(({ file_path }) => file_path!.startsWith("s3://"))).toBe(true)
    expect(wanted.some(({ instance_number }) => instance_number === null)).toBe(true)
    expect(wanted.length).toBeLessThan(images.length)
  })

  test("holds nothing of studies that are not eligible", () => {
    const others = hospital.studies.filter(({ plan }) => plan.outcome !== "eligible")
    expect(others.flatMap(({ objects }) => objects)).toEqual([])
    expect([...keys].filter((key) => others.some(({ study }) => key.includes(study.id)))).toEqual([])
  })

  test("holds a report's text, or the database does", () => {
    const places = eligible.flatMap(({ study, reports }) =>
      reports.map(({ id, content }) => {
        const inOrigin = keys.has(`${study.organization_id}/${study.id}/reports/${id}.txt`)
        return `${inOrigin ? "origin" : ""}${content === null ? "" : "database"}`
      }),
    )
    expect(new Set(places)).toEqual(new Set(["origin", "database"]))
  })

  test("holds metadata of most studies, and the files of one whose images the database does not know", () => {
    const folders = eligible.map(({ study }) => `${study.organization_id}/${study.id}`)
    const described = folders.filter((folder) => keys.has(`${folder}/metadata.json`))
    expect(described.length).toBeGreaterThan(12)
    expect(described.length).toBeLessThan(24)
    const unlisted = eligible.filter(({ images }) => images.length === 0)
    expect(unlisted).toHaveLength(1)
    expect(unlisted[0]!.objects.filter(({ key }) => key.includes("/dicom_files/"))).toHaveLength(2)
  })

  test("has files that say of themselves which study and series of the database they are, each under a UID of its own", () => {
    const uids: string[] = []
    for (const { study, series, images, objects } of eligible) {
      const known = new Set(series.map(({ dicom_series_id }) => dicom_series_id))
      for (const object of objects.filter(({ key }) => isDicomKey(key))) {
        const header = readHeader(object.bytes(), object.size)
        if (header === undefined) throw new Error(`${object.key} has no header`)
        expect(header.studyUid).toBe(study.dicom_study_id!)
        if (images.length > 0) expect(known).toContain(header.seriesUid)
        uids.push(header.instanceUid)
      }
    }
    expect(uids.length).toBeGreaterThan(30)
    expect(new Set(uids).size).toBe(uids.length)
  })

  test("says the size of every object before it is made, and the database of most files", () => {
    expect(hospital.objects.filter((object) => object.bytes().length !== object.size)).toEqual([])
    const sizes = new Map(hospital.objects.map(({ key, size }) => [key, size]))
    const stated = eligible
      .flatMap(({ images }) => images)
      .filter(({ file_size, file_path }) => file_size !== null && sizes.has(file_path!))
    expect(stated.length).toBeGreaterThan(15)
    expect(stated.filter(({ file_size, file_path }) => sizes.get(file_path!) !== file_size)).toEqual([])
  })

  test("has a few files above one mebibyte and stays under forty megabytes", () => {
    const sizes = demoHospital().objects.map(({ size }) => size)
    expect(sizes.filter((size) => size > 2 ** 20)).toHaveLength(3)
    expect(sizes.reduce((sum, size) => sum + size)).toBeLessThan(40e6)
  })
})

/** Of a file of an image, whatever it is called. */
const isDicomKey = (key: string) => key.includes("/dicom_files/") || key.startsWith("archive/")

test("the same options give the same rows and the same bytes", () => {
  const hash = ({ rows, objects }: Hospital) => {
    const hasher = new Bun.CryptoHasher("sha256").update(JSON.stringify(rows))
    for (const object of objects) hasher.update(object.key).update(object.bytes())
    return hasher.digest("hex")
  }
  expect(hash(demoHospital({ bucket: BUCKET, tiny: true }))).toBe(hash(hospital))
})

test("trouble adds a missing object, a file that is no DICOM and a lost report, each in a study of its own", () => {
  const added = demoHospital({ trouble: true, tiny: true })
    .studies.filter(({ plan }) => plan.outcome === "eligible")
    .slice(24)
  const [missing, foreign, lost] = added.map(({ images, reports, objects }) => {
    const present = new Map(objects.map((object) => [object.key, object]))
    const files = images.map(({ file_path }) => present.get(file_path!))
    return {
      missingFiles: files.filter((file) => file === undefined).length,
      notDicom: files.filter((file) => file !== undefined && !isDicom(file.bytes())).length,
      lostReports: reports.filter(
        ({ id, content }) =>
          content === null && ![...present.keys()].some((key) => key.endsWith(`${id}.txt`)),
      ).length,
    }
  })
  expect(missing).toEqual({ missingFiles: 1, notDicom: 0, lostReports: 0 })
  expect(foreign).toEqual({ missingFiles: 0, notDicom: 1, lostReports: 0 })
  expect(lost).toEqual({ missingFiles: 0, notDicom: 0, lostReports: 1 })
  expect(added).toHaveLength(3)
})

test("repeated, the hospital has as many eligible studies more, and no id twice", () => {
  const larger = demoHospital({ tiny: true, repeat: 3 })
  const outcomes = larger.rows.pacs_studies.map(rulesOf(larger))
  expect(outcomes.filter((outcome) => outcome === "eligible")).toHaveLength(72)
  const { pacs_studies, pacs_series, pacs_images, pacs_reports } = larger.rows
  const ids = [pacs_studies, pacs_series, pacs_images, pacs_reports].flat().map(({ id }) => id)
  expect(new Set(ids).size).toBe(ids.length)
  expect(new Set(larger.objects.map(({ key }) => key)).size).toBe(larger.objects.length)
})

test("what is personal in the rows is listed", () => {
  const personal = new Set(hospital.personal)
  const { pacs_users, pacs_practitioners, pacs_reports } = rows
  const names = [...pacs_users, ...pacs_practitioners].map(({ full_name }) => full_name!)
  expect([...names, ...pacs_users.map(({ email }) => email)].filter((each) => !personal.has(each))).toEqual(
    [],
  )
  const texts = pacs_reports.flatMap(({ content }) => content ?? [])
  expect(texts.length).toBeGreaterThan(0)
  expect(texts.filter((text) => !hospital.personal.some((each) => text.includes(each)))).toEqual([])
})

// The rules once more, in the plainest words: the ranking, then what a study fails first.

function rankingOf({ rows }: Hospital): [user: string, studies: number][] {
  const studies = new Map<string, Set<string>>()
  for (const report of rows.pacs_reports) {
    const user = rows.pacs_practitioners.find(({ id }) => id === report.signed_by_id)?.user_id
    const study = rows.pacs_studies.find(({ id }) => id === report.study_id)!
    const counts = isSigned(report) && isOfHospital(rows, study) && !study.migrated && isChest(rows, study)
    if (user == null || !counts || !modalitiesOf(study).some((each) => ["CR", "DX", "PX"].includes(each)))
      continue
    studies.set(user, (studies.get(user) ?? new Set()).add(study.id))
  }
  return [...studies]
    .map(([user, own]): [string, number] => [user, own.size])
    .sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
}

/** The first rule that a study fails, or `eligible`. */
function rulesOf(hospital: Hospital): (study: StudyRow) => string {
  const chosen = new Set(
    rankingOf(hospital)
      .slice(1, 6)
      .map(([user]) => user),
  )
  return (study) => firstFailed(hospital, chosen, study)
}

function firstFailed({ rows }: Hospital, chosen: ReadonlySet<string>, study: StudyRow): string {
  const signed = rows.pacs_reports.filter((report) => report.study_id === study.id && isSigned(report))
  const signers = signed.map(
    ({ signed_by_id }) => rows.pacs_practitioners.find(({ id }) => id === signed_by_id)?.user_id,
  )
  const modalities = modalitiesOf(study)
  if (!isOfHospital(rows, study)) return "non_demo_organization"
  if (study.migrated) return "not_migrated"
  if (!isChest(rows, study)) return "chest"
  if (!modalities.some((each) => ["CR", "DX"].includes(each))) return "has_cr_or_dx"
  if (modalities.some((each) => !["CR", "DX"].includes(each))) return "no_other_modality"
  if (signed.length === 0) return "signed_report"
  return signers.some((user) => user != null && chosen.has(user)) ? "eligible" : "chosen_doctor"
}

const isSigned = (report: Hospital["rows"]["pacs_reports"][number]) =>
  report.status === "SIGNED" && report.is_active && !report.deleted

const isOfHospital = ({ pacs_organizations }: Hospital["rows"], { organization_id }: StudyRow) =>
  pacs_organizations.some(({ id, is_demo }) => id === organization_id && !is_demo)

function isChest({ pacs_series, pacs_body_part }: Hospital["rows"], study: StudyRow): boolean {
  const parts = pacs_series
    .filter(({ study_id }) => study_id === study.id)
    .map(({ body_part_id }) => pacs_body_part.find(({ id }) => id === body_part_id))
  const texts = [study.dicom_description, ...parts.flatMap((part) => [part?.name, part?.identifier])]
  const plain = texts.map((text) => (text ?? "").normalize("NFD").replace(/\p{M}/gu, "").toLowerCase())
  return plain.some((text) => /chest|torax|thorax|pecho|peito/.test(text))
}

const modalitiesOf = ({ modalities }: StudyRow) =>
  (modalities ?? "")
    .split(",")
    .map((each) => each.trim().toUpperCase())
    .filter((each) => each !== "")

const isDicom = (bytes: Uint8Array) => new TextDecoder().decode(bytes.subarray(128, 132)) === "DICM"
