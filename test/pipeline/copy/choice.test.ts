import { describe, expect, test } from "bun:test"
import { claimStudy, heldClaims } from "../../../lib/ledger/claims.ts"
import { type Ledger, openLedger } from "../../../lib/ledger/open.ts"
import { startRun } from "../../../lib/ledger/runs.ts"
import { copyStudies } from "../../../lib/pipeline/copy/copy.ts"
import { previewCopy } from "../../../lib/pipeline/copy/preview.ts"
import type { StudyResult } from "../../../lib/pipeline/copy/study-result.ts"
import { Unavailable } from "../../../lib/storage/errors.ts"
import { Aborted } from "../../../lib/support/errors.ts"
import { thisProcess } from "../../../lib/support/owner.ts"
import { type Chest, dicomBody } from "../../support/chest.ts"
import { failures, type Hospital, openHospital } from "../../support/hospital.ts"

/** True for a study that succeeded, else what went wrong. */
const outcomes = (studies: readonly StudyResult[]) =>
  Object.fromEntries(studies.map(({ study_id, success, errors }) => [study_id, success || errors]))
const ids = (studies: readonly { readonly study_id: string }[]) => studies.map(({ study_id }) => study_id)
const stored = ({ cloud, destination }: Hospital, { studyId }: Chest) =>
  cloud.keys(destination).filter((key) => key.includes(studyId)).length

/** Studies signed on the first, second, third … of a month. */
async function signedInTurn(hospital: Hospital, count: number): Promise<Chest[]> {
  const studies: Chest[] = []
  for (let day = 1; day <= count; day++)
    studies.push(await hospital.admit({ reports: [{ signed_at: `2025-02-0${day}T10:00:00+00:00` }] }))
  return studies
}

/** Another process that lives and works on this study. */
function holdElsewhere(hospital: Hospital, { studyId }: Chest) {
  const ledger = openLedger(hospital.ledgerPath)
  const owner = { ...thisProcess(), host: "another-box" }
  const runId = startRun(ledger, { script: "copy", arguments: [], version: "0.1.0", owner })
  claimStudy(ledger, runId, studyId)
  return ledger
}

describe("a copy that names studies", () => {
  test("copies exactly those, due or not", async () => {
    using hospital = await openHospital()
    const [first, second] = (await signedInTurn(hospital, 3)) as [Chest, Chest]
    await hospital.discover()
    const { studies, code } = await hospital.copy({
      studyIds: [first.studyId, second.studyId, first.studyId],
      concurrency: 1,
    })
    expect(ids(studies).sort()).toEqual([first.studyId, second.studyId].sort())
    expect(code).toBe(0)
    const again = await hospital.copy({ studyIds: [first.studyId] })
    expect(again.studies[0]).toMatchObject({ success: true, skipped: 3, bytes: 0 })
  })

  test("looks ids that the ledger does not know up in the database, all in one look", async () => {
    using hospital = await openHospital()
    const eligible = await signedInTurn(hospital, 2)
    const knee = await hospital.admit({ study: { modalities: "CT" } })
    const unknown = crypto.randomUUID()
    const { studies, code, totals } = await hospital.copy({
      studyIds: [knee.studyId, ...eligible.map(({ studyId }) => studyId), unknown],
    })
    expect(outcomes(studies)).toEqual({
      [eligible[0]!.studyId]: true,
      [eligible[1]!.studyId]: true,
      [knee.studyId]: ["not eligible: fails the rule has_cr_or_dx (its modalities have CR or DX)"],
      [unknown]: ["the database has no such study"],
    })
    expect(totals).toMatchObject({ studies: 4, succeeded: 2, failed: 2 })
    expect(code).toBe(1)
    expect(hospital.rows("select parameters ->> 'study_ids' as ids, counts from cohorts")).toEqual([
      { ids: JSON.stringify(eligible.map(({ studyId }) => studyId)), counts: null },
    ])
    expect(stored(hospital, knee)).toBe(0)
  })

  test("records no cohort when none of its ids is eligible", async () => {
    using hospital = await openHospital()
    expect((await hospital.copy({ studyIds: [crypto.randomUUID()] })).code).toBe(1)
    expect(hospital.rows("select 1 from cohorts")).toEqual([])
  })

  test("refuses one that left the cohort before it was begun, and finishes one that was begun", async () => {
    using hospital = await openHospital()
    const [fresh, begun] = (await signedInTurn(hospital, 2)) as [Chest, Chest]
    hospital.cloud.delete(hospital.origin, begun.imageKeys[0]!)
    await hospital.discover()
    await hospital.copy({ limit: 1 })
    Object.assign(hospital.env, { RANK_FROM: "2", RANK_TO: "2" })
    await hospital.discover()
    hospital.cloud.put(hospital.origin, begun.imageKeys[0]!, dicomBody())
    const { studies } = await hospital.copy({ studyIds: [fresh.studyId, begun.studyId] })
    expect(outcomes(studies)).toEqual({
      [begun.studyId]: true,
      [fresh.studyId]: [
        "out of cohort since the last discovery, by the rule chosen_doctor; run discover to look again",
      ],
    })
  })

  test("refuses one that was withdrawn, with the rule, until a discovery finds it well again", async () => {
    using hospital = await openHospital()
    const study = await hospital.admit()
    await hospital.discover()
    await hospital.pacs.sql`update pacs_reports set status = 'DRAFT'`
    await hospital.discover()
    const { studies } = await hospital.copy({ studyIds: [study.studyId] })
    expect(studies[0]!.errors).toEqual([
      "withdrawn since the last discovery, by the rule signed_report; run discover to look again",
    ])
    expect(stored(hospital, study)).toBe(0)
    await hospital.pacs.sql`update pacs_reports set status = 'SIGNED'`
    await hospital.discover()
    expect((await hospital.copy({ studyIds: [study.studyId] })).code).toBe(0)
  })
})

