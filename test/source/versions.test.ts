import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test"
import { imageRow, type PacsRows, practitionerRow, reportRow } from "../../lib/demo/pacs-rows.ts"
import { openPacs, type Pacs } from "../../lib/source/pacs.ts"
import type { ChosenDoctor, SourceStudy } from "../../lib/source/rows.ts"
import { type TestPacs, testPacs } from "../support/pacs.ts"
import { doctor, eligibleRows, together } from "../support/pacs-study.ts"

const ANNA = "00000000-0000-4000-8000-00000000000a"
const BERT = "00000000-0000-4000-8000-00000000000b"
const DOCTORS = [
  { userId: ANNA, rank: 2 },
  { userId: BERT, rank: 3 },
]
const LATER = "2030-01-01T00:00:00+00:00"

let database: TestPacs
let pacs: Pacs
let rows: PacsRows
let bert: string

beforeAll(async () => {
  database = await testPacs()
  pacs = openPacs(database.settings)
})

beforeEach(async () => {
  await database.clear()
  rows = eligibleRows(ANNA)
  const practitioner = practitionerRow({ user_id: BERT })
  bert = practitioner.id
  await database.insert(together(doctor(ANNA), doctor(BERT), rows, { pacs_practitioners: [practitioner] }))
  // Beside those that move, to stay as they are.
  await database.insert(together(newImage(2), newReport(LATER)))
})

afterAll(async () => {
  await pacs.close()
  await database[Symbol.asyncDispose]()
})

function newImage(instance_number: number): Partial<PacsRows> {
  return { pacs_images: [imageRow({ series_id: rows.pacs_series[0]!.id, instance_number })] }
}

function newReport(signed_at: string): Partial<PacsRows> {
  return { pacs_reports: [reportRow({ study_id: rows.pacs_studies[0]!.id, signed_by_id: bert, signed_at })] }
}

const CHANGES: readonly [name: string, change: () => Promise<unknown>, moves: readonly string[]][] = [
  ["nothing", async () => {}, []],
  [
    "an updated study",
    () => database.sql`update pacs_studies set updated_at = ${LATER}`,
    ["source", "metadata"],
  ],
  [
    "another description",
    () => database.sql`update pacs_studies set dicom_description = 'AP'`,
    ["source", "metadata"],
  ],
  [
    "an updated report",
    () => database.sql`update pacs_reports set updated_at = ${LATER} where signed_at <> ${LATER}`,
    ["source", "report 1"],
  ],
  [
    "a new report",
    () => database.insert(newReport("2031-01-01T00:00:00+00:00")),
    ["source", "metadata", "report 3"],
  ],
  ["a new image", () => database.insert(newImage(3)), ["source", "metadata", "image 3"]],
  [
    "an image that lies elsewhere",
    () => database.sql`update pacs_images set file_path = 'elsewhere' where instance_number = 2`,
    ["source", "image 2"],
  ],
  [
    "an image of another size",
    () => database.sql`update pacs_images set file_size = 7 where instance_number = 1`,
    ["source", "image 1"],
  ],
  [
    "a signer who is another user now",
    () => database.sql`update pacs_practitioners set user_id = ${BERT}`,
    ["source", "metadata"],
  ],
  [
    "another name of the body part",
    () => database.sql`update pacs_body_part set name = 'THORAX'`,
    ["source", "metadata"],
  ],
  ["a series that was touched", () => database.sql`update pacs_series set updated_at = ${LATER}`, ["source"]],
  ["what is never read", () => database.sql`update pacs_organizations set name = 'another'`, []],
]

test.each(CHANGES)("%s moves no version but those of what it changes", async (_name, change, moves) => {
  const before = versionsOf(await study())
  await change()
  const after = versionsOf(await study())
  const moved = Object.keys(after).filter((what) => after[what] !== before[what])
  expect(moved).toEqual([...moves])
})

test("a ranking that moves changes no version", async () => {
  const before = versionsOf(await study())
  expect(versionsOf(await study(DOCTORS.map((doctor) => ({ ...doctor, rank: doctor.rank + 1 }))))).toEqual(
    before,
  )
})

async function study(doctors: readonly ChosenDoctor[] = DOCTORS): Promise<SourceStudy> {
  return (await pacs.study(rows.pacs_studies[0]!.id, doctors))!
}

function versionsOf({ sourceHash, metadataVersion, reports, images }: SourceStudy): Record<string, string> {
  return {
    source: sourceHash,
    metadata: metadataVersion,
    ...Object.fromEntries(reports.map(({ version }, index) => [`report ${index + 1}`, version])),
    ...Object.fromEntries(images.map(({ version }, index) => [`image ${index + 1}`, version])),
  }
}
