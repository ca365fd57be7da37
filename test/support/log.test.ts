import { expect, test } from "bun:test"
import { terminalOf } from "../../lib/support/config.ts"
import { AppError } from "../../lib/support/errors.ts"
import { createLogger, type LogOptions } from "../../lib/support/log.ts"
import { withLogIds } from "../../lib/support/log-ids.ts"
import { redactor } from "../../lib/support/redact.ts"

function logger(options: Partial<LogOptions> = {}) {
  const written: string[] = []
  const log = createLogger({
    level: "INFO",
    redact: redactor(["hunter2"]),
    write: (text) => written.push(text),
    ...options,
  })
  return { log, text: () => written.join(""), lines: () => written.map((line) => JSON.parse(line)) }
}

test("a line is one JSON document with Python's name of its level", () => {
  const { log, lines } = logger()
  log.warn({ size: 0 }, "slow")
  log.fatal("lost")
  expect(lines()).toMatchObject([
    {
      level: "WARNING",
      size: 0,
      msg: "slow",
      pid: process.pid,
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
    },
    { level: "CRITICAL", msg: "lost" },
  ])
})

test("nothing below the level is written", () => {
  const { log, lines } = logger({ level: "ERROR" })
  log.warn("no")
  log.error("yes")
  expect(lines().map(({ msg }) => msg)).toEqual(["yes"])
})

test("lines carry the ids of the work that they are logged for, wherever in it", async () => {
  const { log, lines } = logger()
  const copy = async (study: string) => {
    await Promise.resolve()
    withLogIds({ object: `${study}.dcm` }, () => log.info("copied"))
    log.info({ study: "told" }, "complete")
  }
  await withLogIds({ run: 7 }, () =>
    Promise.all(["a", "b"].map((study) => withLogIds({ study }, () => copy(study)))),
  )
  log.info("outside")
  const ids = lines().map(({ run, study, object }) => [run, study, object])
  expect(ids).toEqual([
    [7, "a", "a.dcm"],
    [7, "told", undefined],
    [7, "b", "b.dcm"],
    [7, "told", undefined],
    [undefined, undefined, undefined],
  ])
})

test("an error is logged with its facts and causes, with stacks only at DEBUG", () => {
  const err = new AppError("no luck", { verdict: "retry", facts: { key: "k" }, cause: new TypeError("why") })
  const info = logger()
  info.log.error({ err }, "failed")
  expect(info.lines()[0].err).toEqual({
    class: "AppError",
    message: "no luck",
    verdict: "retry",
    facts: { key: "k" },
    cause: { class: "TypeError", message: "why" },
  })
  const debug = logger({ level: "DEBUG" })
  debug.log.error({ err }, "failed")
  expect(debug.lines()[0].err.stack).toContain("log.test.ts")
})

test("secrets are written neither by value nor by field", () => {
  const { log, text } = logger()
  log.info({ options: { host: "db", password: "other-word" }, url: "postgres://u:hunter2@h/d" }, "hunter2")
  expect(text()).not.toMatch(/hunter2|other-word/)
  expect(text()).toContain('"host":"db"')
})

test("a line for people is one line, whatever it was told", () => {
  const { log, text } = logger({ terminal: terminalOf({}) })
  log.info({ key: "a\x1b[2J\nb" }, "first\nsecond \x1b[2J hunter2")
  expect(text()).toContain("first\\nsecond \\x1b[2J [hidden]")
  expect(text().trimEnd()).not.toContain("\n")
  expect(text()).not.toContain("\x1b[2J")
})

const CLEAR_LINE = "\r\x1b[K"

test.each([
  ["colours", {}, CLEAR_LINE, true],
  ["colours, where NO_COLOR is empty", { NO_COLOR: "" }, CLEAR_LINE, true],
  ["no colours with NO_COLOR", { NO_COLOR: "1", TERM: "xterm" }, CLEAR_LINE, false],
  ["nothing but text on a dumb terminal", { TERM: "dumb" }, "", false],
])("a line for people has %s", (_, env, before, colored) => {
  const { log, text } = logger({ terminal: terminalOf(env) })
  log.info({ size: 1 }, "copied")
  expect(text().startsWith(before)).toBe(true)
  expect(text().slice(before.length).includes("\x1b")).toBe(colored)
})
