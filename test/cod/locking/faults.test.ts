import { beforeEach, describe, expect, test } from "bun:test"
import { LocksLeftBehindError } from "../../../lib/cod/errors.ts"
import { acquireLocks, type LockOptions } from "../../../lib/cod/locking/acquire.ts"
import { lockBody } from "../../../lib/cod/locking/body.ts"
import type { Cloud } from "../../../lib/demo/cloud/cloud.ts"
import type { Fault } from "../../../lib/demo/cloud/faults.ts"
import { startCloud } from "../../../lib/demo/cloud/server.ts"
import { AccessDenied, Unavailable } from "../../../lib/storage/errors.ts"
import { openGcs } from "../../../lib/storage/gcs.ts"
import { withRetry } from "../../../lib/storage/retry.ts"
import type { ObjectStore } from "../../../lib/storage/store.ts"
import { Aborted } from "../../../lib/support/errors.ts"
import { waitingClock } from "../../support/waiting-clock.ts"
import { placeIn, standing } from "./sites.ts"

const LOST: readonly Fault[] = [
  { kind: "reset", afterEffect: true },
  { kind: "status", status: 503, afterEffect: true },
]
const DOWN: Fault = { kind: "status", status: 503 }
const FOR_EVER = 1000

let cloud: Cloud

beforeEach(async () => {
  await cloud?.stop()
  // Without kept connections: Bun itself would repeat what was sent on one that breaks.
  cloud = await startCloud({ keepAlive: false })
  cloud.createBucket("locks")
})

const once = () => openGcs({ bucket: "locks", emulatorUrl: cloud.url })
const patiently = () => withRetry(once(), { retries: 3, minTimeoutMs: 1, maxTimeoutMs: 2 })

const lock = (store: ObjectStore, options: LockOptions = {}, signal?: AbortSignal) =>
  acquireLocks(store, placeIn(store), () => lockBody(undefined), options, signal)

const names = () => standing({ store: once(), place: placeIn(once()) })

const failureOf = (work: Promise<unknown>) => work.then(() => undefined).catch((error) => error)

describe.each([
  ["asked once", once],
  ["asked again", patiently],
])("A store that is %s", (_, open) => {
  for (const fault of LOST) {
    for (const nth of [1, 2]) {
      test(`gives a lock whose answer no. ${nth} was lost (${fault.kind}) to its owner`, async () => {
        cloud.fail({ operation: "gcs.insert", nth, fault })
        const held = await lock(open())
        expect(cloud.log.find({ operation: "gcs.insert" })).toHaveLength(2)
        await held.verify()
        await held.release()
        expect(await names()).toEqual([])
      })
    }
  }

  test("leaves none of the locks when the second cannot be had", async () => {
    cloud.fail({ operation: "gcs.insert", nth: 2, times: FOR_EVER, fault: DOWN })
    expect(await failureOf(lock(open()))).toBeInstanceOf(Unavailable)
    expect(await names()).toEqual([])
  })

  test("leaves none of the locks when it cannot be seen whether others hold one", async () => {
    cloud.fail({ operation: "gcs.get", times: FOR_EVER, fault: DOWN })
    expect(await failureOf(lock(open(), { lockNames: [".cod.lock"] }))).toBeInstanceOf(Unavailable)
    expect(await names()).toEqual([])
  })

  test("is told apart from one that refuses: nothing was taken, and nothing is looked for", async () => {
    cloud.roles.allow("anonymous", { bucket: [] })
    expect(await failureOf(lock(open()))).toBeInstanceOf(AccessDenied)
    expect(cloud.log.find({ operation: "gcs.get" })).toHaveLength(0)
  })

  test("names the locks that hang when it is gone in the middle", async () => {
    const up = cloud.fail({ operation: "gcs.insert", nth: 2, times: FOR_EVER, fault: DOWN })
    cloud.fail({ operation: "gcs.delete", times: FOR_EVER, fault: DOWN })
    const failure = await failureOf(lock(open()))
    expect(up.hits).toBeGreaterThan(0)
    expect(failure).toBeInstanceOf(LocksLeftBehindError)
    expect(failure).toMatchObject({ verdict: "retry", cause: expect.any(Unavailable) })
    const [left] = cloud.keys("locks")
    const { generation } = cloud.describe("locks", left!)!
    expect(failure.message).toEndWith(`left behind gs://locks/${left} (generation ${generation})`)
  })

  test("names a lock of which nobody can say whether it was taken", async () => {
    cloud.fail({ operation: "gcs.insert", nth: 1, fault: LOST[0]! })
    cloud.fail({ operation: "gcs.insert", nth: 1, times: FOR_EVER, fault: DOWN })
    cloud.fail({ operation: "gcs.get", times: FOR_EVER, fault: DOWN })
    const failure = await failureOf(lock(open()))
    expect(failure).toBeInstanceOf(LocksLeftBehindError)
    expect(failure.message).toEndWith(`left behind gs://locks/${cloud.keys("locks")[0]}`)
  })

  test.each(LOST)("has released a lock when the answer to that was lost", async (fault) => {
    const held = await lock(open())
    cloud.fail({ operation: "gcs.delete", fault })
    const first = await failureOf(held.release())
    if (first !== undefined) expect(first).toBeInstanceOf(Unavailable)
    await held.release()
    expect(await names()).toEqual([])
  })

  test("releases the other lock when one cannot be, and that one later", async () => {
    const held = await lock(open())
    const outage = cloud.fail({
      operation: "gcs.delete",
      key: "*.gradient.lock",
      times: FOR_EVER,
      fault: DOWN,
    })
    expect(await failureOf(held.release())).toBeInstanceOf(Unavailable)
    expect(await names()).toEqual([".gradient.lock"])
    expect(await held.exists()).toBe(false)
    outage.release()
    await held.release()
    expect(await names()).toEqual([])
  })
})

