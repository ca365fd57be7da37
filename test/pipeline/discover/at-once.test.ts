import { expect, test } from "bun:test"
import { beginDiscovering, endDiscovering } from "../../../lib/ledger/discovering.ts"
import { openLedger } from "../../../lib/ledger/open.ts"
import { startRun } from "../../../lib/ledger/runs.ts"
import { type Owner, thisProcess } from "../../../lib/support/owner.ts"
import { openHospital } from "../../support/hospital.ts"

const GONE: Owner = { ...thisProcess(), processStart: "1" }

test("a discovery that is under way keeps the next one waiting, which then sees what that one recorded", async () => {
  using hospital = await openHospital()
  const study = await hospital.admit()
  using ledger = openLedger(hospital.ledgerPath)
  const owner = thisProcess()
  const first = startRun(ledger, { script: "discover", arguments: [], version: "0", owner })
  expect(beginDiscovering(ledger, first)).toBeUndefined()
  const second = hospital.discover()
  while (!hospital.logged.some((line) => line.includes("waiting for another discovery"))) {
    await new Promise(setImmediate)
  }
  expect(hospital.rows("select 1 from cohorts")).toEqual([])
  // Its snapshot is taken only now.
  await hospital.pacs.sql`update pacs_studies set migrated = true where id = ${study.studyId}`
  endDiscovering(ledger, first)
  expect((await second).studies).toMatchObject({ new: 0, eligible: 0 })
})

test("a discovery does not wait for one whose process is gone", async () => {
  using hospital = await openHospital()
  await hospital.admit()
  {
    using ledger = openLedger(hospital.ledgerPath)
    const dead = startRun(ledger, { script: "discover", arguments: [], version: "0", owner: GONE })
    beginDiscovering(ledger, dead)
  }
  expect((await hospital.discover()).studies).toMatchObject({ new: 1 })
  expect(hospital.rows("select 1 from discovering")).toEqual([])
})

test("one that stops while it waits has recorded nothing", async () => {
  using hospital = await openHospital()
  using ledger = openLedger(hospital.ledgerPath)
  const owner = thisProcess()
  beginDiscovering(ledger, startRun(ledger, { script: "discover", arguments: [], version: "0", owner }))
  const requested = new AbortController()
  const waiting = hospital.discover({}, { requested: requested.signal, forced: new AbortController().signal })
  while (!hospital.logged.some((line) => line.includes("waiting for another discovery"))) {
    await new Promise(setImmediate)
  }
  requested.abort(new Error("enough"))
  expect(waiting).rejects.toThrow("enough")
  await waiting.catch(() => undefined)
  expect(hospital.rows("select 1 from cohorts")).toEqual([])
  expect(hospital.rows("select outcome from runs order by run_id desc limit 1")).toEqual([
    { outcome: "stopped" },
  ])
})

test("one that another took over from stops at its next record", async () => {
  using hospital = await openHospital()
  await hospital.admit()
  await hospital.withDeps(async (deps) => {
    const { ledger, runId } = deps
    const other = startRun(ledger, { script: "discover", arguments: [], version: "0", owner: thisProcess() })
    const admitting = deps.admit([crypto.randomUUID()])
    ledger.db.run(`update runs set alive_until = '2000' where run_id = ${runId}`)
    expect(beginDiscovering(ledger, other)).toBeUndefined()
    expect([...(await admitting).values()]).toEqual(["the database has no such study"])
  })
  const study = await hospital.admit()
  await hospital.withDeps(async (deps) => {
    const { ledger, runId } = deps
    const other = startRun(ledger, { script: "discover", arguments: [], version: "0", owner: thisProcess() })
    ledger.db.run("delete from discovering")
    const admitting = deps.admit([study.studyId])
    ledger.db.run(`update runs set alive_until = '2000' where run_id = ${runId}`)
    beginDiscovering(ledger, other)
    await expect(admitting).rejects.toThrow("was overtaken by another one")
    expect(ledger.db.query("select 1 from studies").all()).toEqual([])
  })
})
