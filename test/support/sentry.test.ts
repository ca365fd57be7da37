import { expect, test } from "bun:test"
import { hostname } from "node:os"
import { AppError, HeldByAnother, UsageError } from "../../lib/support/errors.ts"
import { errorReporter, type ReportOptions } from "../../lib/support/sentry.ts"
import { runScript } from "./process.ts"

/** A service that takes what Sentry's would. */
function ingest(answer = () => Response.json({})) {
  const taken: { readonly url: string; readonly body: string }[] = []
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    idleTimeout: 0,
    async fetch(request) {
      taken.push({ url: request.url, body: await request.text() })
      return answer()
    },
  })
  return {
    taken,
    dsn: `http://public@127.0.0.1:${server.port}/42`,
    events: () => taken.map(({ body }) => JSON.parse(body.split("\n")[2]!)),
    [Symbol.asyncDispose]: () => server.stop(true),
  }
}

function reporter(options: Partial<ReportOptions>) {
  const complaints: string[] = []
  const complain = (error: unknown) => void complaints.push(String(error))
  return { complaints, report: errorReporter({ dsn: undefined, script: "copy", complain, ...options }) }
}

/** What stands in the way of a hospital's data at each place of an error. */
function talkative() {
  const message = "relation \"pacs_studies\": id = 'JOHN DOE' at pacs-db.hospital.internal"
  const cause = Object.assign(new Error(message), {
    code: "ECONNREFUSED",
    parameters: ["JOHN DOE"],
    query: "select 1",
  })
  return new AppError(
    `cannot read "JOHN DOE" of gs://research/org/1b4e28ba-2fa1-4d2e-883f-0016d3cca427/a.dcm from hospitaldb, ` +
      "10.1.2.3, pacs-db.hospital.internal:5432, doe@hospital.org or /data/doe/a.dcm, UID 1.2.840.10008.1",
    { verdict: "stop", facts: { key: "org/JOHN DOE", parameters: "JOHN DOE" }, cause },
  )
}

test("what ends a run is reported with classes, texts without values, and where it happened", async () => {
  await using service = ingest()
  const { report, complaints } = reporter({ dsn: service.dsn, hidden: ["hospitaldb"] })
  await report(talkative())
  expect(complaints).toEqual([])
  expect(service.taken[0]?.url).toContain("/api/42/envelope/")
  const [event] = service.events()
  expect(Object.keys(event).sort()).toEqual([
    "event_id",
    "exception",
    "level",
    "platform",
    "release",
    "sdk",
    "tags",
    "timestamp",
  ])
  expect(event).toMatchObject({ level: "error", tags: { script: "copy" }, sdk: { integrations: [] } })
  const [cause, error] = event.exception.values
  expect([cause.type, cause.value]).toEqual(["Error", "ECONNREFUSED"])
  expect([error.type, error.value]).toEqual([
    "AppError",
    "cannot read [value] of [uri] from [hidden], [number], [name], [address] or [path], UID [number]",
  ])
  expect(error.stacktrace.frames.at(-1)).toMatchObject({
    function: "talkative",
    filename: "test/support/sentry.test.ts",
    in_app: true,
  })
})

test("nothing of a patient, a query or a machine is anywhere in what is sent", async () => {
  await using service = ingest()
  const { report } = reporter({ dsn: service.dsn, hidden: ["hospitaldb"] })
  await report(talkative())
  const { body } = service.taken[0]!
  for (const secret of [
    "DOE",
    "doe",
    "pacs_studies",
    "select",
    "hospital",
    "10.1.2.3",
    "1.2.840",
    hostname(),
  ]) {
    expect(body).not.toContain(secret)
  }
  expect(body).not.toMatch(/server_name|breadcrumbs|contexts|request|modules|user"/)
})

test("a defect is reported, whatever was thrown", async () => {
  await using service = ingest()
  const { report } = reporter({ dsn: service.dsn })
  await report(new TypeError('"JOHN DOE" is not an object'))
  await report("thrown text of JOHN DOE")
  expect(
    service.events().map(({ exception }) => [exception.values[0].type, exception.values[0].value]),
  ).toEqual([
    ["TypeError", "[value] is not an object"],
    ["UnknownError", ""],
  ])
})

test.each([
  ["what is tried again", new AppError("later", { verdict: "retry" })],
  ["what is missing", new AppError("not there", { verdict: "missing" })],
  ["what a person has to mend", new AppError("conflict", { verdict: "give-up" })],
  ["wrong usage", new UsageError("--limit: not a number")],
  ["what another process holds", new HeldByAnother("the ledger")],
])("%s is not reported", async (_, error) => {
  await using service = ingest()
  await reporter({ dsn: service.dsn }).report(error)
  expect(service.taken).toEqual([])
})

const NOT_TAKEN = "Error: Sentry did not take the report of this error"

test("a service that does not answer holds nobody up for longer than it may", async () => {
  const never = new Promise<Response>(() => {})
  await using service = ingest(() => never as unknown as Response)
  const { report, complaints } = reporter({ dsn: service.dsn, timeoutMs: 20 })
  await report(new Error("defect"))
  expect(complaints).toEqual([NOT_TAKEN])
})

test("a service that is not there is complained of and breaks nothing", async () => {
  const { dsn, [Symbol.asyncDispose]: stop } = ingest()
  await stop()
  const { report, complaints } = reporter({ dsn })
  await report(new Error("defect"))
  expect(complaints).toEqual([NOT_TAKEN])
})

test("a service that refuses the report is complained of", async () => {
  await using service = ingest(() => new Response("no such project", { status: 403 }))
  const { report, complaints } = reporter({ dsn: service.dsn })
  await report(new Error("defect"))
  expect(complaints).toEqual([NOT_TAKEN])
})

const SCRIPT = ["test/support/cli-script.ts", "--do"]

test.each([
  ["defect", "TypeError"],
  ["stop", "AppError"],
])("a script that ends by %s sends it before it ends", async (what, type) => {
  await using service = ingest()
  const { exitCode } = await runScript([...SCRIPT, what], { env: { SENTRY_DSN: service.dsn } })
  expect(exitCode).toBe(1)
  expect(service.events().map(({ exception }) => exception.values.at(-1).type)).toEqual([type])
})

test("the replaced system's name of the variable is heeded", async () => {
  await using service = ingest()
  await runScript([...SCRIPT, "stop"], { env: { SENTRY_DNS: service.dsn } })
  expect(service.events()).toHaveLength(1)
})

test("a DSN without key or project is a mistake of the configuration", async () => {
  const { exitCode, stderr } = await runScript(SCRIPT.slice(0, 1), {
    env: { SENTRY_DSN: "https://example.com" },
  })
  expect(exitCode).toBe(2)
  expect(stderr).toContain("SENTRY_DSN (value hidden): expected a DSN of Sentry")
})
