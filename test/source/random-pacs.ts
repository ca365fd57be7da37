import fc from "fast-check"
import {
  bodyPartRow,
  imageRow,
  organizationRow,
  type PacsRows,
  practitionerRow,
  reportRow,
  seriesRow,
  studyRow,
  userRow,
} from "../../lib/demo/pacs-rows.ts"
import type { Rules } from "../../lib/source/rows.ts"

/** A small hospital in which every rule is met and missed often, and in which most counts are ties. */
export function randomPacs(): fc.Arbitrary<PacsRows> {
  return fc
    .record({
      pacs_organizations: fc.array(organization, { minLength: 1, maxLength: 3 }),
      pacs_users: fc.array(
        fc.uuid().map((id) => userRow({ id })),
        { minLength: 1, maxLength: 6 },
      ),
      pacs_body_part: fc.tuple(words, words, words, words).map(bodyParts),
    })
    .chain((staff) =>
      fc
        .array(practitioner(staff), { minLength: 1, maxLength: 8 })
        .chain((practitioners) =>
          fc
            .array(study({ ...staff, pacs_practitioners: practitioners }), { minLength: 2, maxLength: 12 })
            .map((studies) => ({ ...staff, pacs_practitioners: practitioners, ...joined(studies) })),
        ),
    )
}

export const randomRules: fc.Arbitrary<Rules> = fc
  .tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 0, max: 3 }), fc.subarray(["SR", "PR", "CT"]))
  .map(([rankFrom, more, toleratedModalities]) => ({
    rankFrom,
    rankTo: rankFrom + more,
    toleratedModalities,
  }))

const organization = fc
  .record({ id: fc.uuid(), name: fc.string({ unit: "grapheme" }), is_demo: often(false) })
  .map(organizationRow)

const CHEST_WORDS = ["chest", "torax", "thorax", "pecho", "peito"]
const NEARLY = [
  "ches t",
  "tor-ax",
  "pech0",
  "pieto",
  "cest",
  "mano",
  "",
  "'; drop table pacs_studies --",
  "%",
  "🫁\n",
]
const MARKS = ["", "", "", "\u0301", "\u0303", "\u0308", "\u0327\u0301"]

/** A word as it might be typed: any case, any accents, in any Unicode form, among other text. */
const words = fc
  .record({
    word: fc.oneof(
      { weight: 2, arbitrary: fc.constantFrom(...CHEST_WORDS) },
      { weight: 1, arbitrary: fc.constantFrom(...NEARLY) },
    ),
    marks: fc.array(fc.constantFrom(...MARKS), { minLength: 8, maxLength: 8 }),
    upper: fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }),
    form: fc.constantFrom("NFC", "NFD"),
    before: fc.constantFrom("", "RX de ", "ß", "\u0301"),
    after: fc.constantFrom("", " AP", "es", "\\"),
  })
  .map(({ word, marks, upper, form, before, after }) => {
    const letters = [...word].map(
      (letter, i) => (upper[i % 8] ? letter.toUpperCase() : letter) + marks[i % 8],
    )
    return before + letters.join("").normalize(form) + after
  })

const modality = fc.constantFrom(
  "CR",
  "DX",
  "dx",
  " Cr",
  "PX",
  "SR",
  "PR",
  "CT",
  "D X",
  "",
  "\tDX\n",
  "CRX",
  "'",
)
const modalities = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom("CR", "DX", "CR,DX", "dx , sr") },
  { weight: 1, arbitrary: fc.array(modality, { maxLength: 3 }).map((list) => list.join(",")) },
)

/** Few enough to be equal now and then; some differ by a microsecond. */
const instant = fc.constantFrom(
  "2025-03-01T08:15:00+00:00",
  "2025-03-01T08:15:00.000001+00:00",
  "2025-03-01T08:15:00.123456+00:00",
  "2024-02-29T23:59:59+00:00",
)

