import { describe, expect, test } from "bun:test"
import { dicomBody } from "../../support/chest.ts"
import { failures, openHospital, storedAt } from "../../support/hospital.ts"

describe("a study without image rows", () => {
  test("is copied as the origin lists it, under the same keys", async () => {
    using hospital = await openHospital()
    const { cloud, origin } = hospital
    const study = await hospital.admit({ images: [] })
    const folder = `${study.organizationId}/${study.studyId}/dicom_files`
    const listed = [`${folder}/IM1`, `${folder}/deeper/100% "x" 🫁.dcm`, `${folder}/z.dcm`]
    for (const [n, key] of listed.entries()) cloud.put(origin, key, dicomBody(n))
    cloud.put(origin, `${folder}/made by a console/`, "")
    cloud.put(origin, `${study.organizationId}/${study.studyId}/dicom_files.txt`, "beside the folder")
    const { copy } = await hospital.discoverAndCopy()
    expect(copy.studies[0]).toMatchObject({ success: true, dicom_files_uploaded: 3 })
    expect(cloud.keys(hospital.destination)).toEqual(
      [...listed, study.metadataKey, study.reportKeys[0]!, study.receiptKey].sort(),
    )
    for (const [n, key] of listed.entries()) expect(storedAt(hospital, key)).toEqual(dicomBody(n))
  })

  test("whose folder is empty is complete without, with a warning", async () => {
    using hospital = await openHospital()
    await hospital.admit({ images: [] })
    const { copy, code } = await hospital.discoverAndCopy()
    expect(copy.studies[0]).toMatchObject({ success: true, dicom_files_uploaded: 0 })
    expect(copy.totals.warnings).toBe(1)
    expect(hospital.logged.join("")).toContain("no DICOM files: none in the database, none in the origin")
    expect(code).toBe(0)
  })

  test("fails with those of its files alone whose keys no bucket of the destination can hold", async () => {
    using hospital = await openHospital()
    const study = await hospital.admit({ images: [] })
    const folder = `${study.organizationId}/${study.studyId}/dicom_files`
    hospital.cloud.put(hospital.origin, `${folder}/two\nlines`, dicomBody(1))
    hospital.cloud.put(hospital.origin, `${folder}/fine`, dicomBody(2))
    const { copy } = await hospital.discoverAndCopy()
    expect(copy.studies[0]).toMatchObject({
      success: false,
      dicom_files_uploaded: 1,
      metadata_uploaded: true,
    })
    expect(failures(hospital)).toMatchObject([{ verdict: "give-up", error_class: "RequestRefused" }])
  })

  test("is listed again when it is named: what came is copied, what went is retired and stays", async () => {
    using hospital = await openHospital()
    const { cloud, origin } = hospital
    const study = await hospital.admit({ images: [] })
    const folder = `${study.organizationId}/${study.studyId}/dicom_files`
    cloud.put(origin, `${folder}/1`, dicomBody(1))
    cloud.put(origin, `${folder}/2`, dicomBody(2))
    await hospital.discoverAndCopy()
    cloud.delete(origin, `${folder}/1`)
    cloud.put(origin, `${folder}/2`, dicomBody(22))
    cloud.put(origin, `${folder}/3`, dicomBody(3))
    const { studies } = await hospital.copy({ studyIds: [study.studyId] })
    expect(studies[0]).toMatchObject({ success: true, dicom_files_uploaded: 2, skipped: 2 })
    expect([1, 2, 3].map((n) => storedAt(hospital, `${folder}/${n}`))).toEqual(
      [1, 22, 3].map((n) => dicomBody(n)),
    )
    const receipt = JSON.parse(hospital.text(study.receiptKey))
    expect(receipt.objects.map(({ path }: { path: string }) => path).sort()).toEqual([
      "dicom_files/2",
      "dicom_files/3",
      "metadata.json",
      `reports/${study.rows.pacs_reports[0]!.id}.txt`,
    ])
  })

  test("is not listed when a series that is not copied has image rows", async () => {
    using hospital = await openHospital()
    const study = await hospital.admit({ series: { modality: "SR" } })
    hospital.cloud.put(hospital.origin, `${study.organizationId}/${study.studyId}/dicom_files/x`, dicomBody())
    expect((await hospital.discoverAndCopy()).copy.studies[0]).toMatchObject({
      success: true,
      dicom_files_uploaded: 0,
    })
    expect(hospital.cloud.log.count({ operation: "s3.list", bucket: hospital.origin })).toBe(1) // the probe
  })
})
