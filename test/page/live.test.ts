import { describe, expect, test } from "bun:test"
import { recordStudy } from "../../lib/ledger/studies.ts"
import { type LivePart, liveOver } from "../../lib/page/live.ts"
import type { Live, RenderContext } from "../../lib/page/page.ts"
import { SITE } from "../../lib/page/site.ts"
import { html } from "../../lib/support/html.ts"
import { createLogger } from "../../lib/support/log.ts"
import { redactor } from "../../lib/support/redact.ts"
import { complete } from "../support/copying.ts"
import { chestStudy, newRun, rows, type TestLedger, testLedger } from "../support/ledger.ts"
import { openTestPage } from "./access/pages.ts"
import { type Listener, listener } from "./events.ts"

const MOST_LISTENERS = 32

const CONTEXT: RenderContext = {
  base: "",
  isStatic: false,
  timezone: "UTC",
  now: new Date(0),
  csrf: undefined,
}
const NEVER = new AbortController().signal

/** How many runs the ledger knows, as a live part; and how often it was read. */
interface Runs extends Disposable {
  readonly live: Live
  readonly logged: string[]
  reads: number
  bench: TestLedger
  /** What reading does instead. */
  fails: boolean
  listen(context?: RenderContext): Listener
}

function runsLive(options: { readonly tickMs?: number; readonly longestMs?: number } = {}): Runs {
  const bench = testLedger()
  const logged: string[] = []
  const log = createLogger({ level: "DEBUG", redact: redactor([]), write: (line) => logged.push(line) })
  const ledger = bench.reopen({ readonly: true })
  const part: LivePart<number> = {
    read() {
      runs.reads += 1
      if (runs.fails) throw new RangeError("it cannot be read")
      return rows(ledger, "select 1 from runs").length
    },
    draw: (n, { base }) => html`<p>${n} runs at "${base}"</p>`,
  }
  const live = liveOver({ ledger, clock: bench.clock, log }, part, { tickMs: 2, ...options })
  const runs: Runs = {
    live,
    logged,
    bench,
    reads: 0,
    fails: false,
    listen: (context = CONTEXT) => listener(live.listen(context, NEVER)),
    [Symbol.dispose]() {
      live[Symbol.dispose]()
      bench[Symbol.dispose]()
    },
  }
  return runs
}

describe("Whoever listens", () => {
  test("hears how it is, and then each change that somebody commits", async () => {
    using runs = runsLive()
    await using heard = runs.listen()
    expect(await heard.hear("part")).toMatchObject({ data: `<p>1 runs at ""</p>` })
    newRun(runs.bench.ledger)
    expect(await heard.hear("part")).toMatchObject({ data: `<p>2 runs at ""</p>` })
    newRun(runs.bench.ledger)
    newRun(runs.bench.ledger)
    await heard.hear("part", "4 runs")
  })

  test("hears now and then that there is nothing new, and not the same twice", async () => {
    using runs = runsLive()
    await using heard = runs.listen()
    await heard.hear("part")
    expect([await heard.next(), await heard.next()]).toEqual([
      { name: undefined, data: "" },
      { name: undefined, data: "" },
    ])
  })

  test("shares the reading with all others, each with the links of its base", async () => {
    using runs = runsLive({ tickMs: 100 })
    const all = ["", "/flower", "", "/flower"].map((base) => runs.listen({ ...CONTEXT, base }))
    const parts = await Promise.all(all.map((heard) => heard.hear("part")))
    expect(parts.map(({ data }) => data.includes("/flower"))).toEqual([false, true, false, true])
    expect(runs.reads).toBe(1)
    await Promise.all(all.map((heard) => heard[Symbol.asyncDispose]()))
  })

  test("hears no more when it cannot be read, which is logged, and may come again", async () => {
    using runs = runsLive()
    {
      await using heard = runs.listen()
      await heard.hear("part")
      runs.fails = true
      while ((await heard.next()) !== undefined);
    }
    expect(runs.logged.join()).toContain("it cannot be read")
    runs.fails = false
    await using again = runs.listen()
    await again.hear("part", "1 runs")
  })

  test("hears the end when the page is closed", async () => {
    using runs = runsLive()
    await using heard = runs.listen()
    await heard.hear("part")
    runs.live[Symbol.dispose]()
    while ((await heard.next()) !== undefined);
    expect(runs.live.listen(CONTEXT, NEVER).status).toBe(503)
  })

  test("hears the end when the request ends", async () => {
    using runs = runsLive()
    const request = new AbortController()
    await using heard = listener(runs.live.listen(CONTEXT, request.signal))
    await heard.hear("part")
    request.abort()
    while ((await heard.next()) !== undefined);
  })

  test("is one of 32 at most; who leaves makes room", async () => {
    using runs = runsLive()
    const all = Array.from({ length: MOST_LISTENERS }, () => runs.listen())
    const refused = runs.live.listen(CONTEXT, NEVER)
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "60"])
    await all[7]![Symbol.asyncDispose]()
    await using last = runs.listen()
    await last.hear("part")
    expect(runs.live.listen(CONTEXT, NEVER).status).toBe(503)
    await Promise.all(all.map((heard) => heard[Symbol.asyncDispose]()))
  })
})

