import { describe, expect, test } from "bun:test"
import { Aborted, AppError, UsageError } from "../../lib/support/errors.ts"
import { explain, failureOf } from "../../lib/support/failure.ts"

class CopyFailed extends AppError {}

const refused = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" })
const failed = new CopyFailed("cannot copy the object", {
  verdict: "retry",
  facts: { key: "a/b.dcm", size: 0, generation: undefined },
  hint: "Start it again.",
  cause: refused,
})

describe("in a log", () => {
  test("an error is its class, verdict, message, facts and causes", () => {
    expect(failureOf(failed)).toEqual({
      class: "CopyFailed",
      message: "cannot copy the object",
      verdict: "retry",
      facts: { key: "a/b.dcm", size: 0 },
      cause: { class: "Error", message: "connect ECONNREFUSED", facts: { code: "ECONNREFUSED" } },
    })
  })

  test("stacks are there only when they are asked for", () => {
    expect(failureOf(failed, { stack: true }).cause?.stack).toContain("failure.test.ts")
  })

  test("several failed addresses of one host are told by the first", () => {
    expect(failureOf(new AggregateError([refused, refused])).cause?.message).toBe("connect ECONNREFUSED")
  })

  test("anything can be thrown, and a circle of causes ends", () => {
    expect(failureOf("a word")).toEqual({ class: "UnknownError", message: "a word" })
    const circle = new Error("round")
    circle.cause = circle
    expect(JSON.stringify(failureOf(circle)).match(/round/g)?.length).toBeLessThan(20)
  })
})

describe("for the operator", () => {
  test("an error is told with its facts, its cause and what to do", () => {
    expect(explain(failed)).toBe(
      [
        "error: cannot copy the object (key=a/b.dcm, size=0)",
        "  because: Error: connect ECONNREFUSED (code=ECONNREFUSED)",
        "  Start it again.",
      ].join("\n"),
    )
  })

  test("text from outside stays on its line", () => {
    const error = new AppError("no \x1b[2Jsuch\nkey", { verdict: "missing", facts: { key: "x\nerror: y" } })
    expect(explain(error)).toBe("error: no \\x1b[2Jsuch\\nkey (key=x\\nerror: y)")
  })

  test("the lines of a usage error are kept", () => {
    expect(explain(new UsageError("two are wrong:\n  A\n  B"))).toBe("error: two are wrong:\n  A\n  B")
  })

  test("a stop is no error", () => {
    expect(explain(new Aborted("stopped by SIGINT"))).toBe("stopped by SIGINT")
  })

  test("a stack is shown only when it is asked for", () => {
    expect(explain(failed)).not.toContain("failure.test.ts")
    expect(explain(failed, { stack: true })).toContain("failure.test.ts")
  })
})
