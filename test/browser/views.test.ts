import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import type { Browser, Cookie, Response } from "playwright-core"
import { SITE } from "../../lib/page/site.ts"
import { runScript } from "../support/process.ts"
import { type TempDir, tempDir } from "../support/temp.ts"
import { PLACES, type Place, pathOf } from "./places.ts"
import { startChromium } from "./support/chromium.ts"
import { complaintsOf, watchingScripts } from "./support/complaints.ts"
import { openScene, type Scene } from "./support/scene.ts"
import { screenshot } from "./support/screenshot.ts"
import { logIn, type Served, serve, WITH_LOGIN } from "./support/served.ts"
import { type Appearance, type Visitor, visit } from "./support/visitor.ts"

const APPEARANCES: readonly Appearance[] = [1280, 400].flatMap((width) =>
  (["light", "dark"] as const).map((scheme) => ({ width: width as 1280 | 400, scheme })),
)

/** Of a document with its style, its scripts and its icon, as the browser unpacks them; pictures of studies are not of the page. */
const MOST_BYTES = 300_000

/** What of it there is without a server; buttons are not. */
const EXPORTED = ["now", "cohort", "failures", "history"]

let browser: Browser
let scene: Scene
let served: Served
let scripts: readonly string[]
let cookies: readonly Cookie[]

beforeAll(async () => {
  ;[browser, scene, scripts] = await Promise.all([startChromium(), openScene(), watchingScripts()])
  served = await serve({ ...scene.hospital.env, ...WITH_LOGIN })
  cookies = await logIn(browser, served)
})

afterAll(async () => {
  await browser?.close()
  await served?.[Symbol.asyncDispose]()
  scene?.hospital[Symbol.dispose]()
})

test("every view of the site is looked at here", () => {
  const routes = SITE.views.map(({ path }) => path)
  expect(new Set(PLACES.map(({ route }) => route))).toEqual(new Set(routes))
})

describe.each(PLACES)("$name", (place) => {
  test.each(APPEARANCES)("is without fault, $width px wide, $scheme", async (appearance) => {
    await using visitor = await visit(browser, served.url, { ...appearance, scripts, cookies })
    await look(visitor, place)
    await screenshot(visitor, `${place.name}-${appearance.width}-${appearance.scheme}`)
    expect(await complaintsOf(visitor)).toEqual([])
  })

  test("has all its content without scripts", async () => {
    await using visitor = await visit(browser, served.url, { cookies, javaScript: false })
    await look(visitor, place)
    const text = await visitor.page.locator("main").textContent()
    for (const each of place.has) expect(text).toMatch(each)
    expect(visitor.trouble).toEqual([])
  })

  test("names nobody", async () => {
    await using visitor = await visit(browser, served.url, { cookies })
    const document = await (await visitor.goto(pathOf(place, scene))).text()
    expect(scene.personal.filter((each) => document.includes(each))).toEqual([])
  })

  test("is below 300 kB with everything that it loads", async () => {
    await using visitor = await visit(browser, served.url, { cookies })
    await look(visitor, place)
    const sizes = await Promise.all(
      visitor.loaded.filter(isOfThePage).map(async (each) => (await each.body()).length),
    )
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(MOST_BYTES)
  })
})

describe("the export", () => {
  const exported = async (dir: TempDir) => {
    const { exitCode, stderr } = await runScript(
      ["scripts/dashboard.ts", "--export", dir.file("page.html")],
      {
        env: scene.hospital.env,
      },
    )
    expect([exitCode, stderr]).toEqual([0, ""])
    return `file://${dir.path}`
  }

  test.each(APPEARANCES)("is without fault, $width px wide, $scheme", async (appearance) => {
    using dir = tempDir("export")
    await using visitor = await visit(browser, await exported(dir), { ...appearance, scripts })
    await visitor.goto("/page.html")
    await screenshot(visitor, `export-${appearance.width}-${appearance.scheme}`)
    expect(await complaintsOf(visitor)).toEqual([])
    expect(visitor.loaded.map((response) => response.url())).toEqual([visitor.page.url()])
  })

  test("has what the views have, leads nowhere, and names nobody", async () => {
    using dir = tempDir("export")
    await using visitor = await visit(browser, await exported(dir), { javaScript: false })
    await visitor.goto("/page.html")
    const { page } = visitor
    const text = await page.locator("main").textContent()
    for (const { name, entry, has } of PLACES) {
      if (!EXPORTED.includes(name)) continue
      expect(await page.getByRole("heading", { name: entry, exact: true }).count()).toBeGreaterThan(0)
      for (const each of has) if (!/Retry/.test(String(each))) expect(text).toMatch(each)
    }
    expect(await page.locator("a:not([href^='#']), form, button").count()).toBe(0)
    expect(scene.personal.filter((each) => text!.includes(each))).toEqual([])
    expect(visitor.trouble).toEqual([])
  })
})

async function look(visitor: Visitor, place: Place) {
  const { entry, heading } = place
  expect((await visitor.goto(pathOf(place, scene))).status()).toBe(200)
  const { page } = visitor
  expect(await page.getByRole("heading", { level: 1 }).textContent()).toMatch(heading)
  const current = page.getByRole("navigation").locator("[aria-current=page]")
  expect(await current.allInnerTexts()).toEqual([entry])
}

function isOfThePage(response: Response): boolean {
  const type = response.request().resourceType()
  return ["document", "script", "stylesheet", "font"].includes(type) || response.url().includes("/assets/")
}
