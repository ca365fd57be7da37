import { emptyPacs, type PacsRows } from "./pacs-rows.ts"
import { REPORT_PHRASE, type SeedObject } from "./seed-objects.ts"
import { studyPlans } from "./seed-plans.ts"
import { demoStaff } from "./seed-staff.ts"
import { type SeedStudy, seedStudy } from "./seed-study.ts"

export interface HospitalOptions {
  /** Of the origin: some paths in the database are URIs and name it. */
  readonly bucket?: string
  /**
   * Adds three eligible studies: of one an object is missing, of one a file is no DICOM, of one a report is
   * lost.
   */
  readonly trouble?: boolean
  /** Makes every picture a few kilobytes small. */
  readonly tiny?: boolean
  /** How often everything but the staff is there: with 9, there are 216 eligible studies. */
  readonly repeat?: number
}

/** A PACS and its bucket: everybody in it is invented, and the same options always give the same bytes. */
export interface Hospital {
  readonly rows: PacsRows
  readonly objects: readonly SeedObject[]
  /** The same, study by study, each with the plan that says what is special about it. */
  readonly studies: readonly SeedStudy[]
  /** Names, e-mails and words of reports: what must never be found where nothing personal belongs. */
  readonly personal: readonly string[]
}

/**
 * A few hundred studies around exactly 24 eligible ones (27 with `trouble`), with ten ranked doctors: ranks 6
 * and 7 have signed equally many chest studies. The origin holds the objects of the eligible studies only.
 */
export function demoHospital(options: HospitalOptions = {}): Hospital {
  const { bucket = "pacs-origin", trouble = false, tiny = false, repeat = 1 } = options
  const staff = demoStaff()
  const plans = Array.from({ length: repeat }, () => studyPlans(trouble)).flat()
  const studies = plans.map((plan, number) => seedStudy(plan, number, { staff, bucket, tiny }))
  const rows: PacsRows = {
    ...emptyPacs(),
    pacs_organizations: staff.organizations,
    pacs_users: staff.users,
    pacs_practitioners: staff.practitioners,
    pacs_body_part: staff.bodyParts,
    pacs_studies: studies.map(({ study }) => study),
    pacs_series: studies.flatMap(({ series }) => series),
    pacs_images: studies.flatMap(({ images }) => images),
    pacs_reports: studies.flatMap(({ reports }) => reports),
  }
  const personal = [
    ...staff.users.map(({ email }) => email),
    ...staff.practitioners.map(({ full_name }) => full_name),
    REPORT_PHRASE,
  ]
  return {
    rows,
    objects: studies.flatMap(({ objects }) => objects),
    studies,
    personal: [...new Set(personal.filter((each) => each !== null))],
  }
}
