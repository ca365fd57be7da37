import { afterAll, beforeAll, expect, test } from "bun:test"
import { chownSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { type PostgresServer, startPostgres } from "../../lib/demo/postgres.ts"
import { DatabaseUntrusted } from "../../lib/source/errors.ts"
import { openPacs, type PacsSettings } from "../../lib/source/pacs.ts"
import { openTestPacs, type TestPacs } from "../support/pacs.ts"
import { certificatesFor } from "../support/pacs-certificate.ts"
import { tempDir } from "../support/temp.ts"

const RULES = { rankFrom: 2, rankTo: 6, toleratedModalities: [] }
const { authority, server } = certificatesFor("127.0.0.1")
const files = tempDir("pacs-tls")
const caPath = files.file("authority.pem")

let running: PostgresServer
let database: TestPacs

beforeAll(async () => {
  running = await startPostgres()
  database = await openTestPacs(running, "pacs")
  writeFileSync(caPath, authority.certificate)
  const { folder } = running
  const { uid, gid } = statSync(folder)
  const inData = (name: string, text: string) => {
    const path = join(folder, "data", name)
    writeFileSync(path, text, { mode: 0o600 })
    chownSync(path, uid, gid)
  }
  inData("server.crt", server.certificate)
  inData("server.key", server.key)
  await database.sql`alter system set ssl = on`
  await database.sql`select pg_reload_conf()`
  while (!(await offersTls()));
})

afterAll(async () => {
  files[Symbol.dispose]()
  await database[Symbol.asyncDispose]()
  await running.stop()
})

async function offersTls(): Promise<boolean> {
  const [row] = await database.sql<{ ssl: string }[]>`select current_setting('ssl') as ssl`
  return row?.ssl === "on"
}

/** Whether the connection of a snapshot is encrypted, as the server sees it. */
async function isEncrypted(different: Partial<PacsSettings>): Promise<boolean> {
  await using pacs = openPacs(
    { ...database.settings, ...different },
    { retry: { retries: 0, minTimeoutMs: 0 } },
  )
  return await pacs.snapshot(async (snapshot) => {
    await snapshot.survey(RULES)
    const rows = await database.sql<{ ssl: boolean }[]>`
      select ssl from pg_stat_ssl join pg_stat_activity using (pid)
      where datname = ${database.settings.name} and usename = ${database.settings.user}`
    expect(rows).toHaveLength(1)
    return rows[0]!.ssl
  })
}

const refusal = (different: Partial<PacsSettings>) => isEncrypted(different).catch((error) => error)

test("`disable` talks in the clear, `prefer` and `require` encrypt", async () => {
  expect(await isEncrypted({ sslMode: "disable" })).toBe(false)
  expect(await isEncrypted({ sslMode: "prefer" })).toBe(true)
  expect(await isEncrypted({ sslMode: "require" })).toBe(true)
})

test("`verify-ca` trusts what the authority signed, for whatever host", async () => {
  expect(await isEncrypted({ sslMode: "verify-ca", caPath })).toBe(true)
  expect(await isEncrypted({ sslMode: "verify-ca", caPath, host: "localhost" })).toBe(true)
})

test("`verify-full` trusts it for the host that was asked for, and for no other", async () => {
  expect(await isEncrypted({ sslMode: "verify-full", caPath })).toBe(true)
  expect(await refusal({ sslMode: "verify-full", caPath, host: "localhost" })).toBeInstanceOf(
    DatabaseUntrusted,
  )
})

test("a certificate of an authority that nobody named is not trusted", async () => {
  expect(await refusal({ sslMode: "verify-ca" })).toBeInstanceOf(DatabaseUntrusted)
  expect(await refusal({ sslMode: "verify-full" })).toBeInstanceOf(DatabaseUntrusted)
})
