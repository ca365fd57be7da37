import { Database } from "bun:sqlite"
import { describe, expect, test } from "bun:test"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { dirname } from "node:path"
import type { FaultRule } from "../../lib/demo/cloud/faults.ts"
import { LedgerUnusable } from "../../lib/ledger/errors.ts"
import { copyStudies } from "../../lib/pipeline/copy.ts"
import { DatabaseRefused, DatabaseUnreachable, SchemaMismatch } from "../../lib/source/errors.ts"
import { AccessDenied, BucketNotFound } from "../../lib/storage/errors.ts"
import type { AppError } from "../../lib/support/errors.ts"
import { explain } from "../../lib/support/failure.ts"
import { failureOf } from "../contract/bodies.ts"
import { dicomBody } from "../support/chest.ts"
import { type Hospital, openHospital } from "../support/hospital.ts"

const MiB = 1 << 20

type FailureClass = new (...given: never[]) => AppError

const failures = (hospital: Hospital) =>
  hospital.rows<{ verdict: string; error_class: string; path: string }>(
    "select verdict, error_class, path from failures",
  )

/** Every file of the ledger's folder, to the byte. */
function ledgerFiles({ ledgerPath }: Hospital) {
  const folder = dirname(ledgerPath)
  if (!existsSync(folder)) return {}
  return Object.fromEntries(
    readdirSync(folder).map((name) => [name, Bun.hash(readFileSync(`${folder}/${name}`)).toString()]),
  )
}

/** Changes the database's tables for the time of some work. */
async function withChange<T>(
  { pacs }: Hospital,
  change: string,
  undo: string,
  work: () => Promise<T>,
): Promise<T> {
  await pacs.sql.unsafe(change)
  try {
    return await work()
  } finally {
    await pacs.sql.unsafe(undo)
  }
}

describe("a database that does not answer as it should", () => {
  const cases: readonly [
    what: string,
    Failure: FailureClass,
    trouble: { readonly env?: Record<string, string>; readonly change?: string; readonly undo?: string },
  ][] = [
    ["is out of reach", DatabaseUnreachable, { env: { SOURCE_DATABASE_PORT: "1" } }],
    ["refuses the password", DatabaseRefused, { env: { SOURCE_DATABASE_PASS: "not-the-password" } }],
    ["is not there", DatabaseRefused, { env: { SOURCE_DATABASE_NAME: "no such database" } }],
    [
      "lacks a table",
      SchemaMismatch,
      {
        change: "alter table pacs_body_part rename to other",
        undo: "alter table other rename to pacs_body_part",
      },
    ],
    [
      "lacks a column that decides",
      SchemaMismatch,
      {
        change: "alter table pacs_organizations rename is_demo to demo",
        undo: "alter table pacs_organizations rename demo to is_demo",
      },
    ],
    [
      "lacks a column that is copied",
      SchemaMismatch,
      {
        change: "alter table pacs_images rename file_size to bytes",
        undo: "alter table pacs_images rename bytes to file_size",
      },
    ],
    [
      "does not let a table be read",
      DatabaseRefused,
      {
        change: "revoke select on pacs_images from pacs_reader",
        undo: "grant select on pacs_images to pacs_reader",
      },
    ],
  ]

  test.each(cases)(
    "%s: it is told with its host and name, never the password, and the ledger is as it was",
    async (...row) => {
      const [, Failure, { env = {}, change = "select 1", undo = "select 1" }] = row
      using hospital = await openHospital()
      const study = await hospital.admit()
      const secret = hospital.env.SOURCE_DATABASE_PASS!
      const before = { ...hospital.env }
      const attempt = () =>
        withChange(hospital, change, undo, async () => {
          Object.assign(hospital.env, env)
          const errors = [await failureOf(hospital.run()), await failureOf(hospital.discover())]
          Object.assign(hospital.env, before)
          return errors
        })
      for (const error of await attempt()) {
        expect(error).toBeInstanceOf(Failure)
        const told = explain(error, { stack: true }) + hospital.logged.join("")
        expect(told).toContain("127.0.0.1")
        expect(told).toContain(`database=${env.SOURCE_DATABASE_NAME ?? before.SOURCE_DATABASE_NAME}`)
        expect(told).not.toContain(secret)
        expect(told).not.toContain("not-the-password")
      }
      expect(ledgerFiles(hospital)).toEqual({})
      expect((await hospital.run()).code).toBe(0)
      const files = ledgerFiles(hospital)
      await attempt()
      expect(ledgerFiles(hospital)).toEqual(files)
      expect(hospital.cloud.keys(hospital.destination)).toContain(study.receiptKey)
    },
  )

  test("is asked again when it is out of reach, and not when it refused", async () => {
    using hospital = await openHospital()
    hospital.env.SOURCE_DATABASE_PORT = "1"
    await failureOf(hospital.discover())
    const again = hospital.logged.filter((line) => line.includes("asking the database again"))
    expect(again).toHaveLength(5)
    hospital.env.SOURCE_DATABASE_PORT = String(hospital.pacs.settings.port)
    hospital.env.SOURCE_DATABASE_PASS = "not-the-password"
    await failureOf(hospital.discover())
    expect(hospital.logged.filter((line) => line.includes("asking the database again"))).toHaveLength(5)
  })

  test("is not needed by a copy of what the origin holds; what it alone has waits for it", async () => {
    using hospital = await openHospital()
    const [whole, lacking] = [
      await hospital.admit(),
      await hospital.admit({ reports: [{ content: "text" }] }),
    ]
    hospital.cloud.delete(hospital.origin, lacking.reportKeys[0]!)
    await hospital.discover()
    hospital.env.SOURCE_DATABASE_PORT = "1"
    const { studies } = await hospital.copy()
    expect(studies.find(({ study_id }) => study_id === whole.studyId)).toMatchObject({ success: true })
    expect(failures(hospital)).toEqual([
      { path: lacking.reportKeys[0]!, verdict: "retry", error_class: "DatabaseUnreachable" },
    ])
    hospital.env.SOURCE_DATABASE_PORT = String(hospital.pacs.settings.port)
    expect((await hospital.copy()).code).toBe(0)
  })
})

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
      expect(hospital.rows("select count(distinct study_id) as tried from copy_attempts")).toEqual([
        { tried: 1 },
      ])
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
    const { copy, code } = await hospital.run()
    expect(copy.studies[0]).toMatchObject({
      success: false,
      dicom_files_uploaded: 1,
      metadata_uploaded: true,
    })
    expect(failures(hospital)).toEqual([{ path: refused, verdict: "retry", error_class: "AccessDenied" }])
    expect(code).toBe(1)
    refusal.release()
    expect((await hospital.run()).code).toBe(0)
  })
})

