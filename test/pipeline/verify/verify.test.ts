import { describe, expect, test } from "bun:test"
import { openLedger } from "../../../lib/ledger/open.ts"
import { repairTotals } from "../../../lib/ledger/totals.ts"
import { UsageError } from "../../../lib/support/errors.ts"
import { failureOf } from "../../contract/bodies.ts"
import { type Chest, dicomBody } from "../../support/chest.ts"
import { folderDestination, type Hospital, openHospital } from "../../support/hospital.ts"

const ledgerRuns = (hospital: Hospital) => hospital.rows<{ script: string }>("select script from runs")

/** The same in every run, so that a sample of them is the same, too. */
const studyId = (n: number) => `5d000000-0000-4000-8000-${String(n).padStart(12, "0")}`

/** A hospital with studies that are copied. */
async function copied(count: number): Promise<{ hospital: Hospital; studies: Chest[] }> {
  const hospital = await openHospital()
  const studies: Chest[] = []
  for (let n = 0; n < count; n++) studies.push(await hospital.admit({ study: { id: studyId(n) } }))
  await hospital.discoverAndCopy()
  hospital.cloud.log.clear()
  return { hospital, studies }
}

/** What may happen to an object behind our back. */
const DAMAGES: readonly [
  problem: string,
  damage: (hospital: Hospital, key: string) => void,
  mended: "by itself" | "by force",
][] = [
  ["missing", ({ cloud, destination }, key) => cloud.delete(destination, key), "by itself"],
  ["size", ({ cloud, destination }, key) => cloud.put(destination, key, "short"), "by force"],
  ["crc32c", ({ cloud, destination }, key) => cloud.put(destination, key, dicomBody(9)), "by force"],
  ["generation", ({ cloud, destination }, key) => cloud.put(destination, key, dicomBody(1)), "by itself"],
]

