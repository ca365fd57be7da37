import { expect, test } from "bun:test"
import { connect, readOnly } from "../../lib/source/connection.ts"
import { openPacs, type PacsSettings } from "../../lib/source/pacs.ts"
import { findEligible } from "../support/eligible.ts"
import { testPacs } from "../support/pacs.ts"
import { relayTo } from "../support/pacs-relay.ts"
import { doctor, eligibleRows, together } from "../support/pacs-study.ts"
import { tempDir } from "../support/temp.ts"

const ANNA = "00000000-0000-4000-8000-00000000000a"
const LIMITS = { connectMs: 10_000, statementMs: 10_000, closeMs: 1_000 }

/** Everything that the project asks of the database, once. */
async function askEverything(settings: PacsSettings, studyId: string, reportId: string) {
  await using pacs = openPacs(settings)
  await pacs.snapshot(async (snapshot) => {
    const survey = await snapshot.survey({ rankFrom: 1, rankTo: 1, toleratedModalities: ["SR"] })
    const ids = (await findEligible(snapshot, survey, 10)).map(({ studyId }) => studyId)
    expect(ids).toHaveLength(10)
    await snapshot.versions(ids, survey, (versions) => expect(versions).toHaveLength(10))
    await snapshot.standings([{ studyId, reportIds: [reportId] }], survey)
    await snapshot.study(studyId, survey)
    // Last, and left early: what is being read ahead must not run into the end of the transaction.
    for await (const _ of snapshot.studies([ids.slice(0, 5), ids.slice(5)], survey)) break
  })
  await pacs.study(studyId, [])
  await pacs.reportContent(reportId)
}

test("a pooler in transaction mode is asked for nothing that it cannot give", async () => {
  await using database = await testPacs()
  const rows = eligibleRows(ANNA)
  const more = Array.from({ length: 600 }, () => eligibleRows(ANNA))
  await database.insert(together(doctor(ANNA), rows, ...more))
  await using relay = await relayTo(database.settings)
  await askEverything(
    { ...database.settings, port: relay.port, sslMode: "disable" },
    rows.pacs_studies[0]!.id,
    rows.pacs_reports[0]!.id,
  )

  // pgbouncer refuses a startup parameter that it does not track, and gives a prepared statement to nobody.
  expect(new Set(relay.parameters)).toEqual(
    new Set(["user", "database", "client_encoding", "application_name"]),
  )
  expect(new Set(relay.prepared)).toEqual(new Set([""]))
  let open = false
  for (const statement of relay.statements) {
    if (statement.startsWith("begin")) open = true
    expect(open ? "in a transaction" : statement).toBe("in a transaction")
    if (statement.startsWith("begin"))
      expect(statement).toBe("begin isolation level repeatable read read only")
    if (statement.startsWith("set ")) expect(statement).toStartWith("set local ")
    expect(statement).not.toMatch(/set_config\([^)]*false/)
    if (/^(commit|rollback)/.test(statement)) open = false
  }
  expect(relay.statements.filter((statement) => statement.startsWith("begin"))).toHaveLength(3)
  expect(open).toBe(false)
})

test("the server refuses to write in whatever is done, whoever does it", async () => {
  await using database = await testPacs()
  const owner = { ...database.settings, user: "postgres" }
  const client = connect(owner, LIMITS, 1)
  const write = readOnly(client, owner, LIMITS, ({ sql, run }) => run(sql`create table pacs_own (id uuid)`))
  expect((await write.catch((error) => error)).message).toContain("read-only transaction")
  await client.end()
})

test("a host that is a folder is where the Unix socket lies", async () => {
  await using database = await testPacs()
  using folder = tempDir("pacs-socket")
  await using _ = await relayTo(database.settings, folder.file(".s.PGSQL.5432"))
  const settings = { ...database.settings, host: folder.path, port: 5432, sslMode: "disable" as const }
  await using pacs = openPacs(settings, { retry: { retries: 0, minTimeoutMs: 0 } })
  expect(await pacs.reportContent(crypto.randomUUID())).toBeUndefined()
})
