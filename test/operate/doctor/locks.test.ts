import { describe, expect, test } from "bun:test"
import { utimesSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { claimSeries } from "../../../lib/ledger/cod/claims.ts"
import { recordLockHanging } from "../../../lib/ledger/cod/locks.ts"
import { recordSeriesFailure } from "../../../lib/ledger/cod/series.ts"
import { checkLocks } from "../../../lib/operate/doctor/locks.ts"
import type { Config } from "../../../lib/support/config.ts"
import { type LockBench, lockBench } from "../../pipeline/ingest/lock-bench.ts"
import { HOUR } from "../../support/ledger.ts"

const NEVER = new AbortController().signal

const configOf = ({ site }: LockBench) =>
  ({
    ingest: { datastore: site.store.uri },
    destination: { uri: "file:///nowhere" },
    cod: { uidHashKey: undefined },
  }) as unknown as Partial<Config>

const checked = (bench: LockBench, config = configOf(bench)) => checkLocks(bench.bench.path, config, NEVER)

describe("The doctor says of locks", () => {
  test("that none is left, also where there is no ledger", async () => {
    await using bench = await lockBench()
    expect(await checked(bench)).toEqual({ state: "ok", detail: "none is left" })
    expect(await checkLocks("/nowhere/ledger.sqlite", {}, NEVER)).toMatchObject({ state: "ok" })
  })

  test("that the next run settles those of a crash", async () => {
    await using bench = await lockBench()
    await bench.lock()
    expect(await checked(bench)).toEqual({ state: "ok", detail: "1 unfinished, which the next run settles" })
  })

  test("what ends one that hangs", async () => {
    await using bench = await lockBench()
    const { token } = await bench.lock()
    bench.deps.ledger.write(() => recordLockHanging(bench.deps.ledger, token, "tar and metadata disagree"))
    expect(await checked(bench)).toMatchObject({
      state: "fault",
      detail: expect.stringContaining("tar and metadata disagree"),
      fix: expect.stringContaining("bun run locks release"),
    })
  })

  test("that a series is locked by somebody else: a fault when that takes long", async () => {
    await using bench = await lockBench()
    const { ledger, runId } = bench.deps
    const { site } = bench
    const claim = claimSeries(ledger, runId, bench.series.seriesNo)!
    const failure = { verdict: "retry", errorClass: "LockAcquisitionError", errorMessage: "held" } as const
    ledger.write((tally) => recordSeriesFailure(ledger, tally, claim, failure))
    expect(await checked(bench)).toMatchObject({ state: "ok", detail: "none is left" })
    expect(await checked(bench, {})).toMatchObject({ state: "unknown" })
    await site.put(`${site.keys.folder}.gradient.lock`, Buffer.from("{}"))
    expect(await checked(bench)).toMatchObject({ state: "ok", detail: "1 lock of others, waited for" })
    const file = fileURLToPath(`${site.store.uri}/${site.keys.folder}.gradient.lock`)
    const before = new Date(Date.now() - 2 * HOUR)
    utimesSync(file, before, before)
    expect(await checked(bench)).toMatchObject({
      state: "fault",
      detail: expect.stringContaining("is locked by somebody else for 2 h 0 min"),
      fix: expect.stringMatching(/--generation \S+ --why TEXT/),
    })
  })
})
