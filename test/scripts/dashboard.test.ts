import { Database } from "bun:sqlite"
import { describe, expect, test } from "bun:test"
import { rmSync } from "node:fs"
import { freePort } from "../support/free-port.ts"
import { type Hospital, openHospital } from "../support/hospital.ts"
import { type RunningScript, startScript } from "../support/process.ts"
import { documentOf, pathOf, script } from "../support/scripts.ts"

/** A hospital with one study that was copied. */
async function copied(): Promise<Hospital> {
  const hospital = await openHospital()
  await hospital.admit()
  await hospital.discoverAndCopy()
  return hospital
}

async function dashboard(
  { env }: Hospital,
  more: Record<string, string> = {},
): Promise<RunningScript & { readonly url: string }> {
  const port = freePort()
  const running = startScript([pathOf("dashboard"), "--port", String(port)], { env: { ...env, ...more } })
  const url = `http://127.0.0.1:${port}/`
  await running.saysOnStdout(`The page is at ${url} and ${url}flower\n`)
  return { ...running, url }
}

const statusOf = async (url: string, init?: RequestInit) => (await fetch(url, init)).status

describe("dashboard", () => {
  test.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("serves the page until %s; it is no run, and others write meanwhile", async (signal, code) => {
    using hospital = await copied()
    const before = hospital.rows("select * from runs")
    await using page = await dashboard(hospital)
    expect(await statusOf(page.url)).toBe(200)
    expect(await statusOf(`${page.url}flower`)).toBe(200)
    expect(hospital.rows("select * from runs")).toEqual(before)
    await hospital.admit()
    expect((await hospital.discoverAndCopy()).code).toBe(0)
    expect(await (await fetch(page.url)).text()).not.toBe("")
    page.kill(signal)
    const { exitCode, stderr } = await page.finished
    expect([exitCode, stderr]).toEqual([code, ""])
  })

  test("ends although somebody listens to it at that moment", async () => {
    using hospital = await copied()
    await using page = await dashboard(hospital)
    const { hostname, port } = new URL(page.url)
    let closed = () => {}
    const isClosed = new Promise<void>((resolve) => {
      closed = resolve
    })
    const socket = { data() {}, close: () => closed(), open() {} }
    const held = await Bun.connect({ hostname, port: Number(port), socket })
    held.write("GET / HTTP/1.1\r\n")
    page.kill("SIGTERM")
    expect((await page.finished).exitCode).toBe(143)
    await isClosed
  })

  test("with --json it says where it is as a document", async () => {
    using hospital = await copied()
    const port = freePort()
    await using page = startScript([pathOf("dashboard"), "--json", "--port", String(port)], {
      env: hospital.env,
    })
    await page.saysOnStdout("}\n")
    page.kill("SIGTERM")
    const url = `http://127.0.0.1:${port}/`
    expect(documentOf(await page.finished)).toEqual({ url, flower_url: `${url}flower` })
  })

  test("says what is at its port, or that its address is none of this machine", async () => {
    using hospital = await copied()
    await using page = await dashboard(hospital)
    const taken = await script(hospital, "dashboard", "--port", new URL(page.url).port)
    expect([taken.exitCode, taken.stdout]).toEqual([1, ""])
    expect(taken.stderr).toContain("another program is there")
    expect(taken.stderr).toContain("--port N, or PAGE_PORT")
    hospital.env.FLOWER_USER = "etl"
    hospital.env.FLOWER_PASSWORD = "p"
    const wrong = await script(hospital, "dashboard", "--host", "192.0.2.1")
    expect([wrong.exitCode, wrong.stderr]).toEqual([
      1,
      expect.stringContaining("this machine has no such address"),
    ])
  })

  test("refuses a ledger that an older program left, and says what migrates it", async () => {
    using hospital = await copied()
    setVersion(hospital, (version) => version - 1)
    const { exitCode, stderr } = await script(hospital, "dashboard")
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining("the ledger is older than this program")])
    expect(stderr).toContain("Run any script that writes")
  })

  test("shows the ledger that stands there now, and says what is wrong with it until it is mended", async () => {
    using hospital = await copied()
    const { backup } = documentOf(await script(hospital, "backup", "--json"))
    const { studyId } = await hospital.admit()
    await hospital.discoverAndCopy()
    await using page = await dashboard(hospital)
    const study = `${page.url}studies/${studyId}`
    expect(await statusOf(study)).toBe(200)
    const restored = await script(hospital, "backup", "restore", backup.path)
    expect([restored.exitCode, restored.stderr]).toEqual([0, ""])
    expect([await statusOf(study), await statusOf(page.url)]).toEqual([404, 200])
    setVersion(hospital, (version) => version + 1)
    const newer = await fetch(page.url)
    expect([newer.status, await newer.text()]).toEqual([
      503,
      expect.stringContaining("the ledger is newer than this program"),
    ])
    expect(await statusOf(`${page.url}healthz`)).toBe(503)
    setVersion(hospital, (version) => version - 1)
    expect(await statusOf(page.url)).toBe(200)
    rmSync(hospital.ledgerPath)
    expect(await (await fetch(page.url)).text()).toContain("there is no ledger at")
  })

  test("asks for a login where one is configured, and keeps its sessions over a restart", async () => {
    using hospital = await copied()
    const env = { FLOWER_USER: "etl", FLOWER_PASSWORD: "secret", SECRET_KEY: "k" }
    await using page = await dashboard(hospital, env)
    expect(await statusOf(page.url)).toBe(403)
    const body = new URLSearchParams({ user: "etl", password: "secret" })
    const origin = page.url.slice(0, -1)
    const login = { method: "POST", body, headers: { origin }, redirect: "manual" } as const
    const cookie = (await fetch(`${page.url}login`, login)).headers.get("set-cookie")!.split(";")[0]!
    page.kill("SIGTERM")
    await page.finished
    await using again = await dashboard(hospital, env)
    expect(await statusOf(again.url, { headers: { cookie } })).toBe(200)
  })
})

