import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import type { Browser } from "playwright-core"
import { openLedger } from "../../lib/ledger/open.ts"
import { runScript } from "../support/process.ts"
import { type TempDir, tempDir } from "../support/temp.ts"
import { PLACES } from "./places.ts"
import { startChromium } from "./support/chromium.ts"
import { complaintsOf, watchingScripts } from "./support/complaints.ts"
import { screenshot } from "./support/screenshot.ts"
import { PASSWORD, type Served, sendLogin, serve, USER, WITH_LOGIN } from "./support/served.ts"
import { visit } from "./support/visitor.ts"

let browser: Browser
let dir: TempDir
let box: Record<string, string>
/** Shared by those who type the right password. */
let served: Served

beforeAll(async () => {
  browser = await startChromium()
  dir = tempDir("page")
  box = { LEDGER_PATH: dir.file("ledger.sqlite"), DESTINATION_URI: `file://${dir.file("destination")}` }
  openLedger(box.LEDGER_PATH!)[Symbol.dispose]()
  served = await serve({ ...box, ...WITH_LOGIN })
})

afterAll(async () => {
  await browser?.close()
  await served?.[Symbol.asyncDispose]()
  dir?.[Symbol.dispose]()
})

/** Views that are there on any box. */
const ENTRIES = PLACES.filter(({ path }) => path === undefined).map(({ route }) => route)

describe("whoever is not logged in", () => {
  test.each(ENTRIES)("is asked to, and then sees %s", async (path) => {
    await using visitor = await visit(browser, served.url)
    await visitor.goto(path)
    expect(new URL(visitor.page.url()).pathname).toBe("/login")
    expect(await visitor.page.getByRole("navigation").count()).toBe(0)
    await sendLogin(visitor)
    expect(new URL(visitor.page.url()).pathname).toBe(path)
    expect(visitor.trouble).toEqual([])
  })

  test("gets nothing of the box by other ways", async () => {
    for (const path of ["/", "/metrics", "/live/now", "/failures/retry", "/flower"]) {
      for (const method of ["GET", "POST"]) {
        const answer = await fetch(served.url + path, { method, redirect: "manual" })
        expect([303, 401, 403, 404, 405]).toContain(answer.status)
        expect(await answer.text()).not.toMatch(/studies/)
      }
    }
  })

  test("is told of a wrong password, and is slowed down after some of them, even with the right one", async () => {
    await using served = await serve({ ...box, ...WITH_LOGIN })
    await using visitor = await visit(browser, served.url)
    const { page } = visitor
    await visitor.goto("/login")
    const alert = page.getByRole("alert")
    await sendLogin(visitor, "a guess")
    expect(await alert.textContent()).toBe("The name or the password is wrong.")
    expect(await page.getByLabel("Name").inputValue()).toBe(USER)
    expect(await page.getByLabel("Password").inputValue()).toBe("")
    for (let tries = 1; !(await alert.textContent())!.startsWith("Too many wrong tries."); tries++) {
      expect(tries).toBeLessThan(10)
      await sendLogin(visitor, `guess ${tries}`)
    }
    await sendLogin(visitor, PASSWORD)
    expect(await alert.textContent()).toStartWith("Too many wrong tries.")
    expect(await page.context().cookies()).toEqual([])
  })
})

describe("the login", () => {
  test.each(["//example.org/", "https://example.org/", "javascript:alert(1)", `"><script>alert(1)</script>`])(
    "leads nowhere else: %s",
    async (to) => {
      await using visitor = await visit(browser, served.url)
      await visitor.goto(`/login?${new URLSearchParams({ to })}`)
      await sendLogin(visitor)
      expect(new URL(visitor.page.url()).origin).toBe(served.url)
      expect(visitor.trouble.filter((what) => !what.startsWith("answered 404"))).toEqual([])
    },
  )

  test.each([1280, 400] as const)("is without fault, %d px wide", async (width) => {
    for (const scheme of ["light", "dark"] as const) {
      await using visitor = await visit(browser, served.url, {
        width,
        scheme,
        scripts: await watchingScripts(),
      })
      await visitor.goto("/login")
      await screenshot(visitor, `login-${width}-${scheme}`)
      expect(await complaintsOf(visitor)).toEqual([])
    }
  })
})

describe("a session", () => {
  test("is a cookie that scripts cannot read and other sites' forms do not get", async () => {
    await using visitor = await visit(browser, served.url)
    await visitor.goto("/login")
    await sendLogin(visitor)
    const cookies = await visitor.page.context().cookies()
    expect(cookies).toEqual([expect.objectContaining({ httpOnly: true, sameSite: "Lax", path: "/" })])
    expect(await visitor.page.evaluate<string>("document.cookie")).toBe("")
    expect(JSON.stringify(cookies)).not.toContain(PASSWORD)
  })

  test("ends when somebody logs out, also where its cookie was copied", async () => {
    await using visitor = await visit(browser, served.url)
    await visitor.goto("/login")
    await sendLogin(visitor)
    const { page } = visitor
    const cookies = await page.context().cookies()
    expect(await page.getByRole("banner").textContent()).toContain(USER)
    await Promise.all([page.waitForEvent("load"), page.getByRole("button", { name: "Log out" }).click()])
    expect(new URL(page.url()).pathname).toBe("/login")
    await using thief = await visit(browser, served.url)
    await thief.page.context().addCookies(cookies)
    await thief.goto("/failures")
    expect(new URL(thief.page.url()).pathname).toBe("/login")
    expect([...visitor.trouble, ...thief.trouble]).toEqual([])
  })

  test("outlives a restart of the page", async () => {
    const signed = { ...box, ...WITH_LOGIN }
    await using visitor = await visit(browser, "http://127.0.0.1")
    const { page } = visitor
    {
      await using served = await serve(signed)
      await page.goto(`${served.url}/login`)
      await sendLogin(visitor)
    }
    await using again = await serve(signed)
    await page.goto(`${again.url}/failures`)
    expect(new URL(page.url()).pathname).toBe("/failures")
  })
})

test("another address than loopback is not served without a password", async () => {
  const { exitCode, stderr } = await runScript(["scripts/dashboard.ts", "--host", "0.0.0.0"], { env: box })
  expect([exitCode, stderr]).toEqual([2, expect.stringContaining("FLOWER_USER")])
})
