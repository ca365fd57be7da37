import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import type { Browser, Page } from "playwright-core"
import { openLedger } from "../../lib/ledger/open.ts"
import { type TempDir, tempDir } from "../support/temp.ts"
import { PLACES } from "./places.ts"
import { startChromium } from "./support/chromium.ts"
import { complaintsOf, watchingScripts } from "./support/complaints.ts"
import { type Served, serve } from "./support/served.ts"
import { visit } from "./support/visitor.ts"

let browser: Browser
let dir: TempDir
let served: Served

beforeAll(async () => {
  browser = await startChromium()
  dir = tempDir("page")
  const env = { LEDGER_PATH: dir.file("ledger.sqlite"), DESTINATION_URI: `file://${dir.file("destination")}` }
  openLedger(env.LEDGER_PATH)[Symbol.dispose]()
  served = await serve(env)
})

afterAll(async () => {
  await browser?.close()
  await served?.[Symbol.asyncDispose]()
  dir?.[Symbol.dispose]()
})

/** Those of the navigation. */
const ENTRIES = PLACES.filter(({ path }) => path === undefined)

describe("on a box that has done nothing yet", () => {
  test.each(ENTRIES)("$name is without fault, and says what there is not", async ({ route }) => {
    const scripts = await watchingScripts()
    for (const appearance of [
      { width: 1280, scheme: "light" },
      { width: 400, scheme: "dark" },
    ] as const) {
      await using visitor = await visit(browser, served.url, { ...appearance, scripts })
      await visitor.goto(route)
      expect(await complaintsOf(visitor)).toEqual([])
      expect(await visitor.page.locator("main").textContent()).toMatch(/\b(nothing|nobody|no|none|not)\b/i)
    }
  })
})

describe("the navigation", () => {
  test("leads to every view, and from each to every other", async () => {
    await using visitor = await visit(browser, served.url)
    const { page } = visitor
    await visitor.goto("/")
    const entries = await page.getByRole("navigation").getByRole("link").allTextContents()
    expect(entries.toSorted()).toEqual(ENTRIES.map(({ entry }) => entry).toSorted())
    for (const { entry, route } of ENTRIES) {
      await Promise.all([
        page.waitForEvent("load"),
        page.getByRole("link", { name: entry, exact: true }).click(),
      ])
      expect(new URL(page.url()).pathname).toBe(route)
      expect(await heading(page)).toBe(entry)
    }
    expect(visitor.trouble).toEqual([])
  })

  test("is there with the keyboard alone, and one sees where one is", async () => {
    await using visitor = await visit(browser, served.url)
    const { page } = visitor
    for (const { entry } of ENTRIES) {
      await visitor.goto("/")
      for (let steps = 0; (await focused(page)) !== entry; steps++) {
        expect(steps).toBeLessThan(20)
        await page.keyboard.press("Tab")
        expect(await page.evaluate<string>("getComputedStyle(document.activeElement).outlineStyle")).not.toBe(
          "none",
        )
      }
      await Promise.all([page.waitForEvent("load"), page.keyboard.press("Enter")])
      expect(await heading(page)).toBe(entry)
    }
  })

  test("can be skipped by the first key", async () => {
    await using visitor = await visit(browser, served.url)
    const { page } = visitor
    await visitor.goto("/failures")
    await page.keyboard.press("Tab")
    expect(await focused(page)).toBe("Skip to the content")
    await page.keyboard.press("Enter")
    expect(await page.evaluate<string>("document.activeElement.id")).toBe("main")
  })

  test("is under the path of the replaced system too", async () => {
    await using visitor = await visit(browser, served.url)
    const { page } = visitor
    await visitor.goto("/flower")
    for (const { entry, route } of ENTRIES) {
      await Promise.all([
        page.waitForEvent("load"),
        page.getByRole("link", { name: entry, exact: true }).click(),
      ])
      expect(new URL(page.url()).pathname).toBe(`/flower${route === "/" ? "/" : route}`)
    }
    expect(visitor.trouble).toEqual([])
  })
})

async function heading(page: Page): Promise<string | null> {
  return await page.getByRole("heading", { level: 1 }).textContent()
}

function focused(page: Page): Promise<string | null> {
  return page.evaluate<string | null>("document.activeElement.textContent")
}