describe("a service that is unavailable", () => {
  const passing: readonly [string, FaultRule["fault"]][] = [
    ["429", { kind: "status", status: 429 }],
    ["500", { kind: "status", status: 500 }],
    ["503", { kind: "status", status: 503 }],
    ["503 with Retry-After", { kind: "status", status: 503, retryAfter: "0" }],
    ["a reset connection", { kind: "reset" }],
    ["a truncated answer", { kind: "cut", bytes: 100, end: "close" }],
    ["an answer that is reset", { kind: "cut", bytes: 100, end: "reset" }],
  ]

  test.each(passing)("for five tries is outlived, on the origin's side: %s", async (_, fault) => {
    using hospital = await openHospital()
    const study = await hospital.admit()
    for (const size of [400, 2 * MiB]) {
      hospital.cloud.put(hospital.origin, study.imageKeys[0]!, dicomBody(size, size))
      const trouble = hospital.cloud.fail({ operation: "s3.get", key: study.imageKeys[0]!, times: 5, fault })
      const { copy, code } =
        size === 400 ? await hospital.run() : { copy: await hospital.copy({ force: true }), code: 0 }
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
      const { copy, code } = await hospital.run()
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
      expect((await hospital.run()).code).toBe(0)
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
    expect((await hospital.run()).copy.studies[0]).toMatchObject({ success: true, dicom_files_uploaded: 2 })
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
    expect((await hospital.run()).code).toBe(1)
    expect(failures(hospital).map(({ verdict, error_class }) => `${verdict} ${error_class}`)).toEqual(
      Array(3).fill("retry Unavailable"),
    )
    expect(outage.hits).toBe(18)
    outage.release()
    expect((await hospital.run()).code).toBe(0)
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

  test("and asks for an hour's patience is not waited for: it is tried by the next run", async () => {
    using hospital = await openHospital()
    const study = await hospital.admit()
    const fault = { kind: "status", status: 503, retryAfter: "3600" } as const
    const busy = hospital.cloud.fail({ operation: "s3.get", key: study.imageKeys[0]!, times: 1000, fault })
    await hospital.run()
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

describe("a ledger that cannot be used", () => {
  test.each([
    [
      "is newer than the program",
      (path: string) => edit(path, "pragma user_version = 99"),
      "newer than this program",
    ],
    [
      "is damaged",
      (path: string) => Bun.write(path, "SQLite format 3\0 and then nothing of it".repeat(200)),
      "damaged",
    ],
    ["is something else", (path: string) => Bun.write(path, "my shopping list ".repeat(50)), "damaged"],
  ] as const)("stops every script before any work: it %s", async (_, spoil, told) => {
    using hospital = await openHospital()
    await hospital.admit()
    await hospital.discover()
    await spoil(hospital.ledgerPath)
    hospital.cloud.log.clear()
    for (const step of [hospital.run, hospital.copy, hospital.discover, hospital.verify]) {
      const error = await failureOf(step())
      expect(error).toBeInstanceOf(LedgerUnusable)
      expect((error as Error).message).toContain(told)
    }
    expect(hospital.cloud.log.entries.filter(({ operation }) => operation !== "gcs.list")).toEqual([])
  })

  test("because its disk is full stops the work that is under way; nothing is recorded by halves", async () => {
    using hospital = await openHospital()
    const study = await hospital.admit({
      images: Array.from({ length: 200 }, (_, n) => ({ instance_number: n })),
    })
    await hospital.discover()
    const never = new AbortController().signal
    const error = await failureOf(
      hospital.withDeps(async (deps) => {
        const { page_count } = deps.ledger.db.query<{ page_count: number }, []>("pragma page_count").get()!
        deps.ledger.db.run(`pragma max_page_count = ${page_count + 2}`)
        return copyStudies(deps, { concurrency: 1 }, { requested: never, forced: never })
      }),
    )
    expect(error).toBeInstanceOf(LedgerUnusable)
    expect((error as Error).message).toContain("no space left for the ledger")
    expect(hospital.cloud.keys(hospital.destination).length).toBeLessThan(200)
    expect(hospital.rows("pragma integrity_check")).toEqual([{ integrity_check: "ok" }])
    const before = hospital.cloud.log.count({ effect: "created" })
    expect((await hospital.copy()).studies[0]).toMatchObject({ success: true, errors: [] })
    const created = hospital.cloud.log.entries.flatMap(({ effect, key }) =>
      effect === "created" ? [key!] : [],
    )
    expect(before).toBeGreaterThan(0)
    expect(new Set(created).size).toBe(created.length)
    expect(created).toContain(study.receiptKey)
    expect((await hospital.verify()).code).toBe(0)
  })
})

function edit(path: string, statement: string) {
  using db = new Database(path)
  db.run(statement)
}
