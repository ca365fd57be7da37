import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import { backOff } from "../../lib/storage/backoff.ts"
import { NotFound, Unavailable } from "../../lib/storage/errors.ts"
import { compareKeys } from "../../lib/storage/keys.ts"
import { pages } from "../../lib/storage/pages.ts"
import { failureOf } from "../contract/bodies.ts"

const down = () => new Unavailable("down", {})

describe("backing off", () => {
  const policy = { retries: 4, minTimeoutMs: 8, maxTimeoutMs: 20 }

  test("waits a random part of a time that doubles up to its limit", async () => {
    const waits: number[][] = [[], [], [], []]
    const round = () =>
      backOff(() => Promise.reject(down()), policy, {
        onRetry: ({ attempt, delayMs }) => waits[attempt - 1]!.push(delayMs),
      })
    await Promise.all(Array.from({ length: 50 }, () => failureOf(round())))
    for (const [i, limit] of [8, 16, 20, 20].entries()) {
      expect(waits[i]).toHaveLength(50)
      expect(Math.max(...waits[i]!)).toBeLessThan(limit)
      expect(Math.max(...waits[i]!)).toBeGreaterThan(limit / 2)
      expect(Math.min(...waits[i]!)).toBeLessThan(limit / 2)
    }
  })

  test("does not count tries that got something done", async () => {
    let tries = 0
    const work = async () => {
      tries++
      if (tries <= 20) throw down()
      return "done"
    }
    const quick = { retries: 2, minTimeoutMs: 0, maxTimeoutMs: 0 }
    expect(await backOff(work, quick, { forgive: () => tries % 10 !== 0 })).toBe("done")
    tries = 0
    expect(await failureOf(backOff(work, quick))).toBeInstanceOf(Unavailable)
    expect(tries).toBe(3)
  })

  test("ends with the last error as it is, and at once with any other", async () => {
    const errors = [down(), down(), new NotFound("gone", {})]
    const work = (attempt: number) => Promise.reject(errors[attempt - 1])
    expect(await failureOf(backOff(work, { ...policy, minTimeoutMs: 0 }))).toBe(errors[2]!)
  })
})

describe("pages", () => {
  const PAGES: Record<string, { items: number[]; next?: string }> = {
    first: { items: [1, 2], next: "second" },
    second: { items: [], next: "third" },
    third: { items: [3] },
  }

  test("are asked for when they are wanted, empty ones passed over", async () => {
    const asked: string[] = []
    const list = pages(async (token = "first") => {
      asked.push(token)
      return PAGES[token]!
    })
    const items = list[Symbol.asyncIterator]()
    expect(await items.next()).toEqual({ done: false, value: 1 })
    expect(await items.next()).toEqual({ done: false, value: 2 })
    expect(asked).toEqual(["first"])
    expect(await items.next()).toEqual({ done: false, value: 3 })
    expect((await items.next()).done).toBe(true)
    expect((await items.next()).done).toBe(true)
    expect(asked).toEqual(["first", "second", "third"])
  })

  test("that failed are asked for again by the same iterator", async () => {
    let failures = 3
    const list = pages(async (token = "first") => {
      if (token === "second" && failures-- > 0) throw down()
      return PAGES[token]!
    })
    const items = list[Symbol.asyncIterator]()
    expect((await items.next()).value).toBe(1)
    expect((await items.next()).value).toBe(2)
    for (let i = 0; i < 3; i++) expect(await failureOf(items.next())).toBeInstanceOf(Unavailable)
    expect((await items.next()).value).toBe(3)
  })
})

test("keys are ordered as their UTF-8 bytes are", () => {
  const key = fc.string({ unit: "binary" })
  fc.assert(
    fc.property(key, key, (a, b) => {
      const bytes = (text: string) => Buffer.from(text).toString("hex")
      const wanted = bytes(a) < bytes(b) ? -1 : bytes(a) > bytes(b) ? 1 : 0
      expect(compareKeys(a, b)).toBe(wanted)
    }),
  )
})
