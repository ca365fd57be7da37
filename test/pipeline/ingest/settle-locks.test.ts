/** What a crash may leave of the locks of series, and how the next run ends it. */
import { describe, expect, test } from "bun:test"
import { ingest } from "../../../lib/cod/index.ts"
import { claimSeries } from "../../../lib/ledger/cod/claims.ts"
import {
  openLocks,
  recordLockEnd,
  recordLockHanging,
  recordLockIntent,
} from "../../../lib/ledger/cod/locks.ts"
import { recordSeriesFailure } from "../../../lib/ledger/cod/series.ts"
import { ClaimLost } from "../../../lib/ledger/errors.ts"
import { lockJournal } from "../../../lib/pipeline/ingest/lock-journal.ts"
import { settleLock, settleLocks } from "../../../lib/pipeline/ingest/settle-locks.ts"
import { Unavailable } from "../../../lib/storage/errors.ts"
import { SITES } from "../../cod/writing/sites.ts"
import { stopping } from "../../cod/writing/stopping.ts"
import { failureOf } from "../../contract/bodies.ts"
import { newRun } from "../../support/ledger.ts"
import { DEAD, type LockBench, lockBench } from "./lock-bench.ts"

const DIED = new Unavailable("died", {})

/** As the next run does before it packs the series. */
async function settled({ deps, series }: LockBench) {
  const claim = claimSeries(deps.ledger, deps.runId, series.seriesNo)!
  return { claim, unfinished: await settleLock(deps, claim, series) }
}

describe.each(Object.entries(SITES))("After a crash, with a datastore in %s,", (_, openSite) => {
  test("a lock that was intended and not created is recorded as such", async () => {
    await using bench = await lockBench(openSite)
    const { ledger } = bench.deps
    const seriesUri = `${bench.site.place.datastore}/studies/x`
    const claim = bench.deadClaim()
    ledger.write(() =>
      recordLockIntent(ledger, claim, { token: "t", seriesUri, names: [".cod.lock", ".gradient.lock"] }),
    )
    expect((await settled(bench)).unfinished).toEqual({ afterCrash: true })
    expect(bench.ends()).toEqual(["never created"])
  })

  test("one of two objects without a record is removed", async () => {
    await using bench = await lockBench(openSite)
    const { store, stopAt } = stopping(bench.site.store)
    stopAt(({ verb, key }) => verb === "write" && key.endsWith(".gradient.lock"), DIED, "before", true)
    await failureOf(bench.lock(store))
    expect(await bench.site.locks()).toEqual([".cod.lock"])
    expect(bench.ends()).toEqual([null])
    await settled(bench)
    expect(await bench.site.locks()).toEqual([])
    expect(bench.ends()).toEqual(["released"])
  })

  test("a lock that stands without a record is gone on with, and ends by the release", async () => {
    await using bench = await lockBench(openSite)
    const { ledger } = bench.deps
    const { token } = await bench.lock()
    ledger.write(() => ledger.db.run("update cod_locks set generations = null, acquired_at = null"))
    const { claim, unfinished } = await settled(bench)
    expect(unfinished).toMatchObject({ afterCrash: true, serialized: { lock: { token } } })
    const [open] = openLocks(ledger)
    expect(Object.keys(open!.generations!)).toEqual([".cod.lock", ".gradient.lock"])
    const journal = lockJournal(bench.deps, claim)
    const { site } = bench
    const result = await ingest([site.files.nth(1)], {
      ...site.place,
      store: site.store,
      journal,
      ...unfinished,
    })
    expect(result.new).toHaveLength(1)
    expect(await site.locks()).toEqual([])
    expect(bench.ends()).toEqual(["released"])
  })

  test("a release that was not recorded is", async () => {
    await using bench = await lockBench(openSite)
    const { release } = await bench.lock()
    const { ledger } = bench.deps
    await release()
    ledger.write(() => ledger.db.run("update cod_locks set ended = null, ended_at = null"))
    await settled(bench)
    expect(bench.ends()).toEqual(["released"])
  })

  test("what was packed by half is finished under its lock, every instance once", async () => {
    await using bench = await lockBench(openSite)
    const { site } = bench
    const { store, stopAt } = stopping(site.store)
    stopAt(({ verb, key }) => verb === "write" && key === site.keys.tar, DIED, "after", true)
    expect(await failureOf(bench.pack([1, 2], store))).toBe(DIED)
    expect((await settleLocks(bench.deps)).map(({ outcome }) => outcome)).toEqual(["left"])
    expect(await site.locks()).toHaveLength(2)
    const { claim, unfinished } = await settled(bench)
    const journal = lockJournal(bench.deps, claim)
    const instances = [1, 2].map((n) => site.files.nth(n))
    await ingest(instances, { ...site.place, store: site.store, journal, ...unfinished })
    expect((await site.check()).findings).toEqual([])
    expect(await site.locks()).toEqual([])
    expect(bench.ends()).toEqual(["released"])
  })

  test("a lock of others stays, whatever the ledger thinks that it had", async () => {
    await using bench = await lockBench(openSite)
    const { site } = bench
    const { held } = await bench.lock()
    for (const { key, generation } of held) await site.store.delete(key, { ifGeneration: generation })
    await site.put(`${site.keys.folder}.gradient.lock`, Buffer.from("{}"))
    expect((await settled(bench)).unfinished).toEqual({ afterCrash: true })
    expect(await site.locks()).toEqual([".gradient.lock"])
    expect(bench.ends()).toEqual(["released"])
  })
})

