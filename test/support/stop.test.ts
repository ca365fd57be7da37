import { expect, test } from "bun:test"
import { EventEmitter, once } from "node:events"
import { Aborted } from "../../lib/support/errors.ts"
import { stopOnSignals } from "../../lib/support/stop.ts"

/** A process that signals can be sent to and that writes down with which code it would have ended. */
function fakeProcess() {
  const emitter = new EventEmitter()
  const exits: number[] = []
  return Object.assign(emitter, { exits, exit: (code: number) => exits.push(code) })
}

test("the first signal asks to take nothing new, and leaves what is in flight alone", () => {
  const source = fakeProcess()
  using stop = stopOnSignals(source)
  expect(stop.exitCode).toBeUndefined()
  source.emit("SIGTERM")
  expect([stop.requested.aborted, stop.forced.aborted, stop.exitCode]).toEqual([true, false, 143])
  expect(stop.requested.reason).toBeInstanceOf(Aborted)
  expect(source.exits).toEqual([])
})

test("after the time of grace the rest is aborted", async () => {
  const source = fakeProcess()
  using stop = stopOnSignals(source, { graceMs: 1 })
  source.emit("SIGINT")
  await once(stop.forced, "abort")
  expect([stop.exitCode, source.exits]).toEqual([130, []])
})

test.each([
  ["SIGINT", "SIGINT", 130],
  ["SIGINT", "SIGTERM", 143],
])("%s, then %s ends the process at once with %d", (first, second, code) => {
  const source = fakeProcess()
  let atMs = 0
  using _ = stopOnSignals(source, { now: () => atMs })
  source.emit(first)
  atMs = 1001
  source.emit(second)
  expect(source.exits).toEqual([code])
})

test("signals within a second of the first are the same stop, with the first one's exit code", () => {
  const source = fakeProcess()
  let atMs = 0
  using stop = stopOnSignals(source, { now: () => atMs })
  source.emit("SIGTERM")
  source.emit("SIGTERM")
  atMs = 1000
  source.emit("SIGINT")
  expect([stop.exitCode, stop.forced.aborted, source.exits]).toEqual([143, false, []])
})

test("a request from within has no exit code of its own, and a signal behind it is still the first", () => {
  const source = fakeProcess()
  using stop = stopOnSignals(source)
  stop.request(new Aborted("nobody reads"))
  expect([stop.requested.aborted, stop.exitCode]).toEqual([true, undefined])
  source.emit("SIGINT")
  expect([stop.exitCode, source.exits]).toEqual([130, []])
})

test("disposed, it listens no more", () => {
  const source = fakeProcess()
  stopOnSignals(source)[Symbol.dispose]()
  expect([source.listenerCount("SIGINT"), source.listenerCount("SIGTERM")]).toEqual([0, 0])
})
