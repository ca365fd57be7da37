import { describe, expect, test } from "bun:test"
import { DatabaseRefused, DatabaseUnreachable, SchemaMismatch } from "../../lib/source/errors.ts"
import type { AppError } from "../../lib/support/errors.ts"
import { explain } from "../../lib/support/failure.ts"
import { failureOf } from "../contract/bodies.ts"
import { failures, type Hospital, openHospital } from "../support/hospital.ts"
import { boxOf } from "../support/scripts.ts"

type FailureClass = new (...given: never[]) => AppError

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
      expect(boxOf(hospital)).toEqual({})
      expect((await hospital.run()).code).toBe(0)
      const files = boxOf(hospital)
      await attempt()
      expect(boxOf(hospital)).toEqual(files)
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
