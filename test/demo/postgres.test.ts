import { afterAll, expect, test } from "bun:test"
import { chmodSync, existsSync, readdirSync, statSync } from "node:fs"
import { rm } from "node:fs/promises"
import { connect } from "node:net"
import { join } from "node:path"
import { asAdmin } from "../../lib/demo/pacs-database.ts"
import { startPostgres } from "../../lib/demo/postgres.ts"
import { sharedBinaries } from "../../lib/demo/postgres-binaries.ts"
import { startScript } from "../support/process.ts"
import { tempDir } from "../support/temp.ts"

const files = tempDir("postgres-binaries")
afterAll(() => files[Symbol.dispose]())

async function isServed(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const socket = connect(port, "127.0.0.1", () => resolve(true)).once("error", () => resolve(false))
  const served = await promise
  socket.destroy()
  return served
}

test("a server speaks UTF-8 under the C locale, and leaves nothing when it is stopped", async () => {
  const server = await startPostgres()
  const [row] = await asAdmin(
    server,
    "postgres",
    (sql) => sql`
    select current_setting('server_encoding') as encoding, datcollate as collation, lower('Ó') as lower
    from pg_database where datname = 'postgres'`,
  )
  expect(row).toEqual({ encoding: "UTF8", collation: "C", lower: "Ó" })
  await server.stop()
  expect(await isServed(server.port)).toBe(false)
  expect(existsSync(server.folder)).toBe(false)
})

test("several servers run side by side", async () => {
  const servers = await Promise.all([startPostgres(), startPostgres(), startPostgres()])
  expect(new Set(servers.map(({ port }) => port)).size).toBe(3)
  await Promise.all(servers.map((server) => server.stop()))
})

test("a server in a folder of its owner's choice keeps its data, and settings stay", async () => {
  const folder = join("/var/tmp", `postgres-test-${crypto.randomUUID()}`)
  const first = await startPostgres({ folder, settings: { work_mem: "7MB" } })
  await asAdmin(first, "postgres", (sql) => sql`create table kept as select 1 as one`)
  await first.stop()
  const second = await startPostgres({ folder })
  const rows = await asAdmin(
    second,
    "postgres",
    (sql) => sql`select one, current_setting('work_mem') from kept`,
  )
  expect(rows[0]).toEqual({ one: 1, current_setting: "7MB" })
  await second.stop()
  expect(statSync(folder).mode & 0o777).toBe(0o700)
  await rm(folder, { recursive: true })
})

test("a server ends, and its data go, when the process that started it is killed", async () => {
  await using child = startScript(["test/demo/postgres-child.ts"])
  await child.saysOnStderr("started")
  child.kill("SIGKILL")
  const { port, folder } = JSON.parse((await child.finished).stderr.replace("started", ""))
  // The folder goes last.
  while (existsSync(folder));
  expect(await isServed(port)).toBe(false)
}, 20_000)

test("concurrent first starters share one whole copy of the programs, which everybody can run", async () => {
  const copies = await Promise.all([1, 2, 3].map(() => sharedBinaries(files.path)))
  expect(new Set(copies).size).toBe(1)
  expect(readdirSync(files.path)).toHaveLength(1)
  for (const name of readdirSync(copies[0]!, { recursive: true, encoding: "utf8" })) {
    // Follows links: each leads to a file of the copy.
    const { mode } = statSync(join(copies[0]!, name))
    expect(`${name} ${(mode & 0o444).toString(8)}`).toBe(`${name} 444`)
  }
  expect(statSync(join(copies[0]!, "bin", "postgres")).mode & 0o111).toBe(0o111)
})

test("programs that somebody else could have put there are not run", async () => {
  using place = tempDir("postgres-foreign")
  const own = await sharedBinaries(place.path)
  chmodSync(own, 0o777)
  expect(await sharedBinaries(place.path).catch((error) => error.message)).toContain(
    "remove it and try again",
  )
})
