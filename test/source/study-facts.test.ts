import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test"
import { imageRow, type PacsRows, practitionerRow, reportRow, seriesRow } from "../../lib/demo/pacs-rows.ts"
import { openPacs, type Pacs } from "../../lib/source/pacs.ts"
import type { SourceStudy, StudyVersion } from "../../lib/source/rows.ts"
import { readEligible } from "../support/eligible.ts"
import { type TestPacs, testPacs } from "../support/pacs.ts"
import { doctor, eligibleRows, together } from "../support/pacs-study.ts"

const ANNA = "00000000-0000-4000-8000-00000000000a"
const BERT = "00000000-0000-4000-8000-00000000000b"
const CARL = "00000000-0000-4000-8000-00000000000c"
const CRITERIA = {
  toleratedModalities: ["SR"],
  chosen: [
    { userId: BERT, rank: 3 },
    { userId: ANNA, rank: 2 },
  ],
}
const id = (n: number) => `10000000-0000-4000-8000-${String(n).padStart(12, "0")}`

let database: TestPacs
let pacs: Pacs

beforeAll(async () => {
  database = await testPacs()
  pacs = openPacs(database.settings)
})

beforeEach(() => database.clear())

afterAll(async () => {
  await pacs.close()
  await database[Symbol.asyncDispose]()
})

async function insert(...rows: readonly Partial<PacsRows>[]) {
  await database.insert(together(doctor(ANNA), doctor(BERT), doctor(CARL), ...rows))
}

async function eligible(limit?: number): Promise<SourceStudy[]> {
  return await pacs.snapshot((snapshot) => readEligible(snapshot, CRITERIA, limit))
}

async function only(): Promise<SourceStudy> {
  const [study, ...more] = await eligible()
  expect(more).toEqual([])
  return study!
}

test("a study is told with all that is copied of it and all that its metadata tells", async () => {
  const strange = `quote ' " \\ percent % newline \n emoji 🫁`
  await insert(
    eligibleRows(ANNA, {
      organization: { id: id(1), name: "never told" },
      bodyPart: { id: 7001, name: "Tórax", identifier: strange },
      study: {
        id: id(2),
        dicom_study_id: "1.2.3",
        modalities: "DX, sr",
        dicom_description: strange,
        dicom_date_time: null,
        created_at: "2025-01-01T00:00:00+01:00",
        updated_at: "2025-01-02T00:00:00.000001+00:00",
      },
      series: { id: id(3), dicom_series_id: "1.2.3.4", series_number: null, modality: "dx" },
      image: { id: id(4), instance_number: 0, file_path: strange, file_size: 5_000_000_000 },
      report: { id: id(5), signed_at: "2025-03-01T08:15:00.123456-03:00", content: "never told" },
    }),
  )
  expect(await only()).toEqual({
    studyId: id(2),
    organizationId: id(1),
    dicomStudyUid: "1.2.3",
    modalities: "DX, sr",
    description: strange,
    studyDateTime: undefined,
    createdAt: "2024-12-31T23:00:00+00:00",
    updatedAt: "2025-01-02T00:00:00.000001+00:00",
    newestSignedAt: "2025-03-01T11:15:00.123456+00:00",
    reports: [
      {
        reportId: id(5),
        userId: ANNA,
        rank: 2,
        signedAt: "2025-03-01T11:15:00.123456+00:00",
        version: expect.stringMatching(/^[0-9a-f]{32}$/),
      },
    ],
    series: [
      {
        seriesId: id(3),
        dicomSeriesUid: "1.2.3.4",
        seriesNumber: undefined,
        modality: "dx",
        bodyPart: { name: "Tórax", identifier: strange },
      },
    ],
    images: [
      {
        imageId: id(4),
        seriesId: id(3),
        instanceNumber: 0,
        filePath: strange,
        fileSize: 5_000_000_000,
        version: expect.stringMatching(/^[0-9a-f]{32}$/),
      },
    ],
    imagesInDatabase: true,
    sourceHash: expect.stringMatching(/^[0-9a-f]{16}$/),
    metadataVersion: expect.stringMatching(/^[0-9a-f]{32}$/),
  })
})

test("all reports by chosen doctors that count are told, and no others", async () => {
  const rows = eligibleRows(ANNA, { report: { id: id(1), signed_at: null } })
  const study_id = rows.pacs_studies[0]!.id
  const [anna, bert, carl] = [ANNA, BERT, CARL].map((user_id) => practitionerRow({ user_id }))
  const early = "2025-01-01T00:00:00+00:00"
  const late = "2025-02-01T00:00:00+00:00"
  await insert(rows, {
    pacs_practitioners: [anna!, bert!, carl!],
    pacs_reports: [
      reportRow({ study_id, id: id(5), signed_by_id: anna!.id, signed_at: late }),
      reportRow({ study_id, id: id(4), signed_by_id: bert!.id, signed_at: late }),
      reportRow({ study_id, id: id(9), signed_by_id: bert!.id, signed_at: early }),
      reportRow({ study_id, signed_by_id: carl!.id }),
      reportRow({ study_id, signed_by_id: bert!.id, status: "DRAFT" }),
      reportRow({ study_id, signed_by_id: bert!.id, deleted: true }),
      reportRow({ study_id, signed_by_id: bert!.id, is_active: false }),
    ],
  })
  const { reports, newestSignedAt } = await only()
  expect(reports.map(({ reportId, rank }) => [reportId, rank])).toEqual([
    [id(9), 3],
    [id(4), 3],
    [id(5), 2],
    [id(1), 2],
  ])
  expect(newestSignedAt).toBe(late)
})