describe("verify", () => {
  test("finds nothing wrong with what was just copied, and counts it", async () => {
    const { hospital } = await copied(3)
    using _ = hospital
    const report = await hospital.verify()
    expect(report).toMatchObject({
      code: 0,
      studies: 3,
      objects: 9,
      busy: 0,
      problems: [],
      queued: 0,
      finished: true,
    })
    const [{ bytes }] = hospital.rows<{ bytes: number }>(
      "select bytes from totals where name = 'objects.copied'",
    ) as [{ bytes: number }]
    expect(report.bytes).toBe(bytes)
  })

  test.each(DAMAGES)(
    "tells an object that is different: %s; --repair and a copy mend it",
    async (problem, damage, mended) => {
      const { hospital, studies } = await copied(2)
      using _ = hospital
      const { studyId, imageKeys } = studies[0]!
      const [key] = imageKeys as [string]
      damage(hospital, key)
      const looked = await hospital.verify()
      expect(looked).toMatchObject({ code: 1, queued: 0, problems: [{ study_id: studyId, key, problem }] })
      expect((await hospital.copy()).studies).toEqual([])
      expect(await hospital.verify({ repair: true })).toMatchObject({
        code: 1,
        queued: 1,
        problems: [{ key }],
      })
      await hospital.copy()
      if (mended === "by force") {
        expect(hospital.rows("select error_class from failures")).toEqual([
          { error_class: "DestinationConflict" },
        ])
        await hospital.copy({ studyIds: [studyId], force: true })
      }
      expect(await hospital.verify({ read: true })).toMatchObject({ code: 0, problems: [] })
      expect(hospital.cloud.get(hospital.destination, key)!.bytes).toEqual(dicomBody(1))
    },
  )

  test("tells a receipt that is missing or was replaced; --repair and a copy mend the one that is missing", async () => {
    const { hospital, studies } = await copied(2)
    using _ = hospital
    const { cloud, destination } = hospital
    const [gone, foreign] = studies as [Chest, Chest]
    cloud.delete(destination, gone.receiptKey)
    cloud.put(destination, `${gone.receiptKey}.bak`, "beside it")
    expect((await hospital.verify({ studyIds: [gone.studyId] })).problems).toMatchObject([
      { problem: "missing" },
    ])
    cloud.put(destination, foreign.receiptKey, "somebody else's")
    const { problems, queued } = await hospital.verify({ repair: true })
    expect(problems.map(({ key, problem }) => [key, problem]).sort()).toEqual(
      [
        [gone.receiptKey, "missing"],
        [foreign.receiptKey, "generation"],
      ].sort(),
    )
    expect(queued).toBe(2)
    const { studies: results } = await hospital.copy()
    expect(Object.fromEntries(results.map(({ study_id, success }) => [study_id, success]))).toEqual({
      [gone.studyId]: true,
      [foreign.studyId]: false,
    })
    expect(hospital.text(foreign.receiptKey)).toBe("somebody else's")
    expect((await hospital.verify({ studyIds: [gone.studyId] })).code).toBe(0)
  })

  test("with --read finds bytes that changed behind right metadata; --repair and a copy mend them", async () => {
    const { hospital, studies } = await copied(2)
    using _ = hospital
    const [key] = studies[0]!.imageKeys as [string]
    hospital.cloud.corrupt(hospital.destination, key)
    expect((await hospital.verify()).problems).toEqual([])
    const { problems, queued } = await hospital.verify({ read: true, repair: true })
    expect(problems).toMatchObject([{ key, problem: "bytes", study_id: studies[0]!.studyId }])
    expect(queued).toBe(1)
    expect((await hospital.copy()).studies).toMatchObject([{ success: true, dicom_files_uploaded: 1 }])
    expect(hospital.cloud.get(hospital.destination, key)!.bytes).toEqual(dicomBody(1))
    expect(await hospital.verify({ read: true })).toMatchObject({ code: 0, problems: [] })
  })

  test("as a dry run tells what a repair would queue, and records nothing", async () => {
    const { hospital, studies } = await copied(1)
    using _ = hospital
    hospital.cloud.delete(hospital.destination, studies[0]!.imageKeys[0]!)
    hospital.cloud.delete(hospital.destination, studies[0]!.receiptKey)
    expect(await hospital.verify({ repair: true, dryRun: true })).toMatchObject({ code: 1, queued: 2 })
    expect(ledgerRuns(hospital)).toEqual([{ script: "copy" }])
    expect((await hospital.copy()).studies).toEqual([])
  })

  test("asks for list pages, never for an object: two for an organization of any number of studies", async () => {
    using hospital = await openHospital()
    const [first] = [await hospital.admit()]
    for (let n = 0; n < 5; n++) await hospital.admit({ study: { organization_id: first.organizationId } })
    await hospital.discoverAndCopy()
    hospital.cloud.log.clear()
    expect((await hospital.verify()).studies).toBe(6)
    // Of six organizations five have no study; the probe is the first request.
    expect(hospital.cloud.log.counters.operations).toEqual({ "gcs.list": { 200: 1 + 2 } })
  })

  test("asks once for a thousand objects", async () => {
    const { hospital, studies } = await copied(1)
    using _ = hospital
    const { studyId, organizationId } = studies[0]!
    {
      using ledger = openLedger(hospital.ledgerPath)
      const insert = ledger.db.query(
        `insert into objects (study_id, position, kind, path, source_hash, state, size, crc32c, generation)
         values ($studyId, $position, 'dicom', $path, '', 'copied', $size, $crc32c, $generation)`,
      )
      ledger.write(() => {
        for (let position = 3; position < 1003; position++) {
          const path = `dicom_files/${position}`
          const key = `${organizationId}/${studyId}/${path}`
          const { size, crc32c, generation } = hospital.cloud.put(hospital.destination, key, `${position}`)
          insert.run({ studyId, position, path, size, crc32c, generation })
        }
        repairTotals(ledger)
      })
    }
    expect(await hospital.verify()).toMatchObject({ objects: 1003, problems: [] })
    expect(hospital.cloud.log.counters.operations).toEqual({ "gcs.list": { 200: 1 + 2 + 1 } })
  })

  test("of a sample always takes the same studies, and a larger sample those and more", async () => {
    const { hospital, studies } = await copied(20)
    using _ = hospital
    // Every object goes, so that the problems tell which studies were looked at.
    for (const key of hospital.cloud.keys(hospital.destination))
      hospital.cloud.delete(hospital.destination, key)
    const sampled = async (sample: number) =>
      new Set((await hospital.verify({ sample })).problems.map(({ study_id }) => study_id!))
    const [small, again, larger] = [await sampled(30), await sampled(30), await sampled(70)]
    expect(again).toEqual(small)
    expect(small.isSubsetOf(larger)).toBe(true)
    expect([small.size > 0, small.size < larger.size, larger.size < studies.length]).toEqual([
      true,
      true,
      true,
    ])
    expect((await sampled(100)).size).toBe(studies.length)
  })

  test("of named studies looks at these alone, and knows no others", async () => {
    const { hospital, studies } = await copied(2)
    using _ = hospital
    const [first, second] = studies as [Chest, Chest]
    hospital.cloud.delete(hospital.destination, second.imageKeys[0]!)
    expect(await hospital.verify({ studyIds: [first.studyId] })).toMatchObject({
      studies: 1,
      objects: 3,
      problems: [],
    })
    expect(await failureOf(hospital.verify({ studyIds: [crypto.randomUUID()] }))).toBeInstanceOf(UsageError)
  })

  test("minds neither what was never copied nor what others keep beside it", async () => {
    const { hospital, studies } = await copied(1)
    using _ = hospital
    const { organizationId, studyId } = studies[0]!
    for (const key of [
      "",
      `${organizationId}/`,
      `${organizationId}/${studyId}/`,
      "_receipts/",
      `_receipts/${organizationId}/`,
    ])
      for (const name of ["0", "zz 🫁.txt"]) hospital.cloud.put(hospital.destination, key + name, "not ours")
    await hospital.admit()
    await hospital.discover()
    expect(await hospital.verify()).toMatchObject({ code: 0, studies: 2, objects: 3, problems: [] })
  })

  test("leaves out studies that another run is working on", async () => {
    const { hospital, studies } = await copied(2)
    using _ = hospital
    {
      using ledger = openLedger(hospital.ledgerPath)
      ledger.db.run(
        `insert into claims values ('${studies[0]!.studyId}', 'token', 1, '2099-01-01T00:00:00Z', '2099-01-01T00:00:00Z')`,
      )
    }
    hospital.cloud.delete(hospital.destination, studies[0]!.imageKeys[0]!)
    expect(await hospital.verify()).toMatchObject({ code: 0, studies: 1, busy: 1, problems: [] })
    expect(await hospital.verify({ studyIds: [studies[1]!.studyId] })).toMatchObject({ studies: 1, busy: 0 })
  })

  test("leaves out a study that was copied again while it was looked at", async () => {
    const { hospital, studies } = await copied(1)
    using _ = hospital
    const [key] = studies[0]!.imageKeys as [string]
    hospital.cloud.delete(hospital.destination, key)
    const stalled = hospital.cloud.fail({ operation: "gcs.get", key, fault: { kind: "stall" } })
    const verifying = hospital.verify({ repair: true })
    await stalled.reached()
    expect((await hospital.copy({ force: true })).code).toBe(0)
    stalled.release()
    expect(await verifying).toMatchObject({ code: 0, busy: 1, problems: [], queued: 0 })
    expect((await hospital.verify()).code).toBe(0)
  })

  test("counts the ledger's rows again: totals that somebody changed are told and put right", async () => {
    const { hospital } = await copied(1)
    using _ = hospital
    {
      using ledger = openLedger(hospital.ledgerPath)
      ledger.db.run("update totals set count = count + 7 where name = 'objects.copied'")
    }
    const problem = {
      study_id: null,
      key: "totals.objects.copied",
      problem: "totals",
      expected: 3,
      found: 10,
    } as const
    expect((await hospital.verify()).problems).toEqual([problem])
    expect((await hospital.verify({ repair: true })).problems).toEqual([problem])
    expect((await hospital.verify()).problems).toEqual([])
  })

  test("does all of it with a folder as the destination, too", async () => {
    using hospital = await openHospital()
    const folder = folderDestination(hospital.dir)
    hospital.env.DESTINATION_URI = folder.uri
    const study = await hospital.admit()
    await hospital.discoverAndCopy()
    expect(await hospital.verify({ read: true })).toMatchObject({ code: 0, objects: 3, problems: [] })
    await Bun.write(`${folder.path}/${study.imageKeys[0]}`, dicomBody(9))
    await Bun.file(`${folder.path}/${study.receiptKey}`).delete()
    const { problems } = await hospital.verify({ repair: true })
    expect(problems.map(({ key, problem }) => [key, problem])).toEqual([
      [study.imageKeys[0]!, "crc32c"],
      [study.receiptKey, "missing"],
    ])
    expect((await hospital.copy({ studyIds: [study.studyId], force: true })).code).toBe(0)
    expect((await hospital.verify({ read: true })).problems).toEqual([])
  })
})
