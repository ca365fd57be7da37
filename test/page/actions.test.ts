import { Database } from "bun:sqlite"
import { afterEach, describe, expect, test } from "bun:test"
import { existsSync, renameSync } from "node:fs"
import { actionById, latestActions } from "../../lib/ledger/actions.ts"
import { objectAt } from "../../lib/ledger/objects.ts"
import { startRun } from "../../lib/ledger/runs.ts"
import { SITE } from "../../lib/page/site.ts"
import { thisProcess } from "../../lib/support/owner.ts"
import { rows } from "../support/ledger.ts"
import { troubledLedger } from "../support/troubled-ledger.ts"
import { openTestPage, type TestPage } from "./access/pages.ts"

let page: TestPage
afterEach(() => page[Symbol.asyncDispose]())

const open = async (env: Readonly<Record<string, string>> = {}) => {
  page = await openTestPage(env, { bench: troubledLedger(), site: SITE })
  return page.bench.ledger
}

const textAt = async (path: string) => await (await page.ask(path)).text()

/** The fields of the form on a view that has this one. */
async function formWith(path: string, field: string): Promise<Record<string, string>> {
  const forms = (await textAt(path)).matchAll(/<form class="action"[^>]*>(.*?)<\/form>/gs)
  const form = forms.map(([, inner]) => inner!).find((inner) => inner.includes(field))
  if (form === undefined) throw new Error(`no form with ${field} at ${path}`)
  const inputs = form.matchAll(/name="([^"]*)" value="([^"]*)"/g)
  return Object.fromEntries(inputs.map(([, name, value]) => [name!, value!]))
}

const contents = () =>
  ["objects", "studies", "cod_series", "cod_instances", "cod_locks", "actions"].map((table) =>
    rows(page.bench.ledger, `select * from ${table}`),
  )

describe("The button of a class", () => {
  test("queues it, leads back to the failures, and there it is told who asked for what", async () => {
    const ledger = await open()
    const answer = await page.send("/retry", await formWith("/failures", 'value="DestinationConflict"'))
    expect(answer.status).toBe(303)
    expect(answer.headers.get("location")).toBe("/failures?did=1")
    expect(objectAt(ledger, "d", 3)?.state).toBe("pending")
    expect(actionById(ledger, 1)).toMatchObject({ who: "local", address: "127.0.0.1", queued: 2 })
    const text = (await textAt("/failures?did=1")).replace(/<[^>]*>/g, "")
    expect(text).toContain("2 failures of DestinationConflict are queued.")
    expect(text).toContain("begin with: bun run run")
    expect(text).toMatch(/local\s*127\.0\.0\.1\s*DestinationConflict\s*2/)
  })

  test("is not there for what the next run tries anyway", async () => {
    await open()
    const text = await textAt("/failures")
    expect(text).toContain(">NotFound</a>")
    expect(text).not.toContain('value="NotFound"')
  })

  test("stays below /flower", async () => {
    await open()
    const answer = await page.send(
      "/flower/retry",
      await formWith("/flower/failures", 'value="DestinationConflict"'),
    )
    expect(answer.headers.get("location")).toBe("/flower/failures?did=1")
  })
})

describe("The button of a study", () => {
  test("queues all of it and leads back to its view, which tells it", async () => {
    const ledger = await open()
    const answer = await page.send("/retry", await formWith("/studies/d", 'value="d"'))
    expect(answer.headers.get("location")).toBe("/studies/d?did=1")
    expect(await textAt("/studies/d?did=1")).toContain("1 failure of study")
    expect(latestActions(ledger, 9)).toMatchObject([{ target: { studyId: "d" }, queued: 1 }])
  })
})

describe("What was queued", () => {
  const send = async () => {
    const answer = await page.send("/retry", await formWith("/failures", 'value="ThumbnailError"'))
    return (await textAt(answer.headers.get("location")!)).replace(/<[^>]*>/g, "")
  }
  const run = (script: string) => ({ script, arguments: [], version: "0.1.0", owner: thisProcess() })

  test("is tried when the scheduler begins the next run", async () => {
    const ledger = await open({ SCHEDULE_CRON: "30 4 * * *" })
    startRun(ledger, run("schedule"))
    expect(await send()).toContain(
      "The next run begins in 2 h 30 min, 1 Mar 2026, 04:30, or now: bun run run",
    )
  })

  test("is tried by the run that is under way, or by the one after it", async () => {
    const ledger = await open()
    const runId = startRun(ledger, run("run"))
    expect(await send()).toContain(`Run ${runId} is under way and takes what it has not tried yet`)
  })

  test("is told for some minutes, and then no more", async () => {
    await open()
    await send()
    expect(await textAt("/failures?did=1")).toContain('class="told"')
    page.bench.clock.advance(11 * 60_000)
    expect(await textAt("/failures?did=1")).not.toContain('class="told"')
  })

  test("is told where somebody did something, and nowhere else", async () => {
    await open()
    for (const did of ["", "0", "7", "-1", "1e3", "<b>"])
      expect(await textAt(`/failures?did=${did}`)).not.toContain('class="told"')
  })
})

describe("A retry is refused, and nothing is done", () => {
  const refuse = async (fields: Readonly<Record<string, string>>, status: number, why: string) => {
    const before = contents()
    const answer = await page.send("/retry", fields)
    expect(answer.status).toBe(status)
    expect(await answer.text()).toContain(why)
    expect(contents()).toEqual(before)
  }
  const csrf = async () => (await formWith("/failures", 'value="DestinationConflict"')).csrf!

  test("without the session's token", async () => {
    await open()
    const { csrf: _, ...fields } = await formWith("/failures", 'value="DestinationConflict"')
    await refuse(fields, 403, "another session")
    await refuse({ ...fields, csrf: "guessed" }, 403, "another session")
    expect((await page.ask("/retry")).status).toBe(404)
  })

  test("for what is not there", async () => {
    await open()
    await refuse({ csrf: await csrf(), study: "nobody" }, 404, "Nothing was queued")
    await refuse({ csrf: await csrf(), verdict: "retry", class: "<b>Gone" }, 404, "Nothing was queued")
  })

  test("for a series whose lock hangs", async () => {
    await open()
    const of = { verdict: "give-up", class: "TarDisagreesError" }
    await refuse({ csrf: await csrf(), ...of }, 409, "under a lock")
    await refuse({ csrf: await csrf(), study: "b" }, 409, "under a lock")
  })

  test("where it does not say for what", async () => {
    await open()
    const of = { verdict: "give-up", class: "DestinationConflict" }
    const incomplete: Record<string, string>[] = [
      {},
      { verdict: "stop", class: "X" },
      { class: "X" },
      { study: "" },
      { study: "d", ...of },
    ]
    for (const fields of incomplete) await refuse({ csrf: await csrf(), ...fields }, 400, "does not say")
  })

  test("where the ledger is gone, and none is made in its place", async () => {
    await open()
    const fields = await formWith("/failures", 'value="DestinationConflict"')
    const { path } = page.bench
    renameSync(path, `${path}.away`)
    expect((await page.send("/retry", fields)).status).toBe(503)
    expect(existsSync(path)).toBe(false)
  })

  test("while another process writes the ledger", async () => {
    await open()
    const fields = await formWith("/failures", 'value="DestinationConflict"')
    using other = new Database(page.bench.path)
    other.run("begin immediate")
    await refuse(fields, 503, "Another process is writing the ledger")
  })
})
