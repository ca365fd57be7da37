import { expect, test } from "bun:test"
import { openHospital } from "../support/hospital.ts"

test("smoke", async () => {
  using hospital = await openHospital()
  const study = await hospital.admit()
  const report = await hospital.run()
  console.log(JSON.stringify(report, null, 1))
  console.log(hospital.cloud.keys(hospital.destination), study.metadataKey)
  console.log(hospital.text(study.receiptKey))
  console.log(hospital.rows("select * from progress"))
  expect(1).toBe(1)
})
