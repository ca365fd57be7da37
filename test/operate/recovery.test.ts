import { expect, test } from "bun:test"
import { writeFileSync } from "node:fs"
import { takeBackup } from "../../lib/ledger/backup.ts"
import { openLedger } from "../../lib/ledger/open.ts"
import { restoreBackup } from "../../lib/operate/restore.ts"
import type { Chest } from "../support/chest.ts"
import { effectsAt, openHospital } from "../support/hospital.ts"

const keysOf = ({ metadataKey, reportKeys, imageKeys, receiptKey }: Chest) => [
  metadataKey,
  ...reportKeys,
  ...imageKeys,
  receiptKey,
]

test("after a restore the next run finds again what was copied since the backup, and writes none of it anew", async () => {
  using hospital = await openHospital()
  const before = await hospital.admit()
  await hospital.discoverAndCopy()
  const backup = backUp(hospital.ledgerPath)
  const since = await hospital.admit()
  await hospital.discoverAndCopy()
  writeFileSync(hospital.ledgerPath, "the disk has lost it")
  const { kept, holds } = restoreBackup(hospital.ledgerPath, backup)
  expect(holds.complete).toBe(1)
  expect(await Bun.file(kept!).text()).toBe("the disk has lost it")
  const { copy } = await hospital.discoverAndCopy()
  expect(copy.totals).toMatchObject({ studies: 1, succeeded: 1 })
  for (const key of [...keysOf(before), ...keysOf(since)]) {
    expect([key, effectsAt(hospital, key)]).toEqual([key, ["created"]])
  }
  expect((await hospital.verify()).problems).toEqual([])
})

function backUp(ledgerPath: string): string {
  using ledger = openLedger(ledgerPath)
  return takeBackup(ledger).path
}
