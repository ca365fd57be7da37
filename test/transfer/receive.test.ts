import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import { NotFound, PreconditionFailed, Unavailable } from "../../lib/storage/errors.ts"
import type { ObjectSource } from "../../lib/storage/store.ts"
import { Aborted } from "../../lib/support/errors.ts"
import { BodyBroken, receive, SMALL_BYTES } from "../../lib/transfer/receive.ts"
import { failureOf, noise } from "../contract/bodies.ts"
import { bytesOf, expectBytes, QUICK, reads, receiving } from "../support/receiving.ts"

const SMALL = noise(200_000)
const LARGE = noise(3 << 20)

describe("A body", () => {
  test.each([0, 1, SMALL_BYTES])("of %i bytes comes into memory by one request", async (size) => {
    await using b = await receiving()
    b.cloud.put("origin", "k", LARGE.subarray(0, size))
    using received = await receive(b.origin, "k", b.options)
    expect(received.body).toEqual(LARGE.slice(0, size))
    expect(b.spooled()).toEqual([])
    expect(reads(b)).toEqual([[200, size]])
  })

  test("that is larger comes into the spool by one request, and leaves it when it is given back", async () => {
    await using b = await receiving()
    b.cloud.put("origin", "k", LARGE.subarray(0, SMALL_BYTES + 1))
    const received = await receive(b.origin, "k", b.options)
    expect(received.body).not.toBeInstanceOf(Uint8Array)
    expect(b.spooled()).toHaveLength(1)
    expect(Buffer.compare(await bytesOf(received), LARGE.subarray(0, SMALL_BYTES + 1))).toBe(0)
    received[Symbol.dispose]()
    expect(b.spooled()).toEqual([])
    expect(reads(b)).toEqual([[200, SMALL_BYTES + 1]])
  })

  test("comes with what the origin tells of it", async () => {
    await using b = await receiving()
    const { etag, md5 } = b.cloud.put("origin", "k", SMALL, { contentEncoding: "gzip" })
    using received = await receive(b.origin, "k", b.options)
    expect(received.info).toMatchObject({ key: "k", size: SMALL.length, etag, md5, contentEncoding: "gzip" })
  })

  test("that is not there is NotFound, and takes no room", async () => {
    await using b = await receiving()
    expect(await failureOf(receive(b.origin, "k", b.options))).toBeInstanceOf(NotFound)
    expect(b.spooled()).toEqual([])
  })
})

/** Every body of it ends after so many bytes, all of which have been read before. */
function endingAfter(source: ObjectSource, bytes: number, how: "break" | "close"): ObjectSource {
  return {
    ...source,
    async read(key, options, signal) {
      const { info, stream } = await source.read(key, options, signal)
      const reader = stream.getReader()
      let left = bytes
      const pull = async (controller: ReadableStreamDefaultController<Uint8Array>) => {
        const { value, done } = await reader.read()
        if (done) return controller.close()
        if (left > 0) controller.enqueue(value.subarray(0, left))
        else if (how === "close") controller.close()
        else controller.error(new Error("broken"))
        left = Math.max(0, left - value.length)
      }
      return { info, stream: new ReadableStream({ pull }, { highWaterMark: 0 }) }
    },
  }
}

// The last bytes before a break may be lost, of a small body all of them: those are asked for again.
describe("A body that breaks midway", () => {
  test("goes on behind what has come, by one more request", async () => {
    await using b = await receiving()
    b.cloud.put("origin", "k", LARGE)
    b.cloud.fail({ operation: "s3.get", fault: { kind: "cut", bytes: 2_000_000, end: "close" } })
    await expectBytes(b, "k", LARGE)
    const [first, rest] = reads(b)
    expect(reads(b)).toHaveLength(2)
    expect(first).toEqual([200, 2_000_000])
    expect(rest?.[0]).toBe(206)
    expect(rest?.[1]).toBeLessThan(2_000_000)
  })

  test("goes on as often as it moved, whatever the retries", async () => {
    await using b = await receiving()
    b.cloud.put("origin", "k", LARGE)
    const once = { ...b.options, retry: { ...QUICK, retries: 1 } }
    using received = await receive(endingAfter(b.origin, 400_000, "break"), "k", once)
    expect(Buffer.compare(await bytesOf(received), LARGE)).toBe(0)
    expect(reads(b).length).toBeGreaterThan(4)
  })

  test("is given up when it moves no more, and says how far it came", async () => {
    await using b = await receiving()
    b.cloud.put("origin", "k", LARGE)
    b.cloud.fail({ operation: "s3.get", fault: { kind: "cut", bytes: 2_000_000, end: "close" } })
    b.cloud.fail({ operation: "s3.get", times: 99, fault: { kind: "cut", bytes: 0, end: "close" } })
    const failure = await failureOf(receive(b.origin, "k", b.options))
    expect((failure as Error).message).toMatch(
      /^the body broke off after \d+ of 3145728 bytes: .*closed unexpectedly\.$/,
    )
    expect(reads(b)).toHaveLength(1 + 1 + QUICK.retries)
  })
})

