import { afterAll, beforeAll, expect, test } from "bun:test"
import { DatabaseRefused } from "../../lib/source/errors.ts"
import { inspectPacs } from "../../lib/source/inspection.ts"
import { failureOf } from "../contract/bodies.ts"
import { type TestPacs, testPacs } from "../support/pacs.ts"

let database: TestPacs

beforeAll(async () => {
  database = await testPacs()
})
afterAll(() => database[Symbol.asyncDispose]())

test("tells of each column whether its table is there, whether it is, and whether it may be read", async () => {
  const { serverVersion, skewMs, columns } = await inspectPacs(
    database.settings,
    [
      { table: "pacs_studies", column: "id" },
      { table: "pacs_studies", column: "no_such_column" },
      { table: "pacs_users", column: "email" },
      { table: "no_such_table", column: "id" },
    ],
    10_000,
  )
  expect(serverVersion).toMatch(/^\d+/)
  expect(Math.abs(skewMs)).toBeLessThan(60_000)
  expect(columns).toEqual([
    { table: "pacs_studies", column: "id", tableExists: true, columnExists: true, mayRead: true },
    {
      table: "pacs_studies",
      column: "no_such_column",
      tableExists: true,
      columnExists: false,
      mayRead: false,
    },
    { table: "pacs_users", column: "email", tableExists: true, columnExists: true, mayRead: false },
    { table: "no_such_table", column: "id", tableExists: false, columnExists: false, mayRead: false },
  ])
})

test("fails as every other question does", async () => {
  const settings = { ...database.settings, password: "not-the-password" }
  expect(await failureOf(inspectPacs(settings, [], 10_000))).toBeInstanceOf(DatabaseRefused)
})
