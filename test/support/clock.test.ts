import { expect, test } from "bun:test"
import { delay } from "../../lib/support/clock.ts"

const HOUR_MS = 3_600_000

test("a delay ends as soon as its signal aborts, with the signal's reason", async () => {
  const controller = new AbortController()
  const reason = new Error("enough")
  const waiting = delay(HOUR_MS, controller.signal)
  controller.abort(reason)
  await expect(waiting).rejects.toBe(reason)
})

test("a delay under an aborted signal does not begin", async () => {
  const reason = new Error("before")
  await expect(delay(HOUR_MS, AbortSignal.abort(reason))).rejects.toBe(reason)
})
