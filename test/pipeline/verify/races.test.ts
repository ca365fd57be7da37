import { expect, test } from "bun:test"
import { dicomBody } from "../../support/chest.ts"
import { type Hospital, openHospital } from "../../support/hospital.ts"

/** Looks at every byte while somebody else changes the image that is just being read. */
async function verifyWhile(hospital: Hospital, meddle: (key: string) => void) {
  const study = await hospital.admit()
  await hospital.discoverAndCopy()
  const key = study.imageKeys[0]!
  using reading = hospital.cloud.fail({ operation: "gcs.media", key, fault: { kind: "stall" } })
  const verified = hospital.verify({ read: true, repair: true })
  await reading.reached()
  meddle(key)
  reading.release()
  return { key, report: await verified }
}

test("An object that goes while verify reads it is told as missing, and copied again", async () => {
  using hospital = await openHospital()
  const { cloud, destination } = hospital
  const { key, report } = await verifyWhile(hospital, (gone) => cloud.delete(destination, gone))
  expect(report.problems).toMatchObject([{ key, problem: "missing" }])
  expect((await hospital.copy()).totals).toMatchObject({ succeeded: 1, dicom_files_uploaded: 1 })
})

test("An object that somebody replaces while verify reads it is theirs, not damaged: it stays", async () => {
  using hospital = await openHospital()
  const { cloud, destination } = hospital
  const theirs = dicomBody(9)
  const { key, report } = await verifyWhile(hospital, (replaced) => cloud.put(destination, replaced, theirs))
  expect(report.problems).toMatchObject([{ key, problem: "crc32c" }])
  expect((await hospital.copy()).totals).toMatchObject({ failed: 1 })
  expect(cloud.get(destination, key)?.bytes).toEqual(theirs)
})
