import { describe, expect, test } from "bun:test"
import { AccessDenied, BucketNotFound } from "../../lib/storage/errors.ts"
import type { AppError } from "../../lib/support/errors.ts"
import { failureOf } from "../contract/bodies.ts"
import { failures, type Hospital, openHospital } from "../support/hospital.ts"

type FailureClass = new (...given: never[]) => AppError

describe("a bucket that is not there or not for us", () => {
  const allowS3 = ({ cloud, env, origin }: Hospital, ...permissions: ("s3:GetObject" | "s3:ListBucket")[]) =>
    cloud.roles.allow(
      { accessKeyId: env.AWS_ACCESS_KEY_ID!, secretAccessKey: env.AWS_SECRET_ACCESS_KEY! },
      { [origin]: permissions },
    )
  const allowGcs = ({ cloud, destination }: Hospital, ...permissions: "storage.objects.create"[]) =>
    cloud.roles.allow("anonymous", { [destination]: permissions })

  const before: readonly [string, FailureClass, (hospital: Hospital) => void][] = [
    [
      "the origin is missing",
      BucketNotFound,
      ({ env }) => {
        env.ORIGIN_URI = "s3://no-such-bucket"
      },
    ],
    [
      "the destination is missing",
      BucketNotFound,
      ({ env }) => {
        env.DESTINATION_URI = "gs://no-such-bucket"
      },
    ],
    [
      "the origin does not know the key",
      AccessDenied,
      (hospital) => {
        allowS3(hospital, "s3:GetObject", "s3:ListBucket")
        allowGcs(hospital, "storage.objects.create")
        hospital.env.AWS_SECRET_ACCESS_KEY = "another-secret"
      },
    ],
  ]
  test.each(before)("is told before any work: %s", async (_, Failure, arrange) => {
    using hospital = await openHospital()
    await hospital.admit()
    await hospital.discover()
    arrange(hospital)
    const error = await failureOf(hospital.copy())
    expect(error).toBeInstanceOf(Failure)
    expect((error as AppError).verdict).toBe("stop")
    expect(hospital.rows("select 1 from copy_attempts union all select 1 from claims")).toEqual([])
    expect(hospital.rows("select outcome from runs where script = 'copy'")).toEqual([{ outcome: "failed" }])
  })

  test.each([
    ["the origin", [], ["storage.objects.create"]],
    ["the destination", ["s3:GetObject", "s3:ListBucket"], []],
  ] as const)(
    "is told once, at the first object, where no right lets one look before: %s",
    async (_, s3, gcs) => {
      using hospital = await openHospital()
      for (let n = 0; n < 5; n++) await hospital.admit()
      await hospital.discover()
      allowS3(hospital, ...s3)
      allowGcs(hospital, ...gcs)
      const error = await failureOf(hospital.copy({ concurrency: 1 }))
      expect(error).toBeInstanceOf(AccessDenied)
      expect((error as AppError).verdict).toBe("stop")
      expect(hospital.cloud.keys(hospital.destination)).toEqual([])
      const asked = hospital.cloud.log.find({ operation: "s3.get" }).map(({ key }) => key!.split("/")[1])
      expect(new Set(asked).size).toBe(1)
      expect(hospital.rows("select 1 from claims")).toEqual([])
      allowS3(hospital, "s3:GetObject", "s3:ListBucket")
      allowGcs(hospital, "storage.objects.create")
      expect((await hospital.copy()).totals).toMatchObject({ studies: 5, succeeded: 5 })
    },
  )

  test("refusing one object among others fails that object alone, and it is tried again", async () => {
    using hospital = await openHospital()
    const study = await hospital.admit({ images: [{}, { instance_number: 2 }] })
    const [refused] = study.imageKeys as [string]
    const refusal = hospital.cloud.fail({
      operation: "s3.get",
      key: refused,
      times: 9,
      fault: { kind: "status", status: 403 },
    })
    const { copy, code } = await hospital.discoverAndCopy()
    expect(copy.studies[0]).toMatchObject({
      success: false,
      dicom_files_uploaded: 1,
      metadata_uploaded: true,
    })
    expect(failures(hospital)).toEqual([{ path: refused, verdict: "retry", error_class: "AccessDenied" }])
    expect(code).toBe(1)
    refusal.release()
    expect((await hospital.discoverAndCopy()).code).toBe(0)
  })
})
