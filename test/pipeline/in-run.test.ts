import { expect, test } from "bun:test"
import { openLedger } from "../../lib/ledger/open.ts"
import { openHospital } from "../support/hospital.ts"

test("a run that has ended folds the tries of more than 90 days ago", async () => {
  using hospital = await openHospital()
  await hospital.admit()
  await hospital.discoverAndCopy()
  const [{ tries }] = hospital.rows<{ tries: number }>("select count(*) as tries from copy_attempts") as [
    { tries: number },
  ]
  {
    using ledger = openLedger(hospital.ledgerPath)
    ledger.db.run("update runs set started_at = '2020-01-01T02:00:00.000Z'")
    ledger.db.run("update copy_attempts set ended_at = '2020-01-01T02:00:00.000Z'")
  }
  await hospital.discover()
  expect(hospital.rows("select 1 from copy_attempts")).toEqual([])
  expect(hospital.rows("select day, outcome, attempts from daily_attempts")).toEqual([
    { day: "2020-01-01", outcome: "copied", attempts: tries },
  ])
  expect(hospital.logged.some((line) => line.includes(`"folded":${tries}`))).toBe(true)
})