/** Packs the series as the next run does, and says what is left of the last one. */
async function packedAnew(bench: LockBench, numbers: readonly number[]) {
  const { site, deps } = bench
  await settleLocks(deps)
  const { claim, unfinished } = await settled(bench)
  const instances = numbers.map((n) => site.files.nth(n))
  const options = { ...site.place, store: site.store, journal: lockJournal(deps, claim), ...unfinished }
  const { errors } = await ingest(instances, options)
  const { findings } = await site.check()
  return { errors, findings, locks: await site.locks(), open: bench.ends().filter((end) => end === null) }
}

const NOTHING_LEFT = { errors: [], findings: [], locks: [], open: [] }

describe.each([
  ["a first packing", []],
  ["an append", [1, 2]],
])("When a run dies during %s", (_, before) => {
  for (const when of ["before", "after"] as const) {
    test(`${when} the store does anything, the next one packs every instance once and leaves no lock`, async () => {
      for (let n = 1, reached = true; reached; n++) {
        await using bench = await lockBench()
        const { site } = bench
        if (before.length > 0) await site.change((cod) => cod.append(before.map((n) => site.files.nth(n))))
        const { store, stopAt, calls } = stopping(site.store)
        const changes = () => calls.filter(({ verb }) => verb === "write" || verb === "delete")
        stopAt((call) => changes()[n - 1] === call, DIED, when, true)
        await bench.pack([2, 3, 4], store).catch((error) => expect(error.message).toContain("died"))
        const dead = changes()[n - 1]
        reached = dead !== undefined
        expect({ dead, ...(await packedAnew(bench, [2, 3, 4])) }).toEqual({ dead, ...NOTHING_LEFT })
      }
    })
  }
})

describe("Settling", () => {
  test("asks nothing of the store when no lock is open", async () => {
    await using bench = await lockBench()
    const { store, calls } = stopping(bench.site.store)
    const deps = { ...bench.deps, datastore: store }
    expect((await settled({ ...bench, series: bench.series, deps })).unfinished).toEqual({
      afterCrash: false,
    })
    expect(calls).toEqual([])
  })

  test("leaves a lock that hangs to a person", async () => {
    await using bench = await lockBench()
    const { ledger } = bench.deps
    const { token } = await bench.lock()
    ledger.write(() => recordLockHanging(ledger, token, "because"))
    expect((await settled(bench)).unfinished).toEqual({ afterCrash: false })
    expect(await settleLocks(bench.deps)).toEqual([])
    expect(await bench.site.locks()).toHaveLength(2)
    expect(bench.ends()).toEqual([null])
  })

  test("knows its own lock again whose creation reached the store after everybody had looked", async () => {
    await using bench = await lockBench()
    const { ledger } = bench.deps
    const { token } = await bench.lock()
    ledger.write(() => recordLockEnd(ledger, token, "never created"))
    const failure = { verdict: "retry", errorClass: "LockAcquisitionError", errorMessage: "held" } as const
    const claim = claimSeries(ledger, bench.deps.runId, bench.series.seriesNo)!
    ledger.write((tally) => recordSeriesFailure(ledger, tally, claim, failure))
    ledger.write(() => ledger.db.run("delete from cod_claims"))
    expect((await settled(bench)).unfinished.serialized?.lock.token).toBe(token)
    expect(bench.ends()).toEqual([null])
  })

  test("releases what has nothing to protect any more, of a series that nobody packs", async () => {
    await using bench = await lockBench()
    await bench.lock()
    expect((await settleLocks(bench.deps)).map(({ outcome }) => outcome)).toEqual(["released"])
    expect(await bench.site.locks()).toEqual([])
    await bench.site.change((cod) => cod.append([bench.site.files.nth(1)]))
    await bench.lock()
    expect((await settleLocks(bench.deps)).map(({ outcome }) => outcome)).toEqual(["released"])
    expect(await bench.site.locks()).toEqual([])
    expect(await settleLocks(bench.deps)).toEqual([])
  })

  test("leaves a series alone that a living run packs, and its lock", async () => {
    await using bench = await lockBench()
    const { ledger } = bench.deps
    const claim = claimSeries(ledger, newRun(ledger), bench.series.seriesNo)!
    ledger.write(() => recordLockIntent(ledger, claim, { token: "t", seriesUri: "s", names: [".cod.lock"] }))
    expect((await settleLocks(bench.deps)).map(({ outcome }) => outcome)).toEqual(["in use"])
    expect(bench.ends()).toEqual([null])
  })

  test("goes on with the other locks when one cannot be looked at", async () => {
    await using bench = await lockBench()
    await bench.lock()
    const { store, stopAt } = stopping(bench.site.store)
    stopAt(({ verb }) => verb === "list", DIED)
    const deps = { ...bench.deps, datastore: store }
    expect(await settleLocks(deps)).toMatchObject([{ outcome: "failed", error: DIED }])
    expect((await settleLocks(deps)).map(({ outcome }) => outcome)).toEqual(["released"])
  })

  test("is for who holds the claim", async () => {
    await using bench = await lockBench()
    await bench.lock()
    const lost = bench.deadClaim()
    claimSeries(bench.deps.ledger, newRun(bench.deps.ledger, DEAD), bench.series.seriesNo)
    await expect(settleLock(bench.deps, lost, bench.series)).rejects.toThrow(ClaimLost)
    expect(bench.ends()).toEqual([null])
  })
})

test("A lock is not taken without a claim", async () => {
  await using bench = await lockBench()
  const lost = bench.deadClaim()
  bench.deadClaim()
  const journal = lockJournal(bench.deps, lost)
  const { site } = bench
  await expect(ingest([site.files.nth(1)], { ...site.place, store: site.store, journal })).rejects.toThrow(
    ClaimLost,
  )
  expect(await site.locks()).toEqual([])
})
