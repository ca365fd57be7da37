import { expect, test } from "bun:test"
import { pageBeside } from "../../lib/page/page-beside.ts"
import { createLogger } from "../../lib/support/log.ts"
import { redactor } from "../../lib/support/redact.ts"
import { T0, testLedger } from "../support/ledger.ts"
import { waitingClock } from "../support/waiting-clock.ts"
import { pageConfig } from "./access/pages.ts"

function beside() {
  const bench = testLedger()
  const taken = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } })
  const logged: { msg: string; level: string }[] = []
  const reported: unknown[] = []
  const clock = waitingClock(T0)
  const log = createLogger({
    level: "INFO",
    redact: redactor([]),
    write: (line) => logged.push(JSON.parse(line)),
  })
  const start = {
    config: pageConfig({ PAGE_PORT: String(taken.port) }, bench),
    log,
    clock,
    report: async (error: unknown) => void reported.push(error),
  }
  return { bench, taken, logged, reported, clock, start, url: `http://127.0.0.1:${taken.port}/login` }
}

test("a page that cannot be opened is told once, and comes when what was in its way has gone", async () => {
  const { bench, taken, logged, reported, clock, start, url } = beside()
  using _ = bench
  {
    await using _page = await pageBeside(start)
    await clock.moveTo("2026-03-01T02:03:00.000Z")
    expect([logged.length, reported.length]).toEqual([1, 1])
    expect(logged[0]!.msg).toStartWith("the page cannot be shown")
    taken.stop(true)
    await clock.moveTo("2026-03-01T02:06:00.000Z")
    while (logged.length < 2) await new Promise(setImmediate)
    expect(logged[1]!.msg).toBe("the page is there")
    expect((await fetch(url)).status).toBe(404)
  }
  expect(await fetch(url).catch(() => "gone")).toBe("gone")
})

test("waits for nothing once the work beside it has ended", async () => {
  const { bench, taken, clock, start } = beside()
  using _ = bench
  {
    await using _page = await pageBeside(start)
    expect(clock.waiting).toBe(1)
  }
  expect(clock.waiting).toBe(0)
  taken.stop(true)
})
