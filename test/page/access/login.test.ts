import { describe, expect, test } from "bun:test"
import { HOUR } from "../../support/ledger.ts"
import { openTestPage, type TestPage } from "./pages.ts"

const LOGIN = { FLOWER_USER: "etl", FLOWER_PASSWORD: "correct horse", SECRET_KEY: "k".repeat(64) }
const RIGHT = { user: "etl", password: "correct horse" }
const HTML = { accept: "text/html,application/xhtml+xml" }

/** As a browser sends it back. */
const cookieOf = (answer: Response) => answer.headers.get("set-cookie")!.split(";")[0]!

async function logIn(page: TestPage): Promise<{ readonly cookie: string }> {
  return { cookie: cookieOf(await page.send("/login", RIGHT)) }
}

async function csrfOf(page: TestPage, headers: Record<string, string>): Promise<string> {
  const [, csrf] = /<i>(.*)<\/i>/.exec(await (await page.ask("/", { headers })).text())!
  return csrf!
}

describe("the login", () => {
  test.each(["", "/flower"])(
    "below %p whoever looks is asked for name and password, and led to what they wanted",
    async (base) => {
      await using page = await openTestPage(LOGIN)
      const sent = await page.ask(`${base}/failures?verdict=retry`, { headers: HTML })
      expect([sent.status, sent.headers.get("location")]).toEqual([
        303,
        `${base}/login?to=%2Ffailures%3Fverdict%3Dretry`,
      ])
      const asked = await page.ask(sent.headers.get("location")!, { headers: HTML })
      const form = await asked.text()
      expect(asked.status).toBe(200)
      expect(form).toContain(`action="${base}/login"`)
      expect(form).toContain(`name="to" value="/failures?verdict=retry"`)
      expect(form).not.toContain("<nav")
      const done = await page.send(`${base}/login`, { ...RIGHT, to: "/failures?verdict=retry" })
      expect([done.status, done.headers.get("location")]).toEqual([303, `${base}/failures?verdict=retry`])
      const seen = await page.ask(`${base}/failures`, { headers: { cookie: cookieOf(done) } })
      expect(seen.status).toBe(200)
      expect(await seen.text()).toContain(`action="${base}/logout"`)
    },
  )

  test("leads nowhere else, whatever the link to it says", async () => {
    await using page = await openTestPage(LOGIN)
    for (const to of ["//evil.example", "/\\evil.example", "https://evil.example", "/.//evil.example"]) {
      const done = await page.send("/login", { ...RIGHT, to })
      expect(done.headers.get("location")).toBe("/")
      const shown = await page.ask(`/login?${new URLSearchParams({ to })}`)
      expect(await shown.text()).toContain('name="to" value="/"')
    }
    const headers = await logIn(page)
    const again = await page.ask("/login?to=//evil.example", { headers })
    expect([again.status, again.headers.get("location")]).toEqual([303, "/"])
  })

  test("shows what was typed as text, says what is wrong, and does not log it", async () => {
    await using page = await openTestPage(LOGIN)
    const user = '"><script>alert(1)</script>'
    const wrong = await page.send("/login", { user, password: "geheim", to: `/${user}` })
    expect(wrong.status).toBe(403)
    expect(wrong.headers.has("set-cookie")).toBe(false)
    const text = await wrong.text()
    expect(text).toContain("The name or the password is wrong.")
    expect(text).toContain("&quot;&gt;&lt;script&gt;")
    expect(text).not.toContain("<script>alert")
    expect(page.logged.join()).toContain("a login to the page with a wrong name or password")
    expect(page.logged.join()).not.toMatch(/geheim|script/)
  })

  test("waits after wrong tries, also for the right password, and says how long", async () => {
    await using page = await openTestPage(LOGIN)
    for (let n = 0; n < 5; n += 1) await page.send("/login", { user: "etl", password: String(n) })
    const slowed = await page.send("/login", RIGHT)
    expect([slowed.status, slowed.headers.get("retry-after")]).toEqual([429, "30"])
    expect(await slowed.text()).toContain("Try again in 30 seconds.")
    const basic = { authorization: `Basic ${btoa("etl:correct horse")}` }
    expect((await page.ask("/watch", { headers: basic })).status).toBe(429)
    page.bench.clock.advance(30_000)
    expect((await page.send("/login", RIGHT)).status).toBe(303)
  })

  test.each([
    ["another site, as the browser says", { "sec-fetch-site": "cross-site" }, "same", 403],
    ["another name of the same site", { "sec-fetch-site": "same-site" }, "same", 403],
    ["another site, by its origin", {}, "http://evil.example", 403],
    ["another port of this machine", {}, "http://127.0.0.1:1", 403],
    ["an origin that nobody may know", {}, "null", 403],
    ["nowhere that anybody tells", {}, null, 403],
    ["here, through a proxy that changes the host", { "sec-fetch-site": "same-origin" }, "https://etl", 303],
    ["here", {}, "same", 303],
  ] as const)("a form from %s", async (_, headers, origin, status) => {
    await using page = await openTestPage(LOGIN)
    const from = origin === "same" ? {} : { origin }
    expect((await page.send("/login", RIGHT, { headers, ...from })).status).toBe(status)
  })

  test.each(["a b", "[::1", "evil/..//x", "a:99999"])(
    "asked for as %p is nowhere, and no error",
    async (host) => {
      await using page = await openTestPage(LOGIN)
      expect((await page.ask("/failures", { headers: { ...HTML, host } })).status).toBe(400)
      expect(page.logged).toEqual([])
    },
  )

  test("takes forms of a few words only", async () => {
    await using page = await openTestPage(LOGIN)
    const post = (body: string | FormData, type?: string) =>
      page.ask("/login", {
        method: "POST",
        body,
        headers: { origin: page.url, ...(type !== undefined && { "content-type": type }) },
      })
    expect((await post(JSON.stringify(RIGHT), "application/json")).status).toBe(415)
    expect((await post(new URLSearchParams(RIGHT).toString(), "text/plain")).status).toBe(415)
    const multipart = new FormData()
    multipart.set("user", "etl")
    expect((await post(multipart)).status).toBe(415)
    const long = `user=etl&password=${"x".repeat(70_000)}`
    expect((await post(long, "application/x-www-form-urlencoded")).status).toBe(413)
  })
})

