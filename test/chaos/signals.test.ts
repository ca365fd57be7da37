import { expect, test } from "bun:test"
import { wrongTotals } from "../../lib/ledger/totals.ts"
import { rows } from "../support/ledger.ts"
import { expectAllCopiedOnce } from "./end-state.ts"
import { type Site, startSite } from "./site.ts"

/** Uploads that are under way when the signal comes. */
const HELD = 4

const settings = { COPY_CONCURRENCY: "3", OBJECTS_IN_FLIGHT: "6" }

test("On SIGTERM what is in flight finishes, nothing new is taken, and the next run does the rest", async () => {
  await using site = await startSite({ repeat: 3, settings })
  using held = site.cloud.fail({ operation: "gcs.insert", fault: { kind: "stall" }, times: HELD })
  await using copy = site.start("scripts/copy.ts")
  await held.reached(HELD)
  copy.kill("SIGTERM")
  held.release()
  const { exitCode } = await copy.finished

  expect(exitCode).toBe(143)
  expect(afterwards(site)).toEqual({ outcome: "stopped", claims: 0, wrong: [], isPart: true })
  expect((await site.run("scripts/run.ts")).exitCode).toBe(0)
  expectAllCopiedOnce(site)
}, 60_000)

test("A second SIGTERM ends at once, and what it interrupts is settled by the next run", async () => {
  await using site = await startSite({ repeat: 1, settings })
  using held = site.cloud.fail({ operation: "gcs.insert", fault: { kind: "stall" }, times: HELD })
  await using copy = site.start("scripts/copy.ts")
  await held.reached(HELD)
  // The first is heard in the next turn of its event loop, and two at once may be one.
  const again = setInterval(() => copy.kill("SIGTERM"), 20)
  const { exitCode } = await copy.finished.finally(() => clearInterval(again))
  held.release()

  expect(exitCode).toBe(143)
  expect((await site.run("scripts/copy.ts")).exitCode).toBe(0)
  expectAllCopiedOnce(site)
  using ledger = site.openLedger()
  const outcomes = rows<{ outcome: string }>(
    ledger,
    "select outcome from runs where script = 'copy' order by run_id",
  )
  expect(outcomes.map(({ outcome }) => outcome)).toEqual(["crashed", "done"])
}, 60_000)

/** What the ledger tells of a copy that was stopped before its end. */
function afterwards(site: Site) {
  using ledger = site.openLedger()
  const count = (sql: string) =>
    rows<{ count: number }>(ledger, `select count(*) as count from ${sql}`)[0]!.count
  const [last] = rows<{ outcome: string }>(ledger, "select outcome from runs order by run_id desc limit 1")
  const copied = count("objects where state = 'copied'")
  return {
    outcome: last!.outcome,
    claims: count("claims"),
    wrong: wrongTotals(ledger),
    // What was held up when the signal came, and not much more.
    isPart: copied >= HELD && copied < count("objects") / 2,
  }
}
