import { describe, expect, test } from "bun:test"
import { PreconditionFailed } from "../../lib/storage/errors.ts"
import type { ObjectSource } from "../../lib/storage/store.ts"
import { Aborted } from "../../lib/support/errors.ts"
import { receive } from "../../lib/transfer/receive.ts"
import type { Spool } from "../../lib/transfer/spool.ts"
import { failureOf, noise } from "../contract/bodies.ts"
import { bytesOf, expectBytes, type Receiving, reads, receiving } from "../support/receiving.ts"

const LARGE = noise(3 << 20)

describe("A body for which there is no room", () => {
  /** Tells which of its bodies were cancelled. */
  function watched(source: ObjectSource): ObjectSource & { readonly cancelled: number[] } {
    const cancelled: number[] = []
    let reads = 0
    return {
      ...source,
      cancelled,
      async read(key, options, signal) {
        const number = ++reads
        const { info, stream } = await source.read(key, options, signal)
        const reader = stream.getReader()
        return {
          info,
          stream: new ReadableStream({
            async pull(controller) {
              const { done, value } = await reader.read()
              if (done) controller.close()
              else controller.enqueue(value)
            },
            async cancel(reason) {
              cancelled.push(number)
              await reader.cancel(reason)
            },
          }),
        }
      },
    }
  }

  /** Tells when a body has begun to wait. */
  function waitingFor({ options, spool }: Receiving) {
    const { promise: waiting, resolve } = Promise.withResolvers<void>()
    const place: Spool["place"] = (...words) => {
      resolve()
      return spool.place(...words)
    }
    return { options: { ...options, spool: { ...spool, place } }, waiting }
  }

  test("is let go and asked for again when there is", async () => {
    await using b = await receiving({ capacity: LARGE.length })
    b.cloud.put("origin", "k", LARGE)
    const origin = watched(b.origin)
    const held = b.spool.tryPlace("aa", 1)
    const { options, waiting } = waitingFor(b)
    const coming = receive(origin, "k", options)
    await waiting
    expect(origin.cancelled).toEqual([1])
    held![Symbol.dispose]()
    using received = await coming
    expect(Buffer.compare(await bytesOf(received), LARGE)).toBe(0)
    expect(reads(b).map(([status]) => status)).toEqual([200, 200])
  })

  test("that was replaced while it waited is not taken for the one that was asked for", async () => {
    await using b = await receiving({ capacity: LARGE.length })
    b.cloud.put("origin", "k", LARGE)
    const held = b.spool.tryPlace("aa", 1)
    const { options, waiting } = waitingFor(b)
    const coming = failureOf(receive(b.origin, "k", options))
    await waiting
    b.cloud.put("origin", "k", noise(LARGE.length, 2))
    held![Symbol.dispose]()
    expect(await coming).toBeInstanceOf(PreconditionFailed)
    expect(b.spooled()).toEqual([])
  })

  test("is not waited for when it is told to stop", async () => {
    await using b = await receiving({ capacity: LARGE.length })
    b.cloud.put("origin", "k", LARGE)
    using _held = b.spool.tryPlace("aa", 1)
    const stop = new AbortController()
    const { options, waiting } = waitingFor(b)
    const coming = failureOf(receive(b.origin, "k", options, stop.signal))
    await waiting
    const reason = new Aborted("enough")
    stop.abort(reason)
    expect(await coming).toBe(reason)
  })

  test("and is small passes all the same", async () => {
    await using b = await receiving({ capacity: 1 })
    const small = LARGE.subarray(0, 200_000)
    b.cloud.put("origin", "k", small)
    using _held = b.spool.tryPlace("aa", 1)
    await expectBytes(b, "k", small)
  })
})