describe.each([
  ["small", SMALL],
  ["large", LARGE],
])("A %s body that breaks midway", (_, body) => {
  const half = body.length >> 1

  test("goes on although the last bytes were lost on the way", async () => {
    await using b = await receiving()
    b.cloud.put("origin", "k", body)
    b.cloud.fail({ operation: "s3.get", fault: { kind: "cut", bytes: half, end: "reset" } })
    await expectBytes(b, "k", body)
    expect(reads(b)).toHaveLength(2)
  })

  test("goes on when it stands still: it is aborted and asked for again", async () => {
    await using b = await receiving({ stallMs: 20 })
    b.cloud.put("origin", "k", body)
    const stall = b.cloud.fail({ operation: "s3.get", fault: { kind: "cut", bytes: half, end: "stall" } })
    await expectBytes(b, "k", body)
    expect(stall.hits).toBe(1)
    expect(reads(b)).toHaveLength(2)
  })

  test("is given up when it moves no more", async () => {
    await using b = await receiving()
    b.cloud.put("origin", "k", body)
    b.cloud.fail({ operation: "s3.get", fault: { kind: "cut", bytes: half, end: "close" } })
    b.cloud.fail({ operation: "s3.get", times: 99, fault: { kind: "cut", bytes: 0, end: "close" } })
    const failure = await failureOf(receive(b.origin, "k", b.options))
    expect(failure).toBeInstanceOf(BodyBroken)
    expect(failure).toBeInstanceOf(Unavailable)
    expect(failure).toMatchObject({ verdict: "retry", facts: { store: "s3://origin", key: "k" } })
    expect(b.spooled()).toEqual([])
  })

  test("and was replaced meanwhile is another object's beginning: PreconditionFailed", async () => {
    await using b = await receiving()
    b.cloud.put("origin", "k", body)
    b.cloud.fail({ operation: "s3.get", fault: { kind: "cut", bytes: half, end: "close" } })
    let asked = 0
    const replaced: ObjectSource = {
      ...b.origin,
      read(key, options, signal) {
        if (++asked === 2) b.cloud.put("origin", "k", noise(body.length, 2))
        return b.origin.read(key, options, signal)
      },
    }
    expect(await failureOf(receive(replaced, "k", b.options))).toBeInstanceOf(PreconditionFailed)
    expect(reads(b).map(([status]) => status)).toEqual([200, 412])
    expect(b.spooled()).toEqual([])
  })

  test("is not asked for again when it is told to stop", async () => {
    await using b = await receiving()
    b.cloud.put("origin", "k", body)
    const stall = b.cloud.fail({ operation: "s3.get", fault: { kind: "cut", bytes: half, end: "stall" } })
    const stop = new AbortController()
    const reason = new Aborted("enough")
    const stopping: ObjectSource = {
      ...b.origin,
      async read(key, options, signal) {
        const body = await b.origin.read(key, options, signal)
        setTimeout(() => stop.abort(reason))
        return body
      },
    }
    expect(await failureOf(receive(stopping, "k", b.options, stop.signal))).toBe(reason)
    expect(stall.hits).toBe(1)
    expect(b.spooled()).toEqual([])
    expect(reads(b)).toHaveLength(1)
  })

  test("is noticed also where it ends as if it were all", async () => {
    await using b = await receiving()
    b.cloud.put("origin", "k", body)
    const source = endingAfter(b.origin, half, "close")
    using received = await receive(source, "k", b.options)
    expect(Buffer.compare(await bytesOf(received), body)).toBe(0)
  })
})

test("Whatever breaks wherever, what has come is the object's bytes", async () => {
  await using b = await receiving()
  const body = noise(SMALL_BYTES + 300_000)
  b.cloud.put("origin", "k", body)
  const cut = fc.record({
    bytes: fc.nat(body.length),
    end: fc.constantFrom("close", "reset"),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(cut, { maxLength: 4 }), async (cuts) => {
      for (const { bytes, end } of cuts) {
        b.cloud.fail({ operation: "s3.get", fault: { kind: "cut", bytes, end } })
      }
      const patient = { ...b.options, retry: { ...QUICK, retries: 5 } }
      using received = await receive(b.origin, "k", patient)
      expect(Buffer.compare(await bytesOf(received), body)).toBe(0)
      b.cloud.heal()
    }),
    { numRuns: 40 },
  )
})