describe("a copy with a limit", () => {
  test("takes those with the newest signed report, then the smallest id; undated ones last", async () => {
    using hospital = await openHospital()
    const dated = await signedInTurn(hospital, 2)
    const undated = [
      await hospital.admit({ reports: [{ signed_at: null }] }),
      await hospital.admit({ reports: [{ signed_at: null }] }),
    ]
    await hospital.discover()
    const order = [dated[1]!, dated[0]!, ...undated.sort((a, b) => (a.studyId < b.studyId ? -1 : 1))]
    for (const study of order)
      expect(ids((await hospital.copy({ limit: 1 })).studies)).toEqual([study.studyId])
    expect((await hospital.copy({ limit: 1 })).studies).toEqual([])
  })

  test("of a run discovers and copies so many", async () => {
    using hospital = await openHospital()
    const studies = await signedInTurn(hospital, 3)
    const { discovery, copy } = await hospital.discoverAndCopy({ limit: 2 })
    expect(discovery.studies).toMatchObject({ new: 2, eligible: 3 })
    expect(ids(copy.studies).sort()).toEqual([studies[1]!.studyId, studies[2]!.studyId].sort())
  })
})

test("at most OBJECTS_IN_FLIGHT objects are under way, over all studies", async () => {
  using hospital = await openHospital()
  hospital.env.OBJECTS_IN_FLIGHT = "3"
  for (let n = 0; n < 4; n++)
    await hospital.admit({ images: Array.from({ length: 5 }, (_, i) => ({ instance_number: i })) })
  await hospital.discover()
  const stalled = hospital.cloud.fail({ operation: "s3.get", times: 1000, fault: { kind: "stall" } })
  const copying = hospital.copy({ concurrency: 4 })
  await stalled.reached(3)
  // Whatever else was asked for at the same time has arrived before the answers to these.
  for (let n = 0; n < 10; n++) await fetch(hospital.cloud.url)
  expect(stalled.hits).toBe(3)
  stalled.release()
  expect((await copying).code).toBe(0)
})

describe("what failed", () => {
  test("for a passing reason is tried by every run; what was given up only by one that is told to", async () => {
    using hospital = await openHospital()
    const [waits, conflicts, other] = (await signedInTurn(hospital, 3)) as [Chest, Chest, Chest]
    hospital.cloud.delete(hospital.origin, waits.imageKeys[0]!)
    for (const study of [conflicts, other])
      hospital.cloud.put(hospital.destination, study.imageKeys[0]!, "foreign")
    await hospital.discoverAndCopy()
    expect(ids((await hospital.copy()).studies)).toEqual([waits.studyId])
    for (const study of [conflicts, other]) hospital.cloud.delete(hospital.destination, study.imageKeys[0]!)
    expect((await hospital.copy({ studyIds: [conflicts.studyId] })).studies[0]).toMatchObject({
      success: false,
    })
    const named = await hospital.copy({ studyIds: [conflicts.studyId], retryFailed: true })
    expect(named.studies).toMatchObject([
      { study_id: conflicts.studyId, success: true, dicom_files_uploaded: 1 },
    ])
    expect(ids((await hospital.copy()).studies)).toEqual([waits.studyId])
    expect(ids((await hospital.copy({ retryFailed: true })).studies).sort()).toEqual(
      [waits.studyId, other.studyId].sort(),
    )
    expect(hospital.rows("select study_id, verdict from failures")).toEqual([
      { study_id: waits.studyId, verdict: "missing" },
    ])
  })
})

