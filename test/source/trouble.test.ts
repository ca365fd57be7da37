import { expect, test } from "bun:test"
import { createServer, type Socket } from "node:net"
import {
  type DatabaseError,
  DatabaseRefused,
  DatabaseTimeout,
  DatabaseUnreachable,
  SchemaMismatch,
} from "../../lib/source/errors.ts"
import { openPacs, type PacsOptions, type PacsSettings } from "../../lib/source/pacs.ts"
import { Aborted } from "../../lib/support/errors.ts"
import { explain } from "../../lib/support/failure.ts"
import { type TestPacs, testPacs } from "../support/pacs.ts"
import { eligibleRows } from "../support/pacs-study.ts"

const RULES = { rankFrom: 2, rankTo: 6, toleratedModalities: [] }
const PASSWORD = "hunter2-never-told"
const NOWHERE: PacsSettings = {
  host: "127.0.0.1",
  port: 1,
  name: "pacs",
  user: "reader",
  password: PASSWORD,
  sslMode: "prefer",
}
const ONCE: PacsOptions = { retry: { retries: 0, minTimeoutMs: 0 } }

interface Listener extends AsyncDisposable {
  readonly port: number
}

/** A server that is no PostgreSQL. */
async function listen(onConnection: (socket: Socket) => void): Promise<Listener> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket.on("error", () => socket.destroy()))
    onConnection(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const address = server.address()
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Ends every connection of the project's role, as a restart of the server does. */
async function killConnections({ sql, settings }: TestPacs) {
  await sql`
    select pg_terminate_backend(pid, 10000) from pg_stat_activity
    where usename = ${settings.user} and datname = ${settings.name}`
}

async function lockIsAwaited({ sql, settings }: TestPacs) {
  const waiting = () => sql`
    select from pg_stat_activity where datname = ${settings.name} and wait_event_type = 'Lock'`
  while ((await waiting()).length === 0);
}

/** What asking for a survey fails with. */
async function failureOf(settings: PacsSettings, options: PacsOptions = ONCE): Promise<DatabaseError> {
  await using pacs = openPacs(settings, options)
  const outcome = pacs.snapshot((snapshot) => snapshot.survey(RULES))
  return await outcome.then(
    () => expect.unreachable("the database answered"),
    (error) => error,
  )
}

test("a database that nobody serves is unreachable, tried again, and named without its password", async () => {
  const tries: number[] = []
  const error = await failureOf(NOWHERE, {
    retry: { retries: 2, minTimeoutMs: 1 },
    onRetry: ({ attempt }) => tries.push(attempt),
  })
  expect(error).toBeInstanceOf(DatabaseUnreachable)
  expect(error.verdict).toBe("retry")
  expect(error.message).toStartWith(`the PACS database "pacs" at 127.0.0.1:1 cannot be reached`)
  expect(tries).toEqual([1, 2])
  expect(explain(error, { stack: true })).not.toContain(PASSWORD)
})

test("a host that no name server knows is unreachable", async () => {
  const error = await failureOf({ ...NOWHERE, host: "pacs.invalid" })
  expect(error).toBeInstanceOf(DatabaseUnreachable)
  expect(error.message).toContain("pacs.invalid")
})

test("an IPv6 address is taken whole, and named in brackets", async () => {
  const error = await failureOf({ ...NOWHERE, host: "::1" })
  expect(error).toBeInstanceOf(DatabaseUnreachable)
  expect(error.message).toContain("at [::1]:1 ")
})

test("a proxy that takes the connection and drops it is unreachable", async () => {
  await using dropping = await listen((socket) => socket.destroy())
  const error = await failureOf({ ...NOWHERE, port: dropping.port }, { ...ONCE, limits: { connectMs: 50 } })
  expect(error).toBeInstanceOf(DatabaseUnreachable)
})

test("a server that takes the connection and says nothing is unreachable", async () => {
  await using silent = await listen(() => {})
  for (const sslMode of ["disable", "prefer"] as const) {
    const settings = { ...NOWHERE, port: silent.port, sslMode }
    expect(await failureOf(settings, { ...ONCE, limits: { connectMs: 50 } })).toBeInstanceOf(
      DatabaseUnreachable,
    )
  }
})

test("a wrong password, role or database is refused, once, and named without the password", async () => {
  await using database = await testPacs()
  const tries: number[] = []
  const options = { retry: { retries: 2, minTimeoutMs: 1 }, onRetry: () => tries.push(1) }
  for (const wrong of [{ password: PASSWORD }, { user: "stranger" }, { name: "elsewhere" }]) {
    const error = await failureOf({ ...database.settings, ...wrong }, options)
    expect(error).toBeInstanceOf(DatabaseRefused)
    expect(error.verdict).toBe("stop")
    expect(error.message).toContain(`"${wrong.name ?? database.settings.name}" at 127.0.0.1:`)
    expect(explain(error, { stack: true })).not.toContain(wrong.password ?? database.settings.password)
  }
  expect(tries).toEqual([])
})

test("a table or column that is missing is named", async () => {
  await using database = await testPacs()
  await database.sql`alter table pacs_studies rename column modalities to modality_list`
  const column = await failureOf(database.settings)
  expect(column).toBeInstanceOf(SchemaMismatch)
  expect(column.message).toContain("modalities")
  await database.sql`drop table pacs_reports`
  await database.sql`alter table pacs_studies rename column modality_list to modalities`
  const table = await failureOf(database.settings)
  expect(table).toBeInstanceOf(SchemaMismatch)
  expect(table.message).toContain("pacs_reports")
})

test("a column of another type is a mismatch of the schema", async () => {
  await using database = await testPacs()
  await database.sql`alter table pacs_series drop constraint pacs_series_study_id_fkey`
  await database.sql`alter table pacs_series alter column study_id type text using study_id::text`
  expect(await failureOf(database.settings)).toBeInstanceOf(SchemaMismatch)
})

test("a table that the role may not read is named", async () => {
  await using database = await testPacs()
  await database.sql`revoke select on pacs_reports from ${database.sql(database.settings.user)}`
  const error = await failureOf(database.settings)
  expect(error).toBeInstanceOf(DatabaseRefused)
  expect(error.message).toContain("pacs_reports")
})

test("a statement that takes longer than it may is ended by the server, and not repeated", async () => {
  await using database = await testPacs()
  const tries: number[] = []
  await database.sql.begin(async (tx) => {
    await tx`lock table pacs_studies in access exclusive mode`
    const error = await failureOf(database.settings, {
      limits: { statementMs: 50 },
      onRetry: () => tries.push(1),
    })
    expect(error).toBeInstanceOf(DatabaseTimeout)
    expect(error.message).toContain("statement timeout")
  })
  expect(tries).toEqual([])
})

test("a stop that is asked for ends a snapshot in the middle of a statement", async () => {
  await using database = await testPacs()
  await using pacs = openPacs(database.settings)
  const stop = new AbortController()
  const reason = new Aborted("stopped by SIGTERM")
  await database.sql.begin(async (tx) => {
    await tx`lock table pacs_studies in access exclusive mode`
    const survey = pacs.snapshot(async (snapshot) => {
      const surveying = snapshot.survey(RULES)
      stop.abort(reason)
      return await surveying
    }, stop.signal)
    expect(await survey.catch((error) => error)).toBe(reason)
    const late = pacs.reportContent(crypto.randomUUID(), stop.signal)
    expect(await late.catch((error) => error)).toBe(reason)
  })
})

test("no question of a snapshot stays unanswered when it ends, also none that waits behind another", async () => {
  await using database = await testPacs()
  await using pacs = openPacs(database.settings, ONCE)
  const endings = [
    (stop: AbortController) => stop.abort(new Aborted("stopped by SIGTERM")),
    () => killConnections(database),
  ]
  for (const end of endings) {
    const stop = new AbortController()
    await database.sql.begin(async (tx) => {
      await tx`lock table pacs_studies in access exclusive mode`
      const outcomes: PromiseSettledResult<unknown>[] = []
      const snapshot = pacs.snapshot(async (asked) => {
        const answers = Promise.allSettled([1, 2, 3].map(() => asked.survey(RULES)))
        await lockIsAwaited(database)
        await end(stop)
        outcomes.push(...(await answers))
      }, stop.signal)
      await snapshot.catch(() => "ended")
      expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"])
    })
  }
})

test("a snapshot is begun anew when its connection breaks", async () => {
  await using database = await testPacs()
  await using pacs = openPacs(database.settings, { retry: { retries: 1, minTimeoutMs: 1 } })
  let attempts = 0
  const survey = await pacs.snapshot(async (snapshot) => {
    await snapshot.survey(RULES)
    if (++attempts === 1) await killConnections(database)
    return await snapshot.survey(RULES)
  })
  expect(attempts).toBe(2)
  expect(survey.funnel[0]).toEqual({ rule: "exists", studies: 0 })
})

test("questions about single rows survive a restart of the connections", async () => {
  await using database = await testPacs()
  await using pacs = openPacs(database.settings, { retry: { retries: 1, minTimeoutMs: 1 } })
  expect(await pacs.study(crypto.randomUUID(), [])).toBeUndefined()
  await killConnections(database)
  expect(await pacs.study(crypto.randomUUID(), [])).toBeUndefined()
})

test("what the work of a snapshot throws comes out as it is, and is not repeated", async () => {
  await using database = await testPacs()
  await using pacs = openPacs(database.settings)
  const defect = new Error("ledger is full")
  let attempts = 0
  const outcome = pacs.snapshot(async () => {
    attempts += 1
    throw defect
  })
  expect(await outcome.catch((error) => error)).toBe(defect)
  expect(attempts).toBe(1)
})

test("all that one snapshot tells is of one moment", async () => {
  await using database = await testPacs()
  await using pacs = openPacs(database.settings)
  const counts = await pacs.snapshot(async (snapshot) => {
    const before = await snapshot.survey(RULES)
    await database.sql`insert into pacs_users (id, email) values (gen_random_uuid(), 'a@example.org')`
    const [user] = await database.sql<{ id: string }[]>`select id from pacs_users`
    await database.insert(eligibleRows(user!.id))
    return [before, await snapshot.survey(RULES)].map(({ funnel }) => funnel[0]?.studies)
  })
  expect(counts).toEqual([0, 0])
})

test("closing ends at once, though a statement is still running", async () => {
  await using database = await testPacs()
  const pacs = openPacs(database.settings, { ...ONCE, limits: { closeMs: 20 } })
  await database.sql.begin(async (tx) => {
    await tx`lock table pacs_studies in access exclusive mode`
    const asked = pacs.study(crypto.randomUUID(), []).catch((error) => error)
    await lockIsAwaited(database)
    await pacs.close()
    expect(await asked).toBeInstanceOf(Aborted)
  })
})

test("a server without TLS is not talked to where TLS is asked for", async () => {
  await using database = await testPacs()
  for (const sslMode of ["require", "verify-ca", "verify-full"] as const) {
    const error = await failureOf({ ...database.settings, sslMode })
    expect(error).toBeInstanceOf(DatabaseUnreachable)
    expect(error.message).toContain("TLS")
  }
})