function often<T>(value: T, other?: T): fc.Arbitrary<T> {
  const rest = (other ?? !value) as T
  return fc.oneof({ weight: 9, arbitrary: fc.constant(value) }, { weight: 1, arbitrary: fc.constant(rest) })
}

const orNull = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { freq: 10, nil: null })

function bodyParts([name, identifier, other, neither]: [string, string, string, string]) {
  return [
    bodyPartRow({ id: 1, name }),
    bodyPartRow({ id: 2, identifier }),
    bodyPartRow({ id: 3, name: other, identifier: neither }),
    bodyPartRow({ id: 4, name: "KNEE", identifier: "KNEE" }),
  ]
}

type Staff = Pick<PacsRows, "pacs_organizations" | "pacs_users" | "pacs_body_part">

function practitioner({ pacs_users }: Staff) {
  return fc
    .record({ id: fc.uuid(), user_id: orNull(fc.constantFrom(...pacs_users.map(({ id }) => id))) })
    .map(practitionerRow)
}

type StudyRows = Pick<PacsRows, "pacs_studies" | "pacs_series" | "pacs_images" | "pacs_reports">

function study(staff: Staff & Pick<PacsRows, "pacs_practitioners">): fc.Arbitrary<StudyRows> {
  const row = fc
    .record({
      id: fc.uuid(),
      organization_id: orNull(fc.constantFrom(...staff.pacs_organizations.map(({ id }) => id))),
      modalities: orNull(modalities),
      dicom_description: orNull(words),
      migrated: often(false),
      deleted: fc.boolean(),
    })
    .map(studyRow)
  const someSeries = fc.array(series(), { minLength: 1, maxLength: 3 })
  const reports = fc.array(report(staff.pacs_practitioners.map(({ id }) => id)), {
    minLength: 1,
    maxLength: 4,
  })
  return fc.tuple(row, someSeries, reports).map(([own, itsSeries, itsReports]) => ({
    pacs_studies: [own],
    pacs_series: itsSeries.map(({ series }) => ({ ...series, study_id: own.id })),
    pacs_images: itsSeries.flatMap(({ images }) => images),
    pacs_reports: itsReports.map((made) => ({ ...made, study_id: own.id })),
  }))
}

function series() {
  const row = fc
    .record({
      id: fc.uuid(),
      study_id: fc.constant(""),
      series_number: orNull(fc.integer({ min: 1, max: 2 })),
      modality: orNull(modality),
      body_part_id: fc.option(fc.integer({ min: 1, max: 4 }), { nil: null }),
    })
    .map(seriesRow)
  const image = fc.record({ id: fc.uuid(), instance_number: orNull(fc.integer({ min: 1, max: 2 })) })
  return fc.tuple(row, fc.array(image, { maxLength: 3 })).map(([own, images]) => ({
    series: own,
    images: images.map((made) => imageRow({ ...made, series_id: own.id })),
  }))
}

function report(practitioners: readonly string[]) {
  return fc
    .record({
      id: fc.uuid(),
      study_id: fc.constant(""),
      signed_by_id: orNull(fc.constantFrom(...practitioners)),
      status: fc.oneof(
        { weight: 9, arbitrary: fc.constant("SIGNED") },
        { weight: 1, arbitrary: fc.constantFrom("DRAFT", "signed", "SIGNED ") },
      ),
      is_active: often(true),
      deleted: often(false),
      signed_at: orNull(instant),
    })
    .map(reportRow)
}

function joined(studies: readonly StudyRows[]): StudyRows {
  return {
    pacs_studies: studies.flatMap(({ pacs_studies }) => pacs_studies),
    pacs_series: studies.flatMap(({ pacs_series }) => pacs_series),
    pacs_images: studies.flatMap(({ pacs_images }) => pacs_images),
    pacs_reports: studies.flatMap(({ pacs_reports }) => pacs_reports),
  }
}
