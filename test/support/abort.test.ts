import { heapStats } from "bun:jsc"
import { describe, expect, test } from "bun:test"
import { linkedAbort, onAbort } from "../../lib/support/abort.ts"

describe("A linked controller", () => {
  test("is aborted with the signal that it follows, for the same reason", () => {
    const outer = new AbortController()
    using linked = linkedAbort(outer.signal)
    expect(linked.signal.aborted).toBe(false)
    outer.abort("enough")
    expect(linked.signal.reason).toBe("enough")
  })

  test("is aborted from the start when that signal was", () => {
    using linked = linkedAbort(AbortSignal.abort("long ago"))
    expect(linked.signal.reason).toBe("long ago")
  })

  test("can be aborted alone, and follows nothing where there is nothing", () => {
    const outer = new AbortController()
    using linked = linkedAbort(outer.signal)
    using alone = linkedAbort(undefined)
    for (const { signal, abort } of [linked, alone]) {
      abort("by itself")
      expect(signal.reason).toBe("by itself")
    }
    expect(outer.signal.aborted).toBe(false)
  })

  test("follows no more once it is disposed of", () => {
    const outer = new AbortController()
    const linked = linkedAbort(outer.signal)
    linked[Symbol.dispose]()
    outer.abort()
    expect(linked.signal.aborted).toBe(false)
  })

  test("leaves nothing behind on a signal that lives on", () => {
    const outer = new AbortController()
    const linkAndLetGo = () => {
      using linked = linkedAbort(outer.signal)
      using _ = onAbort(linked.signal, () => undefined)
    }
    for (let n = 0; n < 10_000; n++) linkAndLetGo()
    Bun.gc(true)
    expect(heapStats().objectTypeCounts.AbortController).toBeLessThan(1_000)
    expect(outer.signal.aborted).toBe(false)
  })
})

describe("What listens to a signal", () => {
  test("is called once, at once when it is aborted already", () => {
    const outer = new AbortController()
    const calls: string[] = []
    using _early = onAbort(outer.signal, () => calls.push("early"))
    expect(calls).toEqual([])
    outer.abort()
    outer.abort()
    using _late = onAbort(outer.signal, () => calls.push("late"))
    expect(calls).toEqual(["early", "late"])
  })

  test("is not called once it is disposed of", () => {
    const outer = new AbortController()
    onAbort(outer.signal, () => expect.unreachable())[Symbol.dispose]()
    outer.abort()
  })
})
