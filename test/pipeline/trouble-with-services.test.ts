import { describe, expect, test } from "bun:test"
import { readdirSync } from "node:fs"
import type { FaultRule } from "../../lib/demo/cloud/faults.ts"
import { dicomBody } from "../support/chest.ts"
import { failures, openHospital } from "../support/hospital.ts"

const MiB = 1 << 20

describe("a service that is unavailable", () => {
  const passing: readonly [string, FaultRule["fault"]][] = [
    ["429", { kind: "status", status: 429 }],
    ["500", { kind: "status", status: 500 }],
    ["503", { kind: "status", status: 503 }],
    ["503 with Retry-After", { kind: "status", status: 503, retryAfter: "0" }],
    ["a reset connection", { kind: "reset" }],
    ["a truncated answer", { kind: "cut", bytes: 0, end: "close" }],
    ["an answer that is reset", { kind: "cut", bytes: 0, end: "reset" }],
  ]

  test.each(passing)("for five tries is outlived, on the origin's side: %s", async (_, fault) => {
    using hospital = await openHospital()
    const study = await hospital.admit()
    for (const size of [400, 2 * MiB]) {
      hospital.cloud.put(hospital.origin, study.imageKeys[0]!, dicomBody(size, size))
      const trouble = hospital.cloud.fail({ operation: "s3.get", key: study.imageKeys[0]!, times: 5, fault })
      const { copy, code } =
        size === 400
          ? await hospital.discoverAndCopy()
          : { copy: await hospital.copy({ force: true }), code: 0 }
      expect(copy.studies[0]).toMatchObject({ success: true, dicom_files_uploaded: 1 })
      expect(code).toBe(0)
      expect(trouble.hits).toBe(5)
      expect(hospital.cloud.get(hospital.destination, study.imageKeys[0]!)!.bytes).toEqual(
        dicomBody(size, size),
      )
    }
  })

  test.each(passing)(
    "for good fails the object with verdict retry, after six tries at least; the rest goes on: %s",
    async (_, fault) => {
      using hospital = await openHospital()
      const [study, other] = [await hospital.admit(), await hospital.admit()]
      const trouble = hospital.cloud.fail({
        operation: "s3.get",
        key: study.imageKeys[0]!,
        times: 1000,
        fault,
      })
      const { copy, code } = await hospital.discoverAndCopy()
      expect(trouble.hits).toBeGreaterThanOrEqual(6)
      expect(trouble.hits).toBeLessThan(20)
      expect(copy.studies.find(({ study_id }) => study_id === other.studyId)).toMatchObject({ success: true })
      expect(failures(hospital)).toEqual([
        {
          path: study.imageKeys[0]!,
          verdict: "retry",
          error_class: expect.stringMatching(/Unavailable|BodyBroken/),
        },
      ])
      expect(code).toBe(1)
      trouble.release()
      expect((await hospital.discoverAndCopy()).code).toBe(0)
    },
  )

  const uploads: readonly [string, FaultRule["fault"]][] = [
    ...passing.filter(([, { kind }]) => kind !== "cut"),
    ["an upload that is reset on its way", { kind: "cut-upload", bytes: 200 }],
  ]
  test.each(uploads)("for five tries is outlived, on the destination's side: %s", async (_, fault) => {
    using hospital = await openHospital()
    hospital.env.OBJECTS_IN_FLIGHT = "1"
    const study = await hospital.admit({ images: [{}, { instance_number: 2 }] })
    hospital.cloud.put(hospital.origin, study.imageKeys[1]!, dicomBody(2, 2 * MiB))
    const trouble = ["gcs.insert", "gcs.resumable.open", "gcs.resumable.write"].map((operation) =>
      hospital.cloud.fail({ operation, times: operation === "gcs.insert" ? 5 : 2, fault }),
    )
    expect((await hospital.discoverAndCopy()).copy.studies[0]).toMatchObject({
      success: true,
      dicom_files_uploaded: 2,
    })
    expect(trouble.map(({ hits }) => hits)).toEqual([5, 2, 2])
    const created = hospital.cloud.log.entries.flatMap(({ effect, key }) =>
      effect === "created" ? [key] : [],
    )
    expect(created.sort()).toEqual(hospital.cloud.keys(hospital.destination))
  })

  test("at the destination for good fails every object with verdict retry; nothing is given up", async () => {
    using hospital = await openHospital()
    await hospital.admit()
    const outage = hospital.cloud.fail({
      bucket: hospital.destination,
      operation: "gcs.insert",
      times: 1000,
      fault: { kind: "status", status: 503 },
    })
    expect((await hospital.discoverAndCopy()).code).toBe(1)
    expect(failures(hospital).map(({ verdict, error_class }) => `${verdict} ${error_class}`)).toEqual(
      Array(3).fill("retry Unavailable"),
    )
    expect(outage.hits).toBe(18)
    outage.release()
    expect((await hospital.discoverAndCopy()).code).toBe(0)
  })

  test("when a study's files are to be listed fails that study as a whole, to be tried by the next run", async () => {
    using hospital = await openHospital()
    const [listed, other] = [await hospital.admit({ images: [] }), await hospital.admit()]
    await hospital.discover()
    const fault = { kind: "status", status: 503 } as const
    const outage = hospital.cloud.fail({ operation: "s3.list", nth: 2, times: 1000, fault })
    const { studies, code } = await hospital.copy()
    expect(outage.hits).toBe(6)
    expect(studies.find(({ study_id }) => study_id === other.studyId)).toMatchObject({ success: true })
    expect(failures(hospital)).toEqual([
      { path: `${listed.organizationId}/${listed.studyId}/`, verdict: "retry", error_class: "Unavailable" },
    ])
    expect(code).toBe(1)
    outage.release()
    expect((await hospital.copy()).code).toBe(0)
    expect(failures(hospital)).toEqual([])
  })

  test("does not make what the database has the better source", async () => {
    using hospital = await openHospital()
    const study = await hospital.admit({ reports: [{ content: "an older wording" }] })
    const fault = { kind: "status", status: 503 } as const
    hospital.cloud.fail({ operation: "s3.get", key: study.reportKeys[0]!, times: 1000, fault })
    await hospital.discoverAndCopy()
    expect(failures(hospital)).toEqual([
      { path: study.reportKeys[0]!, verdict: "retry", error_class: "Unavailable" },
    ])
  })

  test("and asks for an hour's patience is not waited for: it is tried by the next run", async () => {
    using hospital = await openHospital()
    const study = await hospital.admit()
    const fault = { kind: "status", status: 503, retryAfter: "3600" } as const
    const busy = hospital.cloud.fail({ operation: "s3.get", key: study.imageKeys[0]!, times: 1000, fault })
    await hospital.discoverAndCopy()
    expect(busy.hits).toBe(1)
    expect(failures(hospital)).toMatchObject([{ verdict: "retry", error_class: "Unavailable" }])
  })
})

