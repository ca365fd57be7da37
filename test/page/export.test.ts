import { describe, expect, test } from "bun:test"
import { mkdirSync, readdirSync } from "node:fs"
import { join } from "node:path"
import { recordStudyFailure } from "../../lib/ledger/retries.ts"
import { retryFailures } from "../../lib/ledger/retry-failures.ts"
import { recordStudy } from "../../lib/ledger/studies.ts"
import { exportPage } from "../../lib/page/export.ts"
import { createLogger } from "../../lib/support/log.ts"
import { redactor } from "../../lib/support/redact.ts"
import { chestStudy, type TestLedger, testLedger } from "../support/ledger.ts"
import { troubledLedger } from "../support/troubled-ledger.ts"
import { pageConfig } from "./access/pages.ts"

async function exported(bench: TestLedger) {
  const folder = bench.dir.file("out")
  mkdirSync(folder, { recursive: true })
  const file = join(folder, "page.html")
  const log = createLogger({ level: "ERROR", redact: redactor([]), write: () => {} })
  const report = await exportPage({ config: pageConfig({}, bench), log, clock: bench.clock }, file)
  const text = await Bun.file(file).text()
  /** Without what is in script and style. */
  const markup = text.replace(/(<(script|style)>).*?(?=<\/\2>)/gs, "$1")
  return { report, text, markup, file }
}

const hashOf = (text: string) => `sha256-${new Bun.CryptoHasher("sha256").update(text).digest("base64")}`

describe("The page as one file", () => {
  test("has every view, when it was made, and of which ledger", async () => {
    using bench = troubledLedger()
    const { report, text, markup } = await exported(bench)
    for (const id of ["now", "failures", "cohort", "locks", "history"]) {
      expect(markup).toContain(`<section id="${id}"`)
      expect(markup).toContain(`<a href="#${id}">`)
    }
    expect(markup).toContain("DestinationConflict")
    expect(markup).toContain('<time datetime="2026-03-01T02:00:00.000Z"')
    expect(markup).toContain(bench.ledger.id)
    expect(report).toMatchObject({ ledger_id: bench.ledger.id, made_at: "2026-03-01T02:00:00.000Z" })
    expect(report.bytes).toBe(new TextEncoder().encode(text).byteLength)
  })

  test("loads nothing, leads nowhere and asks for nothing", async () => {
    using bench = troubledLedger()
    const { markup } = await exported(bench)
    expect(markup).not.toMatch(/<(?:form|button|input|select|link|iframe|object|img|video)[\s>]/)
    expect(markup).not.toMatch(/<[^>]*\ssrc=/)
    expect([...markup.matchAll(/<a [^>]*href="([^"]*)"/g)].every(([, href]) => href!.startsWith("#"))).toBe(
      true,
    )
    expect(markup).not.toContain("data-live")
    expect(markup).toMatch(
      /content="default-src &#(?:39|x27);none&#(?:39|x27);; script-src &#(?:39|x27);sha256-[^&]*&#(?:39|x27);; style-src/,
    )
  })

  test("runs and looks like what stands in it alone, by the hashes of the very text", async () => {
    using bench = testLedger()
    const { text, markup } = await exported(bench)
    const script = /<script>(.*?)<\/script>/s.exec(text)?.[1] ?? ""
    const style = /<style>(.*?)<\/style>/s.exec(text)?.[1] ?? ""
    expect(script.length).toBeGreaterThan(10_000)
    expect(markup).toContain(hashOf(script))
    expect(markup).toContain(hashOf(style))
    expect(markup.match(/<script/g)).toHaveLength(1)
    expect(markup).not.toContain(' style="')
  })

  test("shows what comes from outside as text", async () => {
    using bench = testLedger()
    const script = "</script><script>alert(1)</script>"
    recordStudy(bench.ledger, chestStudy(script, { organizationId: script }), bench.cohortId)
    const failure = { verdict: "give-up", errorClass: script, errorMessage: script } as const
    recordStudyFailure(bench.ledger, script, failure)
    const { markup } = await exported(bench)
    expect(markup).not.toContain("<script>alert")
    expect(markup.match(/<script/g)).toHaveLength(1)
  })

  test("does not tell who asked for what, for it is handed on", async () => {
    using bench = troubledLedger()
    retryFailures(bench.ledger, { studyId: "d" }, { who: "rosa.luz", address: "10.9.8.7" })
    const { markup } = await exported(bench)
    expect(markup).not.toContain("rosa.luz")
    expect(markup).not.toContain("10.9.8.7")
  })

  test("has headings in order, and every id once", async () => {
    using bench = troubledLedger()
    const { markup } = await exported(bench)
    const ids = [...markup.matchAll(/\sid="([^"]*)"/g)].map(([, id]) => id)
    expect(new Set(ids).size).toBe(ids.length)
  })

  test("is small", async () => {
    using bench = troubledLedger()
    for (let n = 0; n < 300; n++) {
      recordStudy(bench.ledger, chestStudy(`many-${n}`), bench.cohortId)
      const failure = { errorClass: `Class${n}`, errorMessage: "x".repeat(200) }
      recordStudyFailure(bench.ledger, `many-${n}`, { verdict: "give-up", ...failure })
    }
    const { report, markup } = await exported(bench)
    expect(markup).toContain("more classes")
    expect(report.bytes).toBeLessThan(300_000)
  })

  test("appears when it is whole, in place of the one before, or not at all", async () => {
    using bench = testLedger()
    const { file } = await exported(bench)
    await exported(bench)
    expect(readdirSync(bench.dir.file("out"))).toEqual(["page.html"])
    const log = createLogger({ level: "ERROR", redact: redactor([]), write: () => {} })
    const start = { config: pageConfig({}, bench), log, clock: bench.clock }
    await expect(exportPage(start, `${file}/nowhere.html`)).rejects.toThrow("cannot be written")
    await expect(
      exportPage({ ...start, config: pageConfig({ LEDGER_PATH: "/nonexistent/l" }) }, file),
    ).rejects.toThrow("no ledger")
  })
})
