import { afterEach, describe, expect, test } from "bun:test"
import { claimSeries } from "../../../lib/ledger/cod/claims.ts"
import { recordLockHanging, recordLockIntent, recordLockTaken } from "../../../lib/ledger/cod/locks.ts"
import { seriesToPack } from "../../../lib/ledger/cod/series.ts"
import { beginDiscovering } from "../../../lib/ledger/discovering.ts"
import { endRun } from "../../../lib/ledger/runs.ts"
import { SITE } from "../../../lib/page/site.ts"
import { mustClaim, newRun, type TestLedger, testLedger } from "../../support/ledger.ts"
import { copied, HANGING_URI, header } from "../../support/packing-ledger.ts"
import { troubledLedger } from "../../support/troubled-ledger.ts"
import { openTestPage, type TestPage } from "../access/pages.ts"

let page: TestPage | undefined
afterEach(async () => {
  await page?.[Symbol.asyncDispose]()
  page = undefined
})

async function view(bench: TestLedger): Promise<string> {
  page ??= await openTestPage({}, { bench, site: SITE })
  const response = await page.ask("/locks")
  expect(response.status).toBe(200)
  return await response.text()
}

const plain = (html: string) => html.replace(/<[^>]*>/g, " ").replace(/\s+/g, " ")

/** Takes the lock of a new study's only series. */
function locked(bench: TestLedger, studyId: string, runId: number, uri = `gs://c/${studyId}`) {
  const { ledger } = bench
  copied(bench, studyId, [header(`1.8.${studyId.length}`, 1)])
  const claim = claimSeries(ledger, runId, seriesToPack(ledger, studyId)[0]!.seriesNo)!
  recordLockIntent(ledger, claim, { token: studyId, seriesUri: uri, names: [".cod.lock"] })
  recordLockTaken(ledger, studyId, { ".cod.lock": "99" })
}

describe("The view of locks", () => {
  test("has those that hang, with why, by whom, and what to do step by step", async () => {
    const text = await view(troubledLedger())
    expect(text).toContain("Locks that hang")
    expect(text).toContain("TarDisagreesError: tar and metadata disagree")
    expect(text).toContain(".cod.lock#17")
    expect(text).toContain(`<li>look: <code>bun run cod check ${HANGING_URI}</code></li>`)
    expect(text).toContain(`<code>bun run locks release ${HANGING_URI} --why TEXT</code>`)
  })

  test("tells held ones from those whose run ended without a word", async () => {
    const bench = testLedger()
    locked(bench, "x", bench.runId)
    const ended = newRun(bench.ledger)
    locked(bench, "yy", ended)
    endRun(bench.ledger, ended, "stopped", {})
    const text = plain(await view(bench))
    expect(text).toMatch(
      /Locks that were left.*gs:\/\/c\/yy.*bun run locks adopt.*Locks that are held.*gs:\/\/c\/x/,
    )
  })

  test("has the locks of others that were met, without asking the datastore", async () => {
    const text = plain(await view(troubledLedger()))
    expect(text).toContain("studies/1.9.105/series/1.9.105.8 .cod.lock is held by another program")
    expect(text).toContain("bun run locks list")
  })

  test("has who copies, who packs and who discovers", async () => {
    const bench = troubledLedger()
    const runId = newRun(bench.ledger)
    mustClaim(bench.ledger, runId, "f")
    locked(bench, "packed", runId)
    beginDiscovering(bench.ledger, runId)
    const text = plain(await view(bench))
    expect(text).toMatch(new RegExp(`f 0 ms ago run ${runId}, process ${process.pid} on `))
    expect(text).toMatch(new RegExp(`packed 0 ms ago run ${runId}`))
    expect(text).toContain(`Run ${runId} (copy, process`)
  })

  test("says so where there is none", async () => {
    const text = plain(await view(testLedger()))
    for (const said of [
      "No lock is held, and none is left.",
      "No series met a lock of somebody else.",
      "Nobody copies a study right now.",
      "Nobody packs a series right now.",
      "No discovery is under way.",
    ])
      expect(text).toContain(said)
  })

  test("shows what comes from outside as text", async () => {
    const bench = testLedger()
    const script = "<script>alert(1)</script>"
    locked(bench, script, bench.runId, `gs://c/${script}`)
    recordLockHanging(bench.ledger, script, script)
    expect(await view(bench)).not.toContain("<script>alert")
  })
})