describe("a transfer that stands still", () => {
  const stalls: readonly [string, string, number, FaultRule["fault"]][] = [
    ["before the answer", "s3.get", 400, { kind: "stall" }],
    ["within a small body", "s3.get", 400, { kind: "cut", bytes: 200, end: "stall" }],
    ["within a large body", "s3.get", 2 * MiB, { kind: "cut", bytes: MiB, end: "stall" }],
    ["at an upload", "gcs.insert", 400, { kind: "stall" }],
    ["within a large upload", "gcs.resumable.write", 2 * MiB, { kind: "stall" }],
  ]
  test.each(stalls)("for STALL_SECONDS is aborted and tried again: %s", async (_, operation, size, fault) => {
    using hospital = await openHospital()
    hospital.env.STALL_SECONDS = "0.1"
    const study = await hospital.admit()
    hospital.cloud.put(hospital.origin, study.imageKeys[0]!, dicomBody(1, size))
    await hospital.discover()
    using stalled = hospital.cloud.fail({
      operation,
      ...(operation === "s3.get" && { key: study.imageKeys[0]! }),
      fault,
    })
    expect((await hospital.copy()).studies[0]).toMatchObject({
      success: true,
      dicom_files_uploaded: 1,
      errors: [],
    })
    expect(stalled.hits).toBe(1)
    expect(hospital.cloud.get(hospital.destination, study.imageKeys[0]!)!.bytes).toEqual(dicomBody(1, size))
    expect(readdirSync(hospital.env.SPOOL_DIR!)).toEqual([])
  })
})