describe("a session", () => {
  test("is a cookie that scripts and other sites do not get; over https it is sent by nothing else", async () => {
    await using page = await openTestPage(LOGIN)
    const plain = (await page.send("/login", RIGHT)).headers.get("set-cookie")
    expect(plain).toMatch(/^etl_session=[\w.-]+; Path=\/; Max-Age=43200; HttpOnly; SameSite=Lax$/)
    const origin = `https://${page.host}`
    const secure = (await page.send("/login", RIGHT, { origin })).headers.get("set-cookie")
    expect(secure).toMatch(/; Path=\/; Max-Age=43200; Secure; HttpOnly; SameSite=Lax$/)
  })

  test("ends twelve hours after the last look, and stays https where it was", async () => {
    await using page = await openTestPage(LOGIN)
    const { clock } = page.bench
    const headers = { cookie: cookieOf(await page.send("/login", RIGHT, { origin: `https://${page.host}` })) }
    clock.advance(HOUR / 8)
    expect((await page.ask("/", { headers })).headers.has("set-cookie")).toBe(false)
    clock.advance(11 * HOUR)
    const renewed = await page.ask("/", { headers })
    expect(renewed.headers.get("set-cookie")).toContain("; Secure")
    clock.advance(HOUR)
    expect((await page.ask("/", { headers })).status).toBe(403)
    const later = { cookie: cookieOf(renewed) }
    expect(await csrfOf(page, later)).not.toBe("")
    clock.advance(11 * HOUR)
    expect((await page.ask("/", { headers: later })).status).toBe(403)
  })

  test("is over for whoever logs out, also where its cookie was copied, and just when it would be renewed", async () => {
    await using page = await openTestPage(LOGIN)
    const headers = await logIn(page)
    const other = await logIn(page)
    page.bench.clock.advance(HOUR)
    const csrf = await csrfOf(page, headers)
    expect((await page.send("/logout", { csrf: "" }, { headers })).status).toBe(403)
    const out = await page.send("/logout", { csrf }, { headers })
    expect([out.status, out.headers.get("location")]).toEqual([303, "/login"])
    expect(out.headers.getSetCookie()).toEqual([expect.stringMatching(/^etl_session=; .*Max-Age=0/)])
    expect((await page.ask("/", { headers })).status).toBe(403)
    expect((await page.ask("/", { headers: other })).status).toBe(200)
  })

  test("is nobody's who changed its cookie, or made one with another key", async () => {
    await using page = await openTestPage(LOGIN)
    const { cookie } = await logIn(page)
    const [id, expires, secure, signature] = cookie.replace("etl_session=", "").split(".")
    const forged = [
      [id, String(Number(expires) + HOUR), secure, signature],
      [id, expires, "s", signature],
      ["A".repeat(22), expires, secure, signature],
      [id, expires, secure, ""],
      [id, expires, secure, "A".repeat(43)],
      [id, expires, secure],
      [],
    ].map((parts) => `etl_session=${parts.join(".")}`)
    for (const one of [...forged, `etl_session=${"x".repeat(7000)}`, "etl_session=%E0%A4%A"])
      expect((await page.ask("/", { headers: { cookie: one } })).status).toBe(403)
    expect((await page.ask("/", { headers: { cookie } })).status).toBe(200)
  })

  test.each([
    ["with the same SECRET_KEY", {}, 200],
    ["with another SECRET_KEY", { SECRET_KEY: "other" }, 403],
    ["without one", { SECRET_KEY: "" }, 403],
    ["with another password", { FLOWER_PASSWORD: "changed" }, 403],
  ])("of a page that was started again %s", async (_, env, status) => {
    let headers: Record<string, string>
    {
      await using first = await openTestPage(LOGIN)
      headers = await logIn(first)
    }
    await using second = await openTestPage({ ...LOGIN, ...env })
    expect((await second.ask("/", { headers })).status).toBe(status)
  })

  test("does something only with its own token", async () => {
    await using page = await openTestPage(LOGIN)
    const headers = await logIn(page)
    const other = await logIn(page)
    const csrf = await csrfOf(page, headers)
    expect(csrf).toMatch(/^[\w-]{43}$/)
    const status = async (fields: Record<string, string>, options = {}) =>
      (await page.send("/do", fields, options)).status
    expect(await status({ csrf }, { headers })).toBe(200)
    expect(await status({ csrf }, { headers: other })).toBe(403)
    expect(await status({}, { headers })).toBe(403)
    expect(await status({ csrf: `${csrf.slice(1)}A` }, { headers })).toBe(403)
    expect(await status({ csrf }, { headers, origin: "http://evil.example" })).toBe(403)
    expect(await status({ csrf })).toBe(403)
  })

  test("that is not there: pictures and scripts are just refused; what a form did is asked for again", async () => {
    await using page = await openTestPage(LOGIN)
    expect((await page.ask("/failures")).status).toBe(403)
    const sent = await page.send("/flower/do", {}, { headers: HTML })
    expect([sent.status, sent.headers.get("location")]).toEqual([303, "/flower/login"])
  })
})