test("a lock that was made, not seen at once, and refused when it was to be made again is its owner's", async () => {
  cloud.fail({ operation: "gcs.insert", fault: LOST[0]! })
  cloud.fail({ operation: "gcs.get", times: 2, fault: { kind: "status", status: 404 } })
  const held = await lock(patiently())
  expect(cloud.log.find({ operation: "gcs.insert" }).map(({ status }) => status)).toEqual([0, 412, 200])
  await held.verify()
})

describe("An abort", () => {
  test("before anything was asked asks nothing", async () => {
    const failure = await failureOf(lock(once(), {}, AbortSignal.abort()))
    expect(failure).toBeInstanceOf(Aborted)
    expect(cloud.log.find({})).toHaveLength(0)
  })

  test.each([1, 2])(
    "while lock no. %i is being made waits for the answer, and leaves nothing",
    async (nth) => {
      using stalled = cloud.fail({ operation: "gcs.insert", nth, fault: { kind: "stall" } })
      const stop = new AbortController()
      const failure = failureOf(lock(once(), { clock: waitingClock("2026-01-01T00:00:00Z") }, stop.signal))
      await stalled.reached()
      stop.abort()
      // Whoever did not wait would have looked by now, and seen nothing.
      for (let step = 0; step < 5; step++) await once().head("nothing")
      stalled.release()
      expect(await failure).toBeInstanceOf(Aborted)
      expect(cloud.log.find({ operation: "gcs.insert", status: 200 })).toHaveLength(nth)
      expect(await names()).toEqual([])
    },
  )

  test("does not wait for ever", async () => {
    using stalled = cloud.fail({ operation: "gcs.insert", nth: 2, fault: { kind: "stall" } })
    const clock = waitingClock("2026-01-01T00:00:00Z")
    const stop = new AbortController()
    const failure = failureOf(lock(once(), { clock }, stop.signal))
    await stalled.reached()
    stop.abort()
    await clock.moveTo("2026-01-01T00:01:00Z")
    expect(await failure).toBeInstanceOf(Aborted)
    expect(await names()).toEqual([])
  })
})