test("Who never reads gives the place back when the time has come", async () => {
  using runs = runsLive({ longestMs: 20 })
  const ask = () => runs.live.listen(CONTEXT, NEVER)
  const asleep = Array.from({ length: MOST_LISTENERS }, ask)
  expect(asleep.map(({ status }) => status)).toEqual(asleep.map(() => 200))
  let last = ask()
  for (; last.status === 503; last = ask()) await Bun.sleep(1)
  expect(last.status).toBe(200)
  await using heard = listener(asleep[0]!)
  while ((await heard.next()) !== undefined);
})

test("What ends a line within a text ends no line of the stream", async () => {
  using bench = testLedger()
  const log = createLogger({ level: "DEBUG", redact: redactor([]), write: () => undefined })
  const text = "a\revent: other\ndata: b\r\nretry: 1\u2028c\n\nd"
  const live = liveOver(
    { ledger: bench.ledger, clock: bench.clock, log },
    { read: () => text, draw: (data) => html`${data}` },
    { tickMs: 1 },
  )
  await using heard = listener(live.listen(CONTEXT, NEVER))
  const { data } = await heard.hear("part")
  expect(data).toBe("a\nevent: other\ndata: b\nretry: 1\u2028c\n\nd")
  live[Symbol.dispose]()
})

describe("/events/now", () => {
  test("is a stream that nobody keeps, under both addresses", async () => {
    await using page = await openTestPage({}, { site: SITE })
    for (const base of ["", "/flower"]) {
      const response = await page.ask(`${base}/events/now`)
      expect(response.status).toBe(200)
      expect(response.headers.get("content-type")).toBe("text/event-stream")
      expect(response.headers.get("cache-control")).toBe("no-store")
      await using heard = listener(response)
      const { data } = await heard.hear("part")
      expect(data).toContain("A copy is under way.")
    }
  })

  test("follows the ledger", async () => {
    await using page = await openTestPage({}, { site: SITE })
    const { bench } = page
    // What the page itself commits it does not hear of: it never commits.
    const other = bench.reopen()
    recordStudy(other, chestStudy("a"), bench.cohortId)
    await using heard = listener(await page.ask("/events/now"))
    await heard.hear("part", "0 of 1 study complete")
    complete({ ledger: other, runId: bench.runId }, "a")
    await heard.hear("part", "1 of 1 study complete")
  })

  test("is for whoever is logged in", async () => {
    const env = { FLOWER_USER: "op", FLOWER_PASSWORD: "a good long password", SECRET_KEY: "k".repeat(40) }
    await using page = await openTestPage(env, { site: SITE })
    const response = await page.ask("/events/now")
    expect(response.headers.get("content-type")).not.toBe("text/event-stream")
    expect(response.status).toBe(403)
  })

  test("has room again when browsers have gone", async () => {
    await using page = await openTestPage({}, { site: SITE })
    const gone = new AbortController()
    const ask = (signal = NEVER) => page.ask("/events/now", { signal })
    const all = await Promise.all(Array.from({ length: MOST_LISTENERS }, () => ask(gone.signal)))
    expect(all.map(({ status }) => status)).toEqual(all.map(() => 200))
    expect((await ask()).status).toBe(503)
    gone.abort()
    let last = await ask()
    while (last.status === 503) last = await ask()
    await using heard = listener(last)
    await heard.hear("part")
  })

  test("ends with the server", async () => {
    const page = await openTestPage({}, { site: SITE })
    const heard = listener(await page.ask("/events/now"))
    await heard.hear("part")
    await page[Symbol.asyncDispose]()
    expect(await heard.next().catch(() => undefined)).toBeUndefined()
  })
})
