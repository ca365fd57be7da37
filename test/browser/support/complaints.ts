import type { AxeResults } from "axe-core"
import type { Page } from "playwright-core"
import type { Visitor } from "./visitor.ts"

/** What is wrong with a page by rules that hold for each of them, as a person would say it; nothing when all is well. */
export async function complaintsOf(visitor: Visitor): Promise<string[]> {
  return [
    ...visitor.trouble,
    ...(await overflow(visitor.page)),
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
  return wide <= has ? [] : [`scrolls sideways: ${wide} px wide on ${has}`]
}

/** Everything that axe-core finds, of whatever impact. */
async function barriers(page: Page): Promise<string[]> {
  const { violations } = await page.evaluate<AxeResults>("axe.run(document)")
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${help}: ${html.slice(0, 300)}: ${failureSummary}`),
  )
}
