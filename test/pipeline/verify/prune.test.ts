import { describe, expect, test } from "bun:test"
import { claimStudy } from "../../../lib/ledger/claims.ts"
import { openLedger } from "../../../lib/ledger/open.ts"
import { startRun } from "../../../lib/ledger/runs.ts"
import { thisProcess } from "../../../lib/support/owner.ts"
import { type Chest, dicomBody } from "../../support/chest.ts"
import { describedAt, effectsAt, type Hospital, openHospital, storedAt } from "../../support/hospital.ts"

const retired = (hospital: Hospital) =>
  hospital.rows<{ generation: string | null; size: number | null }>(
    "select generation, size from objects where state = 'retired'",
  )

async function forgetImage({ pacs }: Hospital, instance: number) {
  await pacs.sql`delete from pacs_images where instance_number = ${instance}`
}

/** A study whose second image the database lists no longer. */
async function withRetired({ receipted = true, adopted = false } = {}) {
  const hospital = await openHospital()
  const study = await hospital.admit({ images: [{ instance_number: 1 }, { instance_number: 2 }] })
  const [keeps, goes] = study.imageKeys as [string, string]
  if (adopted) hospital.cloud.put(hospital.destination, goes, dicomBody(2))
  await hospital.discoverAndCopy()
  await forgetImage(hospital, 2)
  await hospital.discover()
  if (receipted) await hospital.copy()
  hospital.cloud.log.clear()
  return { hospital, study, keeps, goes }
}

const receipted = (hospital: Hospital, { receiptKey }: Chest) => hospital.text(receiptKey)

describe("verify --prune", () => {
  test("deletes what is retired under its generation, and nothing else; a second time finds nothing", async () => {
    const { hospital, study, keeps, goes } = await withRetired()
    using _ = hospital
    const { generation, size } = describedAt(hospital, goes)
    const told = await hospital.verify({ prune: true, dryRun: true })
    expect(told.prune).toEqual({ deleted: [{ key: goes, generation, size }], bytes: size, spared: [] })
    expect(effectsAt(hospital, goes)).toEqual([])
    const done = await hospital.verify({ prune: true })
    expect({ code: done.code, prune: done.prune }).toEqual({ code: 0, prune: told.prune! })
    expect(storedAt(hospital, goes)).toBeUndefined()
    expect(storedAt(hospital, keeps)).toEqual(dicomBody(1))
    expect(hospital.cloud.log.find({ effect: "deleted" }).map(({ key }) => key)).toEqual([goes])
    expect(receipted(hospital, study)).not.toContain(goes)
    expect(retired(hospital)).toEqual([{ generation: null, size: null }])
    expect((await hospital.verify({ prune: true })).prune).toEqual({ deleted: [], bytes: 0, spared: [] })
  })

  test("what was pruned and is listed again is copied again", async () => {
    const { hospital, study, goes } = await withRetired()
    using _ = hospital
    await hospital.verify({ prune: true })
    await hospital.pacs.insert({ pacs_images: [study.rows.pacs_images[1]!] })
    const { copy } = await hospital.discoverAndCopy()
    expect(copy.totals).toMatchObject({ succeeded: 1, dicom_files_uploaded: 1 })
    expect(storedAt(hospital, goes)).toEqual(dicomBody(2))
    expect((await hospital.verify({ read: true })).code).toBe(0)
  })

  test("leaves alone what another tool put there and we adopted", async () => {
    const { hospital, goes } = await withRetired({ adopted: true })
    using _ = hospital
    expect((await hospital.verify({ prune: true })).prune).toMatchObject({
      deleted: [],
      spared: [{ key: goes, reason: "not put there by this ledger" }],
    })
    expect(storedAt(hospital, goes)).toEqual(dicomBody(2))
  })

  test("leaves alone what was replaced since, also when that happens after the listing", async () => {
    const { hospital, goes } = await withRetired()
    using _ = hospital
    const { cloud, destination } = hospital
    const mark = describedAt(hospital, goes).metadata
    cloud.roles.allow("anonymous", { [destination]: ["storage.objects.list", "storage.objects.delete"] })
    const deletion = cloud.fail({ operation: "gcs.delete", fault: { kind: "stall" } })
    const pruning = hospital.verify({ prune: true })
    await deletion.reached()
    cloud.put(destination, goes, "somebody else's", { metadata: mark })
    deletion.release()
    const replaced = { key: goes, reason: "replaced since we put it there" } as const
    expect((await pruning).prune).toMatchObject({ deleted: [], spared: [replaced] })
    for (const dryRun of [true, false]) {
      const { prune } = await hospital.verify({ prune: true, dryRun })
      expect(prune).toMatchObject({ deleted: [], spared: [replaced] })
    }
    expect(hospital.text(goes)).toBe("somebody else's")
  })

  test("waits until the receipt does not name it any more", async () => {
    const { hospital, study, goes } = await withRetired({ receipted: false })
    using _ = hospital
    expect((await hospital.verify({ prune: true })).prune?.spared).toEqual([
      { key: goes, reason: "its study's receipt still names it: run copy first" },
    ])
    await hospital.copy()
    expect(receipted(hospital, study)).not.toContain("0002_")
    expect((await hospital.verify({ prune: true })).prune?.deleted).toHaveLength(1)
  })

  test("leaves what the database lists again while others are deleted", async () => {
    const hospital = await openHospital()
    using _ = hospital
    const study = await hospital.admit({ images: [1, 2, 3].map((instance_number) => ({ instance_number })) })
    await hospital.discoverAndCopy()
    const [, second, third] = study.rows.pacs_images
    await hospital.pacs.sql`delete from pacs_images where instance_number > 1`
    await hospital.discoverAndCopy()
    const deletion = hospital.cloud.fail({ operation: "gcs.delete", fault: { kind: "stall" } })
    const pruning = hospital.verify({ prune: true })
    await deletion.reached()
    await hospital.pacs.insert({ pacs_images: [second!, third!] })
    await hospital.discover()
    deletion.release()
    expect((await pruning).prune?.deleted.map(({ key }) => key)).toEqual([study.imageKeys[1]!])
    expect(effectsAt(hospital, study.imageKeys[2]!)).toEqual(["created"])
    await hospital.copy()
    expect(storedAt(hospital, study.imageKeys[1]!)).toEqual(dicomBody(2))
    expect((await hospital.verify({ read: true })).code).toBe(0)
  })

  test("leaves out a study that another run is working on", async () => {
    const { hospital, study, goes } = await withRetired()
    using _ = hospital
    using ledger = openLedger(hospital.ledgerPath)
    const runId = startRun(ledger, { script: "copy", arguments: [], version: "0", owner: thisProcess() })
    claimStudy(ledger, runId, study.studyId)
    expect((await hospital.verify({ prune: true })).prune?.spared).toEqual([
      { key: goes, reason: "another run is working on its study" },
    ])
    expect(effectsAt(hospital, goes)).toEqual([])
  })

  test("notes what is gone already, and takes up a deletion whose answer was lost", async () => {
    const { hospital, goes } = await withRetired()
    using _ = hospital
    hospital.cloud.fail({ operation: "gcs.delete", fault: { kind: "reset", afterEffect: true } })
    expect((await hospital.verify({ prune: true })).prune?.deleted).toHaveLength(1)
    expect(storedAt(hospital, goes)).toBeUndefined()
    expect(retired(hospital)).toEqual([{ generation: null, size: null }])
  })
})