describe("a dry run", () => {
  test("tells what a copy would take, by the same choice, and changes nothing", async () => {
    using hospital = await openHospital()
    const [first, second, third] = (await signedInTurn(hospital, 3)) as [Chest, Chest, Chest]
    const { sql } = hospital.pacs
    await sql`update pacs_images set file_size = 400`
    hospital.cloud.put(hospital.destination, second.imageKeys[0]!, "foreign")
    await hospital.discoverAndCopy({ limit: 2 })
    await hospital.discover()
    const unknown = crypto.randomUUID()
    using ledger = openLedger(hospital.ledgerPath, { readonly: true })
    const taken = (options: Parameters<typeof previewCopy>[1]) => {
      const { studies, totals } = previewCopy(ledger, options)
      return { ids: ids(studies), objects: totals.objects, bytes: totals.expected_bytes }
    }
    expect(taken({})).toEqual({ ids: [first.studyId], objects: 3, bytes: 400 })
    expect(taken({ retryFailed: true })).toEqual({
      ids: [second.studyId, first.studyId],
      objects: 4,
      bytes: 800,
    })
    expect(taken({ retryFailed: true, limit: 1 })).toEqual({ ids: [second.studyId], objects: 1, bytes: 400 })
    expect(taken({ force: true }).ids).toEqual([third.studyId, second.studyId, first.studyId])
    expect(taken({ force: true, studyIds: [third.studyId] })).toEqual({
      ids: [third.studyId],
      objects: 3,
      bytes: 400,
    })
    expect(previewCopy(ledger, { studyIds: [unknown, first.studyId] })).toMatchObject({
      studies: [{ study_id: first.studyId, organization_id: first.organizationId, objects: 3 }],
      left_out: [{ study_id: unknown, reason: "not in the ledger: a copy would look it up in the database" }],
    })
  })
})

describe("two processes on one ledger", () => {
  test("never work on the same study: what another holds is left to it, and told", async () => {
    using hospital = await openHospital()
    const [held, free] = (await signedInTurn(hospital, 2)) as [Chest, Chest]
    await hospital.discover()
    using _other = holdElsewhere(hospital, held)
    const { studies, totals, code } = await hospital.copy()
    expect(ids(studies)).toEqual([free.studyId])
    expect(totals.held_by_others).toBe(1)
    expect(code).toBe(0)
    const named = await hospital.copy({ studyIds: [held.studyId] })
    expect(named).toMatchObject({ studies: [], totals: { held_by_others: 1 }, code: 0 })
    expect(stored(hospital, held)).toBe(0)
  })

  test("share the work: every study is copied by one of them", async () => {
    using hospital = await openHospital()
    await signedInTurn(hospital, 8)
    await hospital.discover()
    const [one, other] = await Promise.all([
      hospital.copy({ concurrency: 2 }),
      hospital.copy({ concurrency: 2 }),
    ])
    expect(one.studies.length + other.studies.length).toBe(8)
    expect(new Set(ids([...one.studies, ...other.studies])).size).toBe(8)
    expect(hospital.cloud.log.count({ status: 412 })).toBe(0)
    expect(one.code + other.code).toBe(0)
  })

  test("whose claim was taken over gives that study up and goes on with the others", async () => {
    using hospital = await openHospital()
    const [free, lost] = (await signedInTurn(hospital, 2)) as [Chest, Chest]
    await hospital.discover()
    const stalled = hospital.cloud.fail({
      operation: "s3.get",
      key: lost.imageKeys[0]!,
      fault: { kind: "stall" },
    })
    const copying = hospital.copy({ concurrency: 1 })
    await stalled.reached()
    {
      using thief = openLedger(hospital.ledgerPath)
      steal(thief, lost)
    }
    stalled.release()
    const { studies, code } = await copying
    expect(studies.find(({ study_id }) => study_id === lost.studyId)!.errors).toEqual([
      `ClaimLost: the claim of study ${lost.studyId} was lost to another process`,
    ])
    expect(studies.find(({ study_id }) => study_id === free.studyId)).toMatchObject({ success: true })
    expect(code).toBe(1)
    // What the other one will do with it is its own matter: nothing was recorded here.
    expect(hospital.rows("select verdict from studies where verdict is not null")).toEqual([])
  })

  test("records no failure of a study whose claim was taken over in the meantime", async () => {
    using hospital = await openHospital()
    const [study] = (await signedInTurn(hospital, 1)) as [Chest]
    await hospital.discover()
    const never = new AbortController().signal
    const report = await hospital.withDeps((deps) => {
      const write: typeof deps.destination.write = async (...call) => {
        if (call[0] !== study.receiptKey) return deps.destination.write(...call)
        steal(deps.ledger, study)
        throw new Unavailable("the receipt cannot be written", {})
      }
      const destination = { ...deps.destination, write }
      return copyStudies({ ...deps, destination }, { concurrency: 1 }, { requested: never, forced: never })
    })
    expect(report.studies[0]!.errors.at(-1)).toStartWith("ClaimLost")
    expect(failures(hospital)).toEqual([])
  })

  test("whose claim was taken over when all was done does not end the run either", async () => {
    using hospital = await openHospital()
    const [, lost] = (await signedInTurn(hospital, 2)) as [Chest, Chest]
    await hospital.discover()
    const stop = { requested: new AbortController().signal, forced: new AbortController().signal }
    const report = await hospital.withDeps((deps) => {
      const write: typeof deps.destination.write = async (...call) => {
        const written = await deps.destination.write(...call)
        if (call[0] === lost.receiptKey) steal(deps.ledger, lost)
        return written
      }
      return copyStudies({ ...deps, destination: { ...deps.destination, write } }, { concurrency: 1 }, stop)
    })
    expect(report.totals).toMatchObject({ studies: 2, succeeded: 1, failed: 1 })
    expect(report.studies.map(({ errors }) => errors.length).sort()).toEqual([0, 1])
  })
})

