import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import type { Browser } from "playwright-core"
import { failures, type Hospital, openHospital } from "../support/hospital.ts"
import { startChromium } from "./support/chromium.ts"
import { screenshot } from "./support/screenshot.ts"
import { logIn, serve, USER, WITH_LOGIN } from "./support/served.ts"
import { type Visitor, visit } from "./support/visitor.ts"

let browser: Browser

beforeAll(async () => {
  browser = await startChromium()
})

afterAll(() => browser?.close())

describe("a failure that was given up", () => {
  test("is copied by the next run after its class was asked for, and the page says who asked", async () => {
    using hospital = await openHospital()
    const { studyId, metadataKey } = await givenUp(hospital)
    await using served = await serve({ ...hospital.env, ...WITH_LOGIN })
    await using visitor = await visit(browser, served.url, { cookies: await logIn(browser, served) })
    const { page } = visitor
    await visitor.goto("/failures")
    await press(visitor, "Retry all that failed by DestinationConflict")
    const told = page.getByRole("status")
    expect(await told.textContent()).toStartWith("1 failure of DestinationConflict is queued.")
    expect(failures(hospital)).toEqual([])
    await screenshot(visitor, "failures-asked-for-1280-light")

    expect((await hospital.discoverAndCopy()).code).toBe(0)
    expect(hospital.text(metadataKey)).toContain(studyId)
    await visitor.goto("/failures")
    expect(await page.getByText("Nothing failed.").isVisible()).toBe(true)
    const row = await page.getByRole("row", { name: USER }).textContent()
    expect(row).toContain("DestinationConflict")
    expect(row).toContain("127.0.0.1")
    expect(actions(hospital)).toEqual([
      {
        at: expect.stringMatching(/^20\d\d-\d\d-\d\dT/),
        who: USER,
        address: "127.0.0.1",
        target: { verdict: "give-up", errorClass: "DestinationConflict" },
        queued: 1,
      },
    ])
    expect(visitor.trouble).toEqual([])
  })

  test("is copied after its study was asked for, without scripts too", async () => {
    using hospital = await openHospital()
    const { studyId } = await givenUp(hospital)
    await using served = await serve(hospital.env)
    await using visitor = await visit(browser, served.url, { javaScript: false })
    await visitor.goto(`/studies/${studyId}`)
    await press(visitor, `Retry this study ${studyId}`)
    const { page } = visitor
    expect(new URL(page.url()).pathname).toBe(`/studies/${studyId}`)
    expect(await page.getByRole("status").textContent()).toContain("is queued.")
    expect((await hospital.discoverAndCopy()).code).toBe(0)
    expect(actions(hospital)).toEqual([
      expect.objectContaining({ who: "local", target: { studyId }, queued: 1 }),
    ])
    expect(visitor.trouble).toEqual([])
  })

  test("is not queued by a page of another site", async () => {
    using hospital = await openHospital()
    await givenUp(hospital)
    await using served = await serve({ ...hospital.env, ...WITH_LOGIN })
    await using visitor = await visit(browser, served.url, { cookies: await logIn(browser, served) })
    using elsewhere = siteWith(
      `<form method="post" action="${served.url}/retry"><input name="verdict" value="give-up"><input name="class" value="DestinationConflict"><button>Win a prize</button></form>`,
    )
    await visitor.page.goto(elsewhere.url)
    const [answer] = await Promise.all([
      visitor.page.waitForResponse(`${served.url}/retry`),
      visitor.page.getByRole("button").click(),
    ])
    // The session's cookie does not come along, or the form is refused.
    expect([303, 403]).toContain(answer.status())
    expect(actions(hospital)).toEqual([])
    expect(failures(hospital)).toHaveLength(1)
  })
})

/** A study whose metadata met somebody else's object, which is gone by now; the next run alone does not care. */
async function givenUp(hospital: Hospital) {
  const study = await hospital.admit()
  hospital.cloud.put(hospital.destination, study.metadataKey, "somebody else's")
  expect((await hospital.discoverAndCopy()).code).toBe(1)
  hospital.cloud.delete(hospital.destination, study.metadataKey)
  await hospital.discoverAndCopy()
  expect(failures(hospital)).toEqual([
    { path: study.metadataKey, verdict: "give-up", error_class: "DestinationConflict" },
  ])
  return study
}

/** With the keyboard, as far as a button takes it. */
async function press({ page }: Visitor, name: string) {
  const button = page.getByRole("button", { name })
  await button.focus()
  await Promise.all([page.waitForEvent("load"), page.keyboard.press("Enter")])
}

type Row = Readonly<Record<"at" | "who" | "address" | "target", string>> & { readonly queued: number }

/** What the ledger has of them. */
function actions(hospital: Hospital) {
  return hospital
    .rows<Row>("select at, who, address, target, queued from actions")
    .map((action) => ({ ...action, target: JSON.parse(action.target) as unknown }))
}

/** A server with one page; another site by its name, for ports do not tell sites apart. */
function siteWith(body: string) {
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: () => new Response(`<!doctype html>${body}`, { headers: { "content-type": "text/html" } }),
  })
  return { url: `http://localhost:${server.port}/`, [Symbol.dispose]: () => void server.stop(true) }
}
