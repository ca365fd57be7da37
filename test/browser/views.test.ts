import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { mkdirSync, rmSync } from "node:fs"
import { join } from "node:path"
import type { Browser, Response } from "playwright-core"
import { SITE } from "../../lib/page/site.ts"
import { PLACES, type Place } from "./places.ts"
import { startChromium } from "./support/chromium.ts"
import { complaintsOf, watchingScripts } from "./support/complaints.ts"
import { openScene, type Scene } from "./support/scene.ts"
import { type Served, serve } from "./support/served.ts"
import { type Appearance, type Visitor, visit } from "./support/visitor.ts"

/** What a change of the page is looked at by. */
const SCREENSHOTS = join(import.meta.dir, "screenshots")

const APPEARANCES: readonly Appearance[] = [1280, 400].flatMap((width) =>
  (["light", "dark"] as const).map((scheme) => ({ width: width as 1280 | 400, scheme })),
)

/** Of a document with its style, its scripts and its icon, as the browser unpacks them; pictures of studies are not of the page. */
const MOST_BYTES = 300_000

let browser: Browser
let scene: Scene
let served: Served
let scripts: readonly string[]

beforeAll(async () => {
  rmSync(SCREENSHOTS, { recursive: true, force: true })
  mkdirSync(SCREENSHOTS)
  ;[browser, scene, scripts] = await Promise.all([startChromium(), openScene(), watchingScripts()])
  served = await serve(scene.hospital)
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
    await using visitor = await visit(browser, served.url, { ...appearance, scripts })
    await look(visitor, place)
    await screenshot(visitor, `${place.name}-${appearance.width}-${appearance.scheme}`)
    expect(await complaintsOf(visitor)).toEqual([])
  })

  test("has all its content without scripts", async () => {
    await using visitor = await visit(browser, served.url, { javaScript: false })
    await look(visitor, place)
    const text = await visitor.page.locator("main").textContent()
    for (const each of place.has(scene)) expect(text).toMatch(each)
    expect(visitor.trouble).toEqual([])
  })

  test("names nobody", async () => {
    await using visitor = await visit(browser, served.url)
    const document = await (await visitor.goto(place.path(scene))).text()
    expect(scene.personal.filter((each) => document.includes(each))).toEqual([])
  })

  test("is below 300 kB with everything that it loads", async () => {
    await using visitor = await visit(browser, served.url)
    await look(visitor, place)
    const sizes = await Promise.all(
      visitor.loaded.filter(isOfThePage).map(async (each) => (await each.body()).length),
    )
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(MOST_BYTES)
  })
})

async function look(visitor: Visitor, { path, entry, heading }: Place) {
  expect((await visitor.goto(path(scene))).status()).toBe(200)
  const { page } = visitor
  expect(await page.getByRole("heading", { level: 1 }).textContent()).toMatch(heading)
  if (entry === undefined) return
  const current = page.getByRole("navigation").locator("[aria-current=page]")
  expect(await current.allInnerTexts()).toEqual([entry])
}

async function screenshot({ page }: Visitor, name: string) {
  await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), fullPage: true })
}

function isOfThePage(response: Response): boolean {
  const type = response.request().resourceType()
  return ["document", "script", "stylesheet", "font"].includes(type) || response.url().includes("/assets/")
}
