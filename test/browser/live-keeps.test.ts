import { afterAll, beforeAll, expect, test } from "bun:test"
import type { Browser, Page } from "playwright-core"
import { releaseClaim } from "../../lib/ledger/claims.ts"
import { recordStudy } from "../../lib/ledger/studies.ts"
import { SITE } from "../../lib/page/site.ts"
import { openTestPage, type TestPage } from "../page/access/pages.ts"
import { complete, GIVEN_UP } from "../support/copying.ts"
import { chestStudy, mustClaim } from "../support/ledger.ts"
import { startChromium } from "./support/chromium.ts"
import { until, type Visitor, visit } from "./support/visitor.ts"

let browser: Browser

beforeAll(async () => {
  browser = await startChromium()
})

afterAll(() => browser?.close())

/** Now, looked at while another process writes: two studies are held, one has failed, one is complete. */
async function looking() {
  const served = await openTestPage({}, { site: SITE })
  const other = served.bench.reopen()
  const { runId, cohortId } = served.bench
  for (const id of ["a", "b", "c", "d", "e"]) recordStudy(other, chestStudy(id), cohortId)
  const worker = { ledger: other, runId }
  complete(worker, "a", { failing: [1], as: GIVEN_UP })
  complete(worker, "b")
  const claims = ["c", "d"].map((id) => mustClaim(other, runId, id))
  const visitor = await visit(browser, served.url.slice(0, -1))
  await visitor.goto("/")
  await visitor.page.locator("canvas").waitFor()
  return {
    page: visitor.page,
    visitor,
    worker,
    claims,
    served,
    [Symbol.asyncDispose]: () => closed(visitor, served),
  }
}

async function closed(visitor: Visitor, served: TestPage) {
  await visitor[Symbol.asyncDispose]()
  await served[Symbol.asyncDispose]()
}

const focused = (page: Page) => page.evaluate<string>("document.activeElement.textContent")

test("What moves by itself leaves focus, scroll and whatever was opened alone, and draws on in the same plot", async () => {
  await using now = await looking()
  const { page, visitor, worker } = now
  await page.getByText("The figures as a table").click()
  await page.locator(".line a").focus()
  await page.evaluate("window.canvas = document.querySelector('canvas')")
  await page.evaluate("window.scrollTo(0, 120)")
  complete(worker, "e")
  await page.getByText("2 of 4 studies complete").waitFor()
  expect(await focused(page)).toBe("1 failure")
  expect(await page.evaluate<boolean>("document.querySelector('.plot details').open")).toBe(true)
  expect(await page.evaluate<boolean>("window.canvas === document.querySelector('canvas')")).toBe(true)
  expect(await page.evaluate<number>("window.scrollY")).toBe(120)
  expect(visitor.trouble).toEqual([])
})

test("A row stays the row of its study when others go", async () => {
  await using now = await looking()
  const { page, worker, claims } = now
  await page.getByRole("link", { name: "d", exact: true }).focus()
  releaseClaim(worker.ledger, claims[0]!, { seconds: 1 })
  await page.getByRole("link", { name: "c", exact: true }).waitFor({ state: "detached" })
  expect(await focused(page)).toBe("d")
})

test("Plots follow the scheme, and tell what stands under the pointer", async () => {
  await using now = await looking()
  const { page, visitor } = now
  await page.evaluate("window.canvas = document.querySelector('canvas')")
  await page.emulateMedia({ colorScheme: "dark" })
  await until(page, "window.canvas !== document.querySelector('canvas')")
  expect(await page.locator("canvas").count()).toBe(1)
  await page.locator(".u-over").hover({ position: { x: 400, y: 50 } })
  await page.getByText(/^Bytes sent: /).waitFor()
  expect(visitor.trouble).toEqual([])
})

test("Whoever looks is told when the connection is lost", async () => {
  await using now = await looking()
  await now.served[Symbol.asyncDispose]()
  await now.page.locator("[data-live][data-lost]").waitFor()
})
