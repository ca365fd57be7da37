import type { AxeResults } from "axe-core"
import type { Page } from "playwright-core"
import type { Visitor } from "./visitor.ts"

/** What is wrong with a page by rules that hold for each of them, as a person would say it; nothing when all is well. */
export async function complaintsOf(visitor: Visitor): Promise<string[]> {
  return [
    ...visitor.trouble,
    ...(await overflow(visitor.page)),
    ...(await undrawn(visitor.page)),
    ...(await shifts(visitor.page)),
    ...(await barriers(visitor.page)),
  ]
}

/** To be run in every document that `complaintsOf` is asked about. */
export async function watchingScripts(): Promise<string[]> {
  const axe = await Bun.file(require.resolve("axe-core/axe.min.js")).text()
  return [axe, WATCH_SHIFTS]
}

/** https://web.dev/articles/cls: what moves by itself counts, what a click moves does not. */
const WATCH_SHIFTS = `
  window.layoutShift = 0
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.layoutShift += entry.value
  }).observe({ type: "layout-shift", buffered: true })`

/** What nobody notices. */
export const MOST_SHIFT = 0.05

/** How much has moved by itself since the document was opened. */
export function layoutShift(page: Page): Promise<number> {
  return page.evaluate<number>("window.layoutShift")
}

async function shifts(page: Page): Promise<string[]> {
  const shift = await layoutShift(page)
  return shift < MOST_SHIFT ? [] : [`layout shift of ${shift.toFixed(3)}`]
}

async function overflow(page: Page): Promise<string[]> {
  const [wide, has] = await page.evaluate<[number, number]>(
    "[document.documentElement.scrollWidth, document.documentElement.clientWidth]",
  )
  const hidden = await page.evaluate<string[]>(
    `[...document.querySelectorAll("nav a")].filter((link) => link.getBoundingClientRect().right > ${has})
      .map((link) => link.textContent)`,
  )
  return [
    ...(wide <= has ? [] : [`scrolls sideways: ${wide} px wide on ${has}`]),
    ...hidden.map((name) => `out of sight: ${name}`),
  ]
}

/** Plots that only their words tell of. */
async function undrawn(page: Page): Promise<string[]> {
  const plots = page.locator("[data-plot]")
  const all = await plots.count()
  const drawn = await plots.filter({ has: page.locator("canvas") }).count()
  return all === drawn ? [] : [`${all - drawn} of ${all} plots are not drawn`]
}

/** Every rule that is on by default, and that what is touched is large enough (WCAG 2.2, 2.5.8). */
const AXE = `axe.run(document, { rules: { "target-size": { enabled: true } } })`

/** Everything that axe-core finds, of whatever impact. */
async function barriers(page: Page): Promise<string[]> {
  const { violations } = await page.evaluate<AxeResults>(AXE)
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${help}: ${html.slice(0, 300)}: ${failureSummary}`),
  )
}
