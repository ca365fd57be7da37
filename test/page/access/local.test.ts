import { describe, expect, test } from "bun:test"
import { openAccess } from "../../../lib/page/access/open.ts"
import { createLogger } from "../../../lib/support/log.ts"
import { redactor } from "../../../lib/support/redact.ts"
import { testClock } from "../../support/ledger.ts"
import { openTestPage, pageConfig } from "./pages.ts"

describe("without a login", () => {
  test("whoever sits at the box is let in, and has a token for forms but nothing to log out of", async () => {
    await using page = await openTestPage()
    const text = await (await page.ask("/")).text()
    const [, csrf] = /<i>(.*)<\/i>/.exec(text)!
    expect(csrf).toMatch(/^[\w-]{43}$/)
    expect(text).not.toContain("logout")
    const done = await page.send("/do", { csrf: csrf! })
    expect([done.status, await done.text()]).toEqual([200, "done by local\n"])
    expect((await page.send("/do", { csrf: "" })).status).toBe(403)
    expect((await page.send("/do", { csrf: csrf! }, { origin: "http://evil.example" })).status).toBe(403)
    for (const path of ["/login", "/flower/login"]) expect((await page.ask(path)).status).toBe(404)
    expect((await page.ask("/watch")).status).toBe(200)
  })

  test.each([
    ["localhost", 200],
    ["LOCALHOST:5555", 200],
    ["127.0.0.1", 200],
    ["[::1]:80", 200],
    ["evil.example", 403],
    ["localhost.evil.example", 403],
    ["127.0.0.1.evil.example:5555", 403],
    ["evil.example:5555", 403],
    ["localhost@evil.example", 400],
    ["192.168.1.2", 403],
  ])("asked for as %s", async (host, status) => {
    await using page = await openTestPage()
    for (const path of ["/", "/flower/watch", "/pulse"])
      expect((await page.ask(path, { headers: { host } })).status).toBe(status)
  })

  test.each(["x-forwarded-for", "x-forwarded-host", "x-real-ip", "forwarded", "via"])(
    "a proxy that says that it is one, by %s, brings nobody in",
    async (name) => {
      await using page = await openTestPage()
      const refused = await page.ask("/", { headers: { [name]: "192.0.2.1" } })
      expect(refused.status).toBe(403)
      expect(await refused.text()).toContain("FLOWER_USER")
    },
  )
})

describe("what the page is configured by", () => {
  const log = createLogger({ level: "INFO", redact: redactor([]), write: () => {} })
  const open = (env: Record<string, string>) => openAccess(pageConfig(env).page, { clock: testClock(), log })

  test.each(["0.0.0.0", "::", "192.168.1.2", "box.hospital.example", "127.0.0.1.evil.example", "1.127.0.0"])(
    "at %s nobody is let in without a login",
    (PAGE_HOST) => {
      expect(() => open({ PAGE_HOST })).toThrow(/PAGE_HOST="\S+" .*FLOWER_USER and FLOWER_PASSWORD/)
      expect(open({ PAGE_HOST, FLOWER_USER: "etl", FLOWER_PASSWORD: "p" }).routes).not.toEqual([])
    },
  )

  test.each(["127.0.0.1", "127.0.0.2", "::1", "localhost"])("at %s it needs none", (PAGE_HOST) => {
    expect(open({ PAGE_HOST }).routes).toEqual([])
  })

  test.each([
    ["FLOWER_USER", "FLOWER_PASSWORD"],
    ["FLOWER_PASSWORD", "FLOWER_USER"],
  ])("%s alone is a mistake, and not no login", (set, unset) => {
    expect(() => open({ [set]: "secret of it" })).toThrow(`${unset} is not set, but ${set} is`)
    expect(() => open({ [set]: "secret of it" })).not.toThrow("secret of it")
  })
})