describe("what a discovery finds while a copy is under way", () => {
  test("is copied by all workers of that copy, also by those who had nothing to do", async () => {
    using hospital = await openHospital()
    const before = await signedInTurn(hospital, 2)
    await hospital.discover()
    const stall = ({ imageKeys }: Chest) =>
      hospital.cloud.fail({ operation: "s3.get", key: imageKeys[0]!, fault: { kind: "stall" } })
    const [first, other] = before.map(stall)
    const copying = hospital.copy({ concurrency: 4 })
    await Promise.all([first!.reached(), other!.reached()])
    const found = await signedInTurn(hospital, 3)
    const still = found.slice(1).map(stall)
    await hospital.discover()
    first!.release()
    await Promise.all(still.map((stalled) => stalled.reached()))
    await hospital.cloud.log.reached({ key: found[0]!.receiptKey, effect: "created" }, 1)
    for (const stalled of [other!, ...still]) stalled.release()
    expect((await copying).totals).toMatchObject({ studies: 5, succeeded: 5 })
  })
})

/** As another process does that takes the study for abandoned. */
function steal(ledger: Ledger, { studyId }: Chest) {
  ledger.write(() => ledger.db.run("update claims set token = 'another' where study_id = ?", [studyId]))
}

describe("a copy that is asked to stop", () => {
  test("takes nothing new and finishes what is in flight", async () => {
    using hospital = await openHospital()
    const studies = await signedInTurn(hospital, 3)
    await hospital.discover()
    const requested = new AbortController()
    const [newest] = studies.slice(-1) as [Chest]
    const stalled = hospital.cloud.fail({
      operation: "s3.get",
      key: newest.imageKeys[0]!,
      fault: { kind: "stall" },
    })
    const copying = hospital.copy(
      { concurrency: 1 },
      { requested: requested.signal, forced: new AbortController().signal },
    )
    await stalled.reached()
    requested.abort(new Aborted("asked to"))
    stalled.release()
    expect((await copying).studies).toMatchObject([{ study_id: newest.studyId, success: true }])
    expect(hospital.rows("select outcome from runs order by run_id desc limit 1")).toEqual([
      { outcome: "stopped" },
    ])
    expect((await hospital.copy()).totals).toMatchObject({ studies: 2, succeeded: 2 })
  })

  test("at once leaves the ledger consistent: the next one goes on where it was", async () => {
    using hospital = await openHospital()
    const [study] = (await signedInTurn(hospital, 1)) as [Chest]
    const [image] = study.imageKeys as [string]
    hospital.cloud.put(hospital.origin, image, dicomBody(1, 2 << 20))
    await hospital.discover()
    const forced = new AbortController()
    const stalled = hospital.cloud.fail({
      operation: "gcs.resumable.write",
      key: image,
      fault: { kind: "stall" },
    })
    const copying = hospital
      .copy({}, { requested: forced.signal, forced: forced.signal })
      .catch((error: unknown) => error)
    await stalled.reached()
    forced.abort(new Aborted("at once"))
    expect(await copying).toBeInstanceOf(Aborted)
    stalled.release()
    using ledger = openLedger(hospital.ledgerPath, { readonly: true })
    expect(heldClaims(ledger)).toEqual([])
    expect((await hospital.copy()).studies[0]).toMatchObject({ success: true, dicom_files_uploaded: 1 })
    expect(hospital.rows("select try, outcome from copy_attempts where position = 2 order by try")).toEqual([
      { try: 1, outcome: "interrupted" },
      { try: 2, outcome: "copied" },
    ])
  })
})