describe("schedule --dashboard", () => {
  test("serves the page for as long as the scheduler lives, and the scheduler is well", async () => {
    using hospital = await copied()
    const port = freePort()
    hospital.env.PAGE_PORT = String(port)
    // Due once a year, and not while this test runs.
    hospital.env.SCHEDULE_CRON = `0 2 1 ${((new Date().getUTCMonth() + 6) % 12) + 1} *`
    await using waiting = startScript([pathOf("schedule"), "--dashboard"], { env: hospital.env })
    await waiting.saysOnStderr("waiting for the next run")
    const url = `http://127.0.0.1:${port}/`
    expect(await statusOf(`${url}flower`)).toBe(200)
    expect(await (await fetch(`${url}healthz`)).text()).toMatch(
      /"name":"scheduler","status":"ok","detail":"run \d+ waits since /,
    )
    waiting.kill("SIGTERM")
    expect((await waiting.finished).exitCode).toBe(143)
    expect(await fetch(url).catch(() => "gone")).toBe("gone")
  })

  test("does the night's work also where the page cannot be shown, and says so", async () => {
    using hospital = await openHospital()
    await hospital.admit()
    using taken = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } })
    hospital.env.PAGE_PORT = String(taken.port)
    const ran = await script(hospital, "schedule", "--once", "--dashboard")
    expect(ran.exitCode).toBe(0)
    expect(ran.stderr).toContain("the page cannot be shown; everything else goes on")
    expect(ran.stderr).toContain("another program is there")
    expect(hospital.rows("select script, outcome, arguments from runs where script = 'run'")).toEqual([
      { script: "run", outcome: "done", arguments: "[]" },
    ])
  })
})

function setVersion({ ledgerPath }: Hospital, change: (version: number) => number) {
  using db = new Database(ledgerPath)
  const { user_version } = db.query<{ user_version: number }, []>("pragma user_version").get()!
  db.run(`pragma user_version = ${change(user_version)}`)
}
