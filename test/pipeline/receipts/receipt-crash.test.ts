import { expect, test } from "bun:test"
import { claimStudy } from "../../../lib/ledger/claims.ts"
import { openLedger } from "../../../lib/ledger/open.ts"
import { recordReceiptIntent } from "../../../lib/ledger/receipts.ts"
import { endRun } from "../../../lib/ledger/runs.ts"
import { studyById } from "../../../lib/ledger/studies.ts"
import { planReceipt } from "../../../lib/pipeline/receipts/receipt.ts"
import type { Chest } from "../../support/chest.ts"
import { type Hospital, openHospital } from "../../support/hospital.ts"
import { mustClaim, newRun } from "../../support/ledger.ts"

test("A receipt that says all already leaves no intent behind when the run dies there", async () => {
  using hospital = await openHospital()
  const { studyId } = await hospital.admit()
  await hospital.discoverAndCopy()
  const series = await hospital.withDeps(async (deps) => deps.series)
  using ledger = openLedger(hospital.ledgerPath)
  const claim = mustClaim(ledger, newRun(ledger), studyId)
  expect(ledger.write(() => planReceipt({ ledger, series }, claim, false))).toMatchObject({ isWritten: true })
  expect(studyById(ledger, studyId)).toMatchObject({ receiptIntent: null, receiptStale: 0 })
})

test("A receipt that a dying run replaced is found out, although the ledger's own would say the right thing", async () => {
  using hospital = await openHospital()
  const study = await hospital.admit({ images: [{}, {}] })
  await hospital.discoverAndCopy()
  const [image] = study.rows.pacs_images
  await hospital.pacs.sql`delete from pacs_images where id = ${image!.id}`
  await hospital.discover()
  dieBehindTheReceipt(hospital, study)

  await hospital.pacs.insert({ pacs_images: [image!] })
  expect((await hospital.discoverAndCopy()).copy.totals).toMatchObject({
    succeeded: 1,
    dicom_files_uploaded: 0,
  })
  expect(JSON.parse(hospital.text(study.receiptKey)).objects).toHaveLength(4)
  const { generation } = hospital.cloud.describe(hospital.destination, study.receiptKey)!
  expect(hospital.rows("select receipt_generation, receipt_intent from studies")).toEqual([
    { receipt_generation: generation, receipt_intent: null },
  ])
})

/** What a run leaves behind that wrote the receipt without the first image, and died before it could record that. */
function dieBehindTheReceipt({ ledgerPath, cloud, destination }: Hospital, { studyId, receiptKey }: Chest) {
  using ledger = openLedger(ledgerPath)
  const runId = newRun(ledger)
  recordReceiptIntent(ledger, claimStudy(ledger, runId, studyId)!, "without the image")
  const metadata = { ledger: ledger.id, receipt: "without the image" }
  cloud.put(destination, receiptKey, JSON.stringify({ objects: [] }), { metadata })
  endRun(ledger, runId, "crashed", {})
}