describe("a program that watches the box", () => {
  const basic = (text: string) => ({ headers: { authorization: `Basic ${btoa(text)}` } })

  test("gets in by HTTP Basic, where it is meant to and nowhere else", async () => {
    await using page = await openTestPage(LOGIN)
    const asked = await page.ask("/watch")
    expect([asked.status, asked.headers.get("www-authenticate")]).toEqual([
      401,
      'Basic realm="chest X-ray ETL", charset="UTF-8"',
    ])
    expect((await page.ask("/watch", basic("etl:wrong"))).status).toBe(401)
    expect((await page.ask("/watch", { headers: { authorization: "Bearer x" } })).status).toBe(401)
    const seen = await page.ask("/watch", basic("etl:correct horse"))
    expect([seen.status, await seen.text(), seen.headers.has("set-cookie")]).toEqual([200, "etl\n", false])
    expect((await page.ask("/", basic("etl:correct horse"))).status).toBe(403)
    expect((await page.send("/do", {}, basic("etl:correct horse"))).status).toBe(403)
    expect((await page.ask("/watch", { headers: await logIn(page) })).status).toBe(200)
  })

  test("may stay unknown where anybody may ask, but not be wrong", async () => {
    await using page = await openTestPage(LOGIN)
    const text = async (init?: RequestInit) => (await page.ask("/pulse", init)).text()
    expect(await text()).toBe("nobody\n")
    expect(await text(basic("etl:correct horse"))).toBe("etl\n")
    expect((await page.ask("/pulse", basic("etl:wrong"))).status).toBe(401)
  })

  test("what it guesses wrong counts as for people, and what it knows costs nothing", async () => {
    await using page = await openTestPage(LOGIN)
    for (let n = 0; n < 20; n += 1) await page.ask("/watch", basic("etl:correct horse"))
    for (let n = 0; n < 5; n += 1) await page.ask("/pulse", basic(`etl:${n}`))
    const slowed = await page.ask("/watch", basic("etl:correct horse"))
    expect([slowed.status, slowed.headers.get("retry-after")]).toEqual([429, "30"])
    expect((await page.send("/login", RIGHT)).status).toBe(429)
  })
})
