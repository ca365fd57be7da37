import { expect, test } from "bun:test"
import type { UploadParts } from "../../lib/storage/store.ts"
import { readAhead } from "../../lib/storage/upload-parts.ts"
import { Aborted } from "../../lib/support/errors.ts"
import { failureOf, noise } from "../contract/bodies.ts"

const ASKED = { verb: "write", store: "gs://bucket", key: "object" } as const
const BODY = noise(100)

/** A body of which the range from `held` on comes only when it is let go, whatever the signal says. */
function holding(held: number) {
  const { promise: released, resolve: release } = Promise.withResolvers<void>()
  const asked: number[] = []
  const body: UploadParts = {
    size: BODY.length,
    async read(start, end) {
      asked.push(start)
      if (start === held) await released
      return BODY.subarray(start, end)
    },
  }
  return { body, asked, release }
}

/** Everything that waits for nothing else has happened. */
const settled = () => new Promise(setImmediate)

test("the piece behind the one that was given is there when it is asked for", async () => {
  const { body, asked } = holding(-1)
  await using ahead = readAhead(ASKED, body)
  expect(await ahead.read(0, 60)).toEqual(BODY.slice(0, 60))
  expect(asked).toEqual([0, 60])
  expect(await ahead.read(60, 100)).toEqual(BODY.slice(60))
  expect(asked).toEqual([0, 60])
})

test("what is read ahead is over before something else is read", async () => {
  const { body, asked, release } = holding(10)
  await using ahead = readAhead(ASKED, body)
  await ahead.read(0, 10)
  const other = ahead.read(5, 10)
  await settled()
  expect(asked).toEqual([0, 10])
  release()
  expect(await other).toEqual(BODY.slice(5, 10))
  expect(asked).toEqual([0, 10, 5, 10])
})

test("what is read ahead is over when it is disposed of, however it ended", async () => {
  const { body, release } = holding(10)
  const ahead = readAhead(ASKED, body)
  await ahead.read(0, 10)
  let isDisposed = false
  const disposing = ahead[Symbol.asyncDispose]().then(() => {
    isDisposed = true
  })
  await settled()
  expect(isDisposed).toBe(false)
  release()
  await disposing
})

test("a failure ahead is told only to who asks for that piece", async () => {
  const failure = new Aborted("no more")
  const body: UploadParts = {
    size: 100,
    read: async (start, end) => (start === 10 ? Promise.reject(failure) : BODY.subarray(start, end)),
  }
  await using ahead = readAhead(ASKED, body)
  await ahead.read(0, 10)
  await settled()
  expect(await ahead.read(0, 5)).toEqual(BODY.slice(0, 5))
  expect(await failureOf(ahead.read(10, 20))).toBe(failure)
})

test("an aborted signal ends it before anything is asked", async () => {
  const { body, asked } = holding(-1)
  await using ahead = readAhead(ASKED, body, AbortSignal.abort())
  expect(await failureOf(ahead.read(0, 10))).toBeInstanceOf(Aborted)
  expect(asked).toEqual([])
})
