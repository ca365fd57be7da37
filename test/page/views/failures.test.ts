import { afterEach, describe, expect, test } from "bun:test"
import { failureClasses, failuresOfClass } from "../../../lib/ledger/page/failures.ts"
import { recordStudyFailure } from "../../../lib/ledger/retries.ts"
import { recordStudy } from "../../../lib/ledger/studies.ts"
import { SITE } from "../../../lib/page/site.ts"
import { readFailures } from "../../../lib/page/views/failures/read.ts"
import { renderFailures } from "../../../lib/page/views/failures/render.ts"
import { whatNext } from "../../../lib/page/views/failures/words.ts"
import { complete, GIVEN_UP } from "../../support/copying.ts"
import { chestStudy, image, rows, type TestLedger, testLedger } from "../../support/ledger.ts"
import { troubledLedger } from "../../support/troubled-ledger.ts"
import { openTestPage, type TestPage } from "../access/pages.ts"

let page: TestPage | undefined
afterEach(async () => {
  await page?.[Symbol.asyncDispose]()
  page = undefined
})

/** The text of a view over this ledger, which is open until the test ends. */
async function view(bench: TestLedger, path = "/failures"): Promise<string> {
  page ??= await openTestPage({}, { bench, site: SITE })
  const response = await page.ask(path)
  expect(response.status).toBe(200)
  return await response.text()
}

const textOf = (html: string) => html.replace(/<[^>]*>/g, "").replaceAll("&amp;", "&")

describe("The view of failures", () => {
  test("has every class with its count, one of them, its study, and what to do", async () => {
    const text = await view(troubledLedger())
    expect(text).toContain("Given up until somebody asks")
    expect(text).toMatch(/DestinationConflict<\/a> <span class="badge bad">2</)
    expect(text).toContain("1 object, 1 study as a whole; one of them:")
    expect(text).toContain("something else stands there")
    expect(text).toContain('<a href="/studies/d">d</a>')
    expect(text).toContain("<code>bun run copy d --retry-failed</code>")
    expect(textOf(text)).toContain("tried once")
  })

  test("says of each kind what happens by itself", async () => {
    const text = textOf(await view(troubledLedger()))
    const [givenUp, again, looked] = [
      "Given up until",
      "Tried again by the next run",
      "Looked for again",
    ].map((heading) => text.indexOf(heading))
    expect(text.indexOf("TarDisagreesError")).toBeGreaterThan(givenUp!)
    expect(text.indexOf("LockAcquisitionError")).toBeGreaterThan(again!)
    expect(text.indexOf("NotFound")).toBeGreaterThan(looked!)
    expect(text).toContain("its lock hangs, and a person has to look first: see Locks")
  })

  test("says so when nothing failed", async () => {
    const text = await view(testLedger())
    expect(text).toContain("Nothing failed.")
    expect(text).toContain("Nobody has asked for anything yet.")
    expect(text).not.toContain('action="/retry"')
  })

  test("offers no button for the one failure that a retry would not touch", async () => {
    const text = await view(troubledLedger())
    expect(text).not.toContain('value="TarDisagreesError"')
    expect(text).toContain('value="ThumbnailError"')
  })

  test("shows what comes from outside as text", async () => {
    const bench = testLedger()
    const script = `<script>alert("1")</script>`
    recordStudy(bench.ledger, chestStudy(`s"${script}`, { organizationId: script }), bench.cohortId)
    recordStudyFailure(bench.ledger, `s"${script}`, {
      verdict: "give-up",
      errorClass: `Class"${script}`,
      errorMessage: script,
    })
    expect(await view(bench)).not.toContain("<script>alert")
    const address = new URLSearchParams({ verdict: "give-up", class: `Class"${script}` })
    const listed = await view(bench, `/failures?${address}`)
    expect(listed).not.toContain("<script>alert")
    expect(listed).toContain("&lt;script&gt;alert")
  })

  test("of a static file has no links, no buttons, and nobody's name", () => {
    using bench = troubledLedger()
    const context = { base: "", isStatic: true, timezone: "UTC", now: bench.clock.now(), csrf: "token" }
    const { text } = renderFailures(readFailures(bench.ledger), context)
    expect(text).toContain("DestinationConflict")
    expect(text).not.toMatch(/<a |<form|<button|Asked for/)
  })
})

describe("The failures of a class", () => {
  const address = "/failures?verdict=give-up&class=DestinationConflict"

  test("are listed part by part, each once", async () => {
    const bench = testLedger()
    const objects = Array.from({ length: 120 }, (_, n) => image(`i${n}`))
    recordStudy(bench.ledger, chestStudy("a", { objects }), bench.cohortId)
    complete(bench, "a", { failing: objects.map((_, n) => n), as: GIVEN_UP })
    const seen: string[] = []
    let next: string | undefined = address
    for (let parts = 0; next !== undefined && parts < 9; parts++) {
      const text: string = await view(bench, next)
      seen.push(...text.matchAll(/dicom_files\/s\/i\d+\.dcm/g).map(([path]) => path))
      next = /href="([^"]*)">Next</.exec(text)?.[1]?.replaceAll("&amp;", "&")
    }
    expect(seen).toEqual(objects.map(({ path }) => path))
    expect(await view(bench, address)).toContain("120 objects")
  })

  test("below /flower lead to what is below /flower", async () => {
    const text = await view(troubledLedger(), `/flower${address}`)
    expect(text).toContain('action="/flower/retry"')
    expect(text).toContain('href="/flower/failures"')
    expect(text).not.toMatch(/(?:href|action)="\/(?!flower)/)
  })

  test("may be gone, or never have been", async () => {
    const bench = troubledLedger()
    const gone = await view(bench, "/failures?verdict=retry&class=Gone")
    expect(gone).toContain("Nothing fails by Gone any more.")
    for (const after of ["nonsense", "object.x.y", "series.99999999999999999.", "object.0."])
      expect(await view(bench, `${address}&after=${after}`)).toContain("2")
    expect(await view(bench, "/failures?verdict=nonsense&class=Gone")).toContain("Given up until")
  })

  test("are told what to do in the words of the view failures", () => {
    using bench = troubledLedger()
    const lines = failureClasses(bench.ledger).flatMap(
      (each) => failuresOfClass(bench.ledger, each, { limit: 100 }).lines,
    )
    const view = rows<{ path: string; what_next: string }>(
      bench.ledger,
      "select path, what_next from failures where what_next not like '%hangs%' order by path",
    )
    const told = lines
      .filter(({ lock }) => lock === null)
      .map((line) => ({ path: line.path, what_next: whatNext(line) }))
      .toSorted((a, b) => (a.path < b.path ? -1 : 1))
    const day = ({ what_next, ...row }: { path: string; what_next: string }) => ({
      ...row,
      what_next: what_next.replace(/T[\d:.]+Z$/, ""),
    })
    expect(told).toEqual(view.map(day))
  })
})
