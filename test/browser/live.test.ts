import { afterAll, beforeAll, expect, test } from "bun:test"
import type { Browser, Page } from "playwright-core"
import { openHospital } from "../support/hospital.ts"
import { startChromium } from "./support/chromium.ts"
import { layoutShift, MOST_SHIFT, watchingScripts } from "./support/complaints.ts"
import { screenshot } from "./support/screenshot.ts"
import { serve } from "./support/served.ts"
import { visit } from "./support/visitor.ts"

const STUDIES = 8
/** Metadata, a report and an image of each. */
const OBJECTS = 3 * STUDIES

let browser: Browser

beforeAll(async () => {
  browser = await startChromium()
})

afterAll(() => browser?.close())

test("Now follows a copy from its first object to its last, and nothing jumps", async () => {
  using hospital = await openHospital()
  for (let n = 0; n < STUDIES; n++) await hospital.admit()
  await hospital.discover()
  await using served = await serve(hospital.env)
  await using visitor = await visit(browser, served.url, { scripts: await watchingScripts() })
  const { page } = visitor
  await visitor.goto("/")
  await page.evaluate("window.isTheSame = true")
  expect(await copied(page)).toBe(0)
  expect(await page.getByText("Nothing runs.").first().isVisible()).toBe(true)

  const stalled = hospital.cloud.fail({
    operation: "s3.get",
    nth: 7,
    times: OBJECTS,
    fault: { kind: "stall" },
  })
  const copying = hospital.copy()
  await page.getByText("A copy is under way.").waitFor()
  await page
    .getByRole("progressbar", { name: /^objects of / })
    .first()
    .waitFor()
  const [midway] = await Promise.all([copiedBeyond(page, 0), stalled.reached()])
  expect(midway).toBeLessThan(OBJECTS)
  await screenshot(visitor, "now-busy-1280-light")

  stalled.release()
  expect((await copying).code).toBe(0)
  expect(await copiedBeyond(page, OBJECTS - 1)).toBe(OBJECTS)
  await page.getByText(`${STUDIES} of ${STUDIES} studies complete`).waitFor()
  await page.getByText("Nothing runs.").first().waitFor()

  expect(await page.evaluate<boolean>("window.isTheSame")).toBe(true)
  expect(await layoutShift(page)).toBeLessThan(MOST_SHIFT)
  expect(visitor.trouble).toEqual([])
})

/** What the figure says right now. */
async function copied(page: Page): Promise<number> {
  return Number(await figure(page).textContent())
}

/** What it says once it says more than that. */
async function copiedBeyond(page: Page, least: number): Promise<number> {
  let now = await copied(page)
  for (; now <= least; now = await copied(page)) await page.waitForTimeout(50)
  return now
}

function figure(page: Page) {
  return page.locator(".figure", { hasText: "Objects copied" }).locator("strong")
}
