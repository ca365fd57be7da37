import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import { Aborted } from "../../lib/support/errors.ts"
import { forEachLimit, semaphore } from "../../lib/support/pool.ts"

describe("a semaphore", () => {
  test("hands out its units in the order in which they were asked for", async () => {
    const units = semaphore(2)
    const order: string[] = []
    const first = await units.acquire(2)
    const large = units.acquire(2).then((hold) => [order.push("large"), hold] as const)
    const small = units.acquire(1).then((hold) => [order.push("small"), hold] as const)
    first[Symbol.dispose]()
    const [, held] = await large
    expect([order, units.held]).toEqual([["large"], 2])
    held[Symbol.dispose]()
    await small
    expect(order).toEqual(["large", "small"])
  })

  test("lets nobody pass who would fit while an earlier one waits", async () => {
    const units = semaphore(3)
    const first = await units.acquire(1)
    const second = await units.acquire(1)
    const large = units.acquire(3)
    const small = units.acquire(1)
    expect(units.held).toBe(2)
    second[Symbol.dispose]()
    expect(units.held).toBe(1)
    first[Symbol.dispose]()
    const all = await large
    expect(units.held).toBe(3)
    all[Symbol.dispose]()
    using _ = await small
    expect(units.held).toBe(1)
  })

  test("lets who wants more than there is have everything alone", async () => {
    const units = semaphore(10)
    const some = await units.acquire(1)
    const huge = units.acquire(1000)
    expect(units.held).toBe(1)
    some[Symbol.dispose]()
    const hold = await huge
    expect(units.held).toBe(10)
    hold[Symbol.dispose]()
    expect(units.held).toBe(0)
  })

  test("takes back a hold once, however often it is disposed", async () => {
    const units = semaphore(1)
    const hold = await units.acquire()
    hold[Symbol.dispose]()
    hold[Symbol.dispose]()
    expect(units.held).toBe(0)
  })

  test("lets go of who gave up waiting, and lets the next one in", async () => {
    const units = semaphore(2)
    using _ = await units.acquire(1)
    const controller = new AbortController()
    const reason = new Error("enough")
    const large = units.acquire(2, controller.signal)
    const small = units.acquire(1)
    controller.abort(reason)
    await expect(large).rejects.toBe(reason)
    using __ = await small
    expect(units.held).toBe(2)
  })

  test("does not let an aborted signal in", async () => {
    const units = semaphore(1)
    await expect(units.acquire(1, AbortSignal.abort(new Error("before")))).rejects.toThrow("before")
    expect(units.held).toBe(0)
  })

  test("never holds more than it has, and ends with everything free", async () => {
    const plan = fc.array(
      fc.record({ units: fc.integer({ min: 1, max: 7 }), turns: fc.nat(4), gaveUp: fc.boolean() }),
    )
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 5 }), plan, async (capacity, wishes) => {
        const shared = semaphore(capacity)
        await Promise.all(
          wishes.map(async ({ units, turns, gaveUp }) => {
            const controller = new AbortController()
            const acquired = shared.acquire(units, controller.signal)
            if (gaveUp) controller.abort(new Error("gave up"))
            const hold = await acquired.catch((error: Error) => error)
            if (hold instanceof Error) return
            expect(shared.held).toBeLessThanOrEqual(capacity)
            for (let turn = 0; turn < turns; turn++) await Promise.resolve()
            hold[Symbol.dispose]()
          }),
        )
        expect(shared.held).toBe(0)
      }),
    )
  })
})

describe("forEachLimit", () => {
  test("does every item, never more at once than its limit", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(5)), fc.integer({ min: 1, max: 4 }), async (turns, limit) => {
        const done: number[] = []
        let running = 0
        await forEachLimit(turns.entries(), limit, async ([index, count]) => {
          expect(++running).toBeLessThanOrEqual(limit)
          for (let turn = 0; turn < count; turn++) await Promise.resolve()
          running--
          done.push(index)
        })
        expect(done.toSorted((a, b) => a - b)).toEqual([...turns.keys()])
      }),
    )
  })

  test("runs as many at once as its limit allows", async () => {
    const gate = Promise.withResolvers<void>()
    let running = 0
    await forEachLimit([1, 2, 3], 3, async () => {
      if (++running === 3) gate.resolve()
      await gate.promise
    })
    expect(running).toBe(3)
  })

  test("pulls an item only when there is room for it", async () => {
    let pulled = 0
    async function* endless() {
      for (;;) yield pulled++
    }
    const enough = new Error("enough")
    const gate = Promise.withResolvers<void>()
    const running = forEachLimit(endless(), 2, async (item) => {
      if (item === 1) gate.resolve()
      await gate.promise
      if (item === 4) throw enough
    })
    await expect(running).rejects.toBe(enough)
    expect(pulled).toBeLessThanOrEqual(7)
  })

  test("survives a rejection: waits for the others, then throws it", async () => {
    const failure = new Error("the second one")
    const settled: number[] = []
    const running = forEachLimit([1, 2, 3, 4], 2, async (item, signal) => {
      if (item === 2) throw failure
      await new Promise((resolve) => signal.addEventListener("abort", resolve))
      await Promise.resolve()
      settled.push(item)
    })
    expect(await running.catch((error) => error)).toBe(failure)
    expect(settled).toEqual([1])
  })

  test("tells the others why they were stopped", async () => {
    const failure = new Error("the second one")
    let reason: unknown
    const running = forEachLimit([1, 2], 2, async (item, signal) => {
      if (item === 2) throw failure
      await new Promise((resolve) => signal.addEventListener("abort", resolve))
      reason = signal.reason
    })
    await running.catch(() => undefined)
    expect(reason).toBeInstanceOf(Aborted)
    expect((reason as Aborted).cause).toBe(failure)
  })

  test("with a limit of one, goes on to the end and does not get stuck behind a failure", async () => {
    const seen: number[] = []
    const running = forEachLimit([1, 2, 3], 1, async (item) => {
      seen.push(item)
      throw new Error(`failed at ${item}`)
    })
    expect(await running.catch((error) => error.message)).toBe("failed at 1")
    expect(seen).toEqual([1])
  })

  test("an iterable that fails ends it, behind the calls in flight", async () => {
    let finished = false
    async function* broken() {
      yield 1
      throw new Error("no more rows")
    }
    const running = forEachLimit(broken(), 2, async () => {
      await Promise.resolve()
      finished = true
    })
    expect(await running.catch((error) => error.message)).toBe("no more rows")
    expect(finished).toBe(true)
  })

  test("a signal stops the pulling, aborts the calls and closes the iterable", async () => {
    const controller = new AbortController()
    const reason = new Error("stopped")
    let isClosed = false
    async function* endless() {
      try {
        for (;;) yield 1
      } finally {
        isClosed = true
      }
    }
    let calls = 0
    const running = forEachLimit(
      endless(),
      3,
      async (_, signal) => {
        if (++calls === 3) controller.abort(reason)
        if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve))
      },
      controller.signal,
    )
    expect(await running.catch((error) => error)).toBe(reason)
    expect([calls, isClosed]).toEqual([3, true])
  })

  test("a function that throws at once is a failure like any other", async () => {
    const running = forEachLimit([1], 1, () => {
      throw new Error("at once")
    })
    expect(await running.catch((error) => error.message)).toBe("at once")
  })
})
