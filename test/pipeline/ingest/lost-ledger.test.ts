import { describe, expect, test } from "bun:test"
import { rmSync } from "node:fs"
import type { RebuildReport } from "../../../lib/pipeline/verify/rebuild.ts"
import { dicom, nth, SERIES, uid } from "../../cod/writing/files.ts"
import type { Chest } from "../../support/chest.ts"
import { effectsAt, type Hospital, openHospital } from "../../support/hospital.ts"
import { script } from "../../support/scripts.ts"

async function admitted(hospital: Hospital, files: readonly Uint8Array[]): Promise<Chest> {
  const study = await hospital.admit({ images: files.map(() => ({})) })
  for (const [n, key] of study.imageKeys.entries()) hospital.cloud.put(hospital.origin, key, files[n]!)
  return study
}

interface ReceiptText {
  readonly series: readonly { readonly series_uid: string }[]
  readonly objects: readonly {
    readonly instance_uid?: string
    readonly series?: number
    readonly frames?: number
  }[]
}

/** Two studies that share a series; the second has another one, too. */
async function packedHospital(): Promise<{ hospital: Hospital; studies: readonly Chest[] }> {
  const hospital = await openHospital()
  const first = await admitted(hospital, [nth(1), nth(2)])
  const second = await admitted(hospital, [nth(3), dicom({ instance: uid(4), series: `${SERIES}.9` })])
  expect((await hospital.run()).code).toBe(0)
  return { hospital, studies: [first, second] }
}

/** The ledger is lost, and made anew by the script. */
async function rebuilt(hospital: Hospital): Promise<RebuildReport> {
  for (const suffix of ["", "-wal", "-shm"]) rmSync(hospital.ledgerPath + suffix, { force: true })
  const made = await script(hospital, "verify", "--rebuild-ledger", hospital.ledgerPath, "--json")
  expect(made.exitCode).toBe(0)
  return JSON.parse(made.stdout) as RebuildReport
}

/** What the next run does to the destination, and reads of it and of the origin. */
async function nextRun(hospital: Hospital) {
  const { cloud } = hospital
  cloud.log.clear()
  const report = await hospital.run()
  return {
    report,
    effects: cloud.log.entries.flatMap(({ effect, key }) =>
      effect === undefined ? [] : [`${effect} ${key}`],
    ),
    bodies: cloud.log.count({ operation: "s3.get" }) + cloud.log.count({ operation: "gcs.media" }),
  }
}

describe("After a run whose ledger is lost", () => {
  test("the rebuilt one lets the next run copy and pack nothing, and read no body", async () => {
    const { hospital, studies } = await packedHospital()
    using _ = hospital
    expect(await rebuilt(hospital)).toMatchObject({ studies: 2, series: 2, unusable: [] })
    const { report, effects, bodies } = await nextRun(hospital)
    expect(report.code).toBe(0)
    expect(report.copy.totals).toMatchObject({ succeeded: 2, bytes: 0, series_packed: 0, instances_new: 0 })
    expect({ effects, bodies }).toEqual({ effects: [], bodies: 0 })
    expect(hospital.rows("select state, count(*) as n from cod_series group by 1")).toEqual([
      { state: "packed", n: 2 },
    ])
    for (const { receiptKey } of studies) expect(effectsAt(hospital, receiptKey)).toEqual([])
    expect(await hospital.verify()).toMatchObject({ code: 0, series: 2 })
  })

  test("the same where raw copies were deleted: they are not brought again, and verify looks for them in their series", async () => {
    const { hospital, studies } = await packedHospital()
    using _ = hospital
    const deleting = await script(hospital, "ingest", "--delete-copies")
    expect({ exitCode: deleting.exitCode, out: deleting.stdout }).toMatchObject({ exitCode: 0 })
    expect(deleting.stdout).toContain("4 raw copies deleted")
    const copies = () =>
      hospital.cloud.keys(hospital.destination).filter((key) => key.includes("/dicom_files/"))
    expect(copies()).toEqual([])
    expect(await hospital.verify({ read: true })).toMatchObject({ code: 0, series: 2, objects: 8 })
    expect((await nextRun(hospital)).effects).toEqual([])

    expect(await rebuilt(hospital)).toMatchObject({ studies: 2, series: 2, objects: 8, unusable: [] })
    const { report, effects, bodies } = await nextRun(hospital)
    expect(report.code).toBe(0)
    expect({ effects, bodies }).toEqual({ effects: [], bodies: 0 })
    expect(await hospital.verify({ read: true })).toMatchObject({ code: 0, series: 2 })
    const dry = await script(hospital, "verify", "--dry-run")
    expect({ exitCode: dry.exitCode, err: dry.stderr }).toMatchObject({ exitCode: 0 })

    // An image that changed is brought, and is another one than its series has.
    const [study] = studies
    const amended = dicom({ instance: uid(1), comment: "amended" })
    hospital.cloud.put(hospital.origin, study!.imageKeys[0]!, amended)
    await hospital.verify({ source: true })
    const { copy } = await hospital.run()
    expect(copy.totals).toMatchObject({ dicom_files_uploaded: 1, instances_conflict: 1 })
    expect(copies()).toEqual([study!.imageKeys[0]!])
    expect(hospital.rows("select count(*) as n from objects where copy_deleted_at is not null")).toEqual([
      { n: 3 },
    ])
  })
})

test("A run writes each receipt once, with the series of each file in it", async () => {
  const { hospital, studies } = await packedHospital()
  using _ = hospital
  for (const { receiptKey } of studies) expect(effectsAt(hospital, receiptKey)).toEqual(["created"])
  const { series, objects } = JSON.parse(hospital.text(studies[1]!.receiptKey)) as ReceiptText
  const named = objects.flatMap(({ instance_uid, series: n, frames }) =>
    instance_uid === undefined ? [] : [[instance_uid, series[n!]!.series_uid, frames]],
  )
  expect(named.sort()).toEqual([
    [uid(3), SERIES, 1],
    [uid(4), `${SERIES}.9`, 1],
  ])
})

test("A receipt of an adopted study names its series as soon as an ingest has read the headers, in the same run", async () => {
  using hospital = await openHospital()
  const study = await admitted(hospital, [nth(1)])
  await hospital.discover()
  for (const key of [study.metadataKey, ...study.imageKeys, ...study.reportKeys])
    hospital.cloud.put(hospital.destination, key, hospital.cloud.get(hospital.origin, key)!.bytes)
  await hospital.adopt()
  await hospital.copy()
  expect(JSON.parse(hospital.text(study.receiptKey)).series).toEqual([])
  expect((await hospital.ingest()).code).toBe(0)
  expect(JSON.parse(hospital.text(study.receiptKey)).series).toMatchObject([{ series_uid: SERIES }])
  expect(effectsAt(hospital, study.receiptKey)).toEqual(["created", "replaced"])
  expect(hospital.rows("select due, completed_at is null as open from studies")).toEqual([
    { due: 0, open: 0 },
  ])
})