test("images come from series with CR, DX or no modality, by series number, instance number, id", async () => {
  const rows = eligibleRows(ANNA, {
    series: { series_number: 2 },
    image: { id: id(20), instance_number: null },
  })
  const study_id = rows.pacs_studies[0]!.id
  const [second] = rows.pacs_series
  const first = seriesRow({ study_id, series_number: 1, modality: " cr " })
  const last = seriesRow({ study_id, series_number: null, modality: null })
  const blank = seriesRow({ study_id, series_number: 3, modality: "" })
  const report = seriesRow({ study_id, series_number: 0, modality: "SR" })
  const image = (series: { id: string }, n: number, instance_number: number | null) =>
    imageRow({ id: id(n), series_id: series.id, instance_number })
  await insert(rows, {
    pacs_series: [last, blank, report, first],
    pacs_images: [
      image(last, 1, 1),
      image(blank, 2, 1),
      image(report, 3, 1),
      image(first, 4, 10),
      image(first, 6, 9),
      image(first, 5, 9),
      image(second!, 21, 1),
    ],
  })
  const { images, series } = await only()
  expect(images.map(({ imageId }) => imageId)).toEqual([5, 6, 4, 21, 20, 2, 1].map(id))
  expect(series.map(({ seriesId }) => seriesId)).toEqual(
    [report, first, second!, blank, last].map((s) => s.id),
  )
})

test("an image row of any series means that the database lists the images", async () => {
  const without = eligibleRows(ANNA)
  const empty = { ...without, pacs_images: [] }
  const listed = eligibleRows(ANNA, { series: { modality: "SR" } })
  await insert(empty, listed)
  const told = new Map((await eligible()).map((study) => [study.studyId, study]))
  expect(told.get(empty.pacs_studies[0]!.id)).toMatchObject({ images: [], imagesInDatabase: false })
  expect(told.get(listed.pacs_studies[0]!.id)).toMatchObject({ images: [], imagesInDatabase: true })
})

test("the newest signed report comes first, then the smaller id, undated last; a limit takes the first", async () => {
  const study = (n: number, signed_at: string | null) =>
    eligibleRows(ANNA, { study: { id: id(n) }, report: { signed_at } })
  await insert(
    study(1, null),
    study(2, "2025-01-01T00:00:00.000001+00:00"),
    study(3, "2025-01-01T00:00:00.000002+00:00"),
    study(5, "2025-01-01T00:00:00.000002+00:00"),
    study(4, "2025-01-01T00:00:00.000002+00:00"),
  )
  expect((await eligible()).map(({ studyId }) => studyId)).toEqual([1, 2, 3, 4, 5].map(id))
  for (const [limit, newest] of [
    [1, [3]],
    [2, [3, 4]],
    [3, [3, 4, 5]],
    [4, [2, 3, 4, 5]],
  ] as const) {
    expect((await eligible(limit)).map(({ studyId }) => studyId)).toEqual(newest.map(id))
  }
  expect(await eligible(0)).toEqual([])
})

test("a report by a doctor who is not chosen does not make a study newer", async () => {
  const older = eligibleRows(ANNA, { report: { signed_at: "2025-01-01T00:00:00+00:00" } })
  const newer = eligibleRows(ANNA, { report: { signed_at: "2025-01-02T00:00:00+00:00" } })
  const carl = practitionerRow({ user_id: CARL })
  const study_id = older.pacs_studies[0]!.id
  await insert(older, newer, {
    pacs_practitioners: [carl],
    pacs_reports: [reportRow({ study_id, signed_by_id: carl.id, signed_at: "2025-12-31T00:00:00+00:00" })],
  })
  expect((await eligible(1)).map(({ studyId }) => studyId)).toEqual([newer.pacs_studies[0]!.id])
})

test("a study with a thousand images, and more studies than one batch", async () => {
  const large = eligibleRows(ANNA)
  const series_id = large.pacs_series[0]!.id
  const images = Array.from({ length: 999 }, (_, n) => imageRow({ series_id, instance_number: 1000 - n }))
  const many = Array.from({ length: 1001 }, () => eligibleRows(BERT))
  await insert(large, { pacs_images: images }, ...many)
  const studies = await eligible()
  expect(new Set(studies.map(({ studyId }) => studyId)).size).toBe(1002)
  const numbers = studies
    .find(({ studyId }) => studyId === large.pacs_studies[0]!.id)!
    .images.map(({ instanceNumber }) => instanceNumber)
  expect(numbers).toEqual([1, ...Array.from({ length: 999 }, (_, n) => n + 2)])
})

test("the version of a study is the same whether it is read or only asked for", async () => {
  await insert(...Array.from({ length: 1_200 }, () => eligibleRows(ANNA)), eligibleRows(BERT))
  await pacs.snapshot(async (snapshot) => {
    const studies = await readEligible(snapshot, CRITERIA)
    const versions: StudyVersion[] = []
    const ids = studies.map(({ studyId }) => studyId)
    await snapshot.versions([...ids, id(999)], CRITERIA, (some) => versions.push(...some))
    const asRead = studies.map(({ studyId, sourceHash }) => [studyId, sourceHash] as const)
    expect(new Map(versions.map(({ studyId, sourceHash }) => [studyId, sourceHash]))).toEqual(new Map(asRead))
    expect(versions).toHaveLength(1_201)
  })
})

test("pages that are being read may be left early", async () => {
  await insert(...Array.from({ length: 6 }, () => eligibleRows(ANNA)))
  const ids = (await eligible()).map(({ studyId }) => studyId)
  const again = await pacs.snapshot(async (snapshot) => {
    for await (const _ of snapshot.studies([ids.slice(0, 3), ids.slice(3)], CRITERIA)) break
    return await readEligible(snapshot, CRITERIA)
  })
  expect(again.map(({ studyId }) => studyId)).toEqual(ids)
})
