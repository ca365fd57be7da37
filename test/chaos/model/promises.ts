import { expect } from "bun:test"
import { type LedgerObject, objectsOf } from "../../../lib/ledger/objects.ts"
import { OBJECT_MOVES } from "../../../lib/ledger/states.ts"
import { type LedgerStudy, studyById } from "../../../lib/ledger/studies.ts"
import { eligibleStudies } from "../../../lib/ledger/study-lists.ts"
import { wrongTotals } from "../../../lib/ledger/totals.ts"
import { rows } from "../../support/ledger.ts"
import type { Effect } from "./history.ts"
import { type ModelStudy, receiptKey, STUDIES } from "./hospital.ts"
import { DESTINATION, type World } from "./world.ts"

/** What the ledger held before a step. */
export interface Before {
  readonly requests: number
  readonly studies: ReadonlyMap<string, LedgerStudy>
  readonly objects: ReadonlyMap<string, LedgerObject>
}

/** What a step did, as far as its promises depend on it. */
export interface Done {
  /** The ledger read the database. */
  discovered?: boolean
  /** An operator had what differs queued again. */
  repaired?: boolean
  /** Some process ended before its work did. */
  interrupted?: boolean
  /** Whatever was due was tried, and nothing was in the way. */
  copiedAll?: boolean
}

export function lookBefore(world: World): Before {
  const { cloud, forced, history } = world
  history.beginStep()
  const studies = known(world)
  const objects = allObjects(world)
  forced.clear()
  for (const { studyId, forced: isForced } of objects) if (isForced === 1) forced.add(studyId)
  return {
    requests: cloud.log.entries.length,
    studies: new Map(studies.map((study) => [study.studyId, study])),
    objects: new Map(objects.map((object) => [nameOf(object), object])),
  }
}

/** Every promise, after every step. */
export function expectPromises(world: World, before: Before, done: Done) {
  world.history.catchUp()
  for (const effect of world.history.takeEffects()) expectLegalEffect(world, effect)
  expectSoundLedger(world)
  expectLegalMoves(world, before, done)
  expectCopiedStands(world)
  expectDoneIsDone(world, before)
  expectWithdrawnLeftAlone(world, before, done)
  for (const study of known(world)) expectTrueFlags(world, study)
  for (const study of STUDIES) expectTrueReceipt(world, study)
  expectNoClaimOfTheLiving(world)
  if (done.copiedAll !== true) return
  expectNothingLeft(world)
  expectLookedFirst(world, before)
}

/** What we do carries our mark, and replaces only what the ledger knew, by something else; unless it was ordered. */
function expectLegalEffect(world: World, { key, entry, before, after }: Effect) {
  const { ledger, forced } = world
  const study = STUDIES.find(({ id }) => key.includes(id))!
  const { attempt, ledger: of } = entry.metadata ?? {}
  const isMarked = key === receiptKey(study) ? of === ledger.id : attempt?.startsWith(`${ledger.id}/`)
  expect({ key, isMarked }).toEqual({ key, isMarked: true })
  if (entry.effect === "created" || forced.has(study.id)) return
  const isOurs = before?.by === "us" || world.hasRecorded(key, before?.generation ?? "")
  const isSame = after.crc32c !== undefined && after.crc32c === before?.crc32c
  const seen = { key, effect: entry.effect, isOurs, isSame }
  expect(seen).toEqual({ key, effect: "replaced", isOurs: true, isSame: false })
}

function expectSoundLedger({ ledger }: World) {
  expect(wrongTotals(ledger)).toEqual([])
  const untrue = `select study_id, position, state, verdict, tries from objects o where
    state <> 'retired' and (state in ('failed', 'missing')) <> (verdict is not null)
    or tries <> (select count(*) from copy_attempts a where a.study_id = o.study_id and a.position = o.position)
    or state = 'copied' and (size is null or crc32c is null or generation is null)`
  expect(rows(ledger, untrue)).toEqual([])
  const open = `select * from copy_attempts join runs using (run_id)
    where copy_attempts.ended_at is null and runs.outcome = 'done'`
  expect(rows(ledger, open)).toEqual([])
}

/** States move as the table says, and what is copied is queued again for a reason only. */
function expectLegalMoves(world: World, before: Before, { repaired }: Done) {
  const moves = world.takeMoves()
  const isLegal = ({ before: from, after: to }: { before: string; after: string }) =>
    (OBJECT_MOVES as Record<string, readonly string[]>)[from]?.includes(to) ?? false
  expect(moves.filter((move) => !isLegal(move))).toEqual([])
  const wasRetired = new Set(
    moves.filter(({ after }) => after === "retired").map(({ study, position }) => `${study}/${position}`),
  )
  const requeued = moves.filter(({ before: from, after: to }) => from === "copied" && to === "pending")
  const unfounded = requeued.filter(({ study, position }) => {
    const name = `${study}/${position}`
    const [then, now] = [
      before.objects.get(name),
      allObjects(world).find((object) => nameOf(object) === name)!,
    ]
    const isChanged = then === undefined || then.sourceHash !== now.sourceHash || wasRetired.has(name)
    const isMended = repaired === true && world.history.suspects().has(keyOf(now))
    return !isChanged && !isMended && !world.forced.has(study)
  })
  expect(unfounded).toEqual([])
}

/** What the ledger says is copied stands at the destination, unless somebody else has been there since. */
function expectCopiedStands({ ledger, cloud, history }: World) {
  for (const study of STUDIES) {
    for (const { state, path, size, crc32c, generation } of objectsOf(ledger, study.id)) {
      const key = `${study.folder}/${path}`
      const last = history.last(key)
      if (state !== "copied" || last?.by === "others") continue
      expect({ key, ...view(cloud.describe(DESTINATION, key)) }).toEqual({ key, size, crc32c, generation })
    }
  }
}

const view = (found: { size: number; crc32c: string; generation: string } | undefined) => ({
  size: found?.size ?? null,
  crc32c: found?.crc32c ?? null,
  generation: found?.generation ?? null,
})

/** What was copied and still is, without another try, was neither read nor written. */
function expectDoneIsDone(world: World, before: Before) {
  const touched = new Set(
    world.cloud.log.entries
      .slice(before.requests)
      .filter(({ operation, effect }) => operation === "s3.get" || effect !== undefined)
      .map(({ key }) => key!),
  )
  const disturbed = allObjects(world).filter((object) => {
    const then = before.objects.get(nameOf(object))
    const isDone = then?.state === "copied" && object.state === "copied" && then.tries === object.tries
    return isDone && (touched.has(keyOf(object)) || touched.has(originKeyOf(object)))
  })
  expect(disturbed).toEqual([])
}

/** Of a study that was withdrawn before the step nothing is read or written. */
function expectWithdrawnLeftAlone(world: World, before: Before, { discovered }: Done) {
  if (discovered === true) return
  const entries = world.cloud.log.entries.slice(before.requests)
  for (const study of STUDIES) {
    if (before.studies.get(study.id)?.standing !== "withdrawn") continue
    const origins = new Set(study.images.map(({ origin }) => origin))
    const touched = entries.filter(
      ({ key, effect, operation }) =>
        (effect !== undefined && key!.includes(study.id)) ||
        (operation === "s3.get" && (key!.includes(study.id) || origins.has(key!))),
    )
    expect(touched).toEqual([])
  }
}

/** `due` and `completed_at` say what the rows say; only a crash may leave a study due in which nothing is to do. */
function expectTrueFlags({ ledger }: World, study: LedgerStudy) {
  const { studyId, standing, verdict, begunAt, receiptStale, receiptIntent } = study
  if (rows(ledger, `select 1 from claims where study_id = '${studyId}'`).length > 0) return
  const objects = objectsOf(ledger, studyId)
  const open = objects.filter(({ state }) => state !== "copied" && state !== "retired")
  const isWanted = standing === "eligible" || (standing === "out_of_cohort" && begunAt !== null)
  const hasReceipt = receiptStale === 0 && receiptIntent === null
  const lacksReceipt = open.length === 0 && !hasReceipt && verdict !== "give-up"
  const isDue = isWanted && (open.some((object) => object.verdict !== "give-up") || lacksReceipt)
  if (isDue) expect({ studyId, due: study.due }).toEqual({ studyId, due: 1 })
  if (study.completedAt !== null) expect({ open, hasReceipt }).toEqual({ open: [], hasReceipt: true })
  const [lastTry] = rows<{ outcome: string }>(
    ledger,
    `select outcome from studies s join runs on run_id = tried_run where study_id = '${studyId}'`,
  )
  if (lastTry?.outcome === "crashed") return
  expect({ studyId, due: study.due, complete: study.completedAt !== null }).toEqual({
    studyId,
    due: isDue ? 1 : 0,
    complete: open.length === 0 && hasReceipt,
  })
}

/** A receipt of ours lists what stands there under these generations; a complete study has just the one of its objects. */
function expectTrueReceipt({ ledger, cloud, history }: World, study: ModelStudy) {
  const key = receiptKey(study)
  const row = studyById(ledger, study.id)
  const last = history.last(key)
  if (last?.by !== "us")
    return expect({ key, missing: last === undefined && isComplete(row) }).toEqual({ key, missing: false })
  const listed = objectsInReceipt(cloud.get(DESTINATION, key)!.bytes)
  const unknown = listed.filter(({ path, generation }) => !history.has(`${study.folder}/${path}`, generation))
  expect({ key, unknown }).toEqual({ key, unknown: [] })
  expect([row!.receiptGeneration, row!.receiptIntent === null ? "" : last.generation]).toContain(
    last.generation,
  )
  if (!isComplete(row)) return
  const copied = objectsOf(ledger, study.id).filter(({ state }) => state === "copied")
  expect(row!.receiptGeneration).toBe(last.generation!)
  const wanted = copied.map(({ kind, path, size, crc32c, generation, sourceEtag }) => ({
    kind,
    path,
    size,
    crc32c,
    generation,
    source_etag: sourceEtag,
  }))
  expect<object[]>(listed).toEqual(wanted)
}

const isComplete = (row: LedgerStudy | undefined) => row !== undefined && row.completedAt !== null

function objectsInReceipt(bytes: Uint8Array): { path: string; generation: string }[] {
  return JSON.parse(new TextDecoder().decode(bytes)).objects
}

/** Between steps nobody works: only the dead may have kept something, which blocks nobody. */
function expectNoClaimOfTheLiving({ ledger }: World) {
  const held = "select study_id, run_id from claims join runs using (run_id) where process_start <> 'ended'"
  expect(rows(ledger, held)).toEqual([])
}

/** Whatever is eligible is complete, but for what is not at the origin or where somebody else's object stands. */
function expectNothingLeft(world: World) {
  const { ledger, history, source } = world
  for (const studyId of eligibleStudies(ledger)) {
    const row = studyById(ledger, studyId)!
    const study = STUDIES.find(({ id }) => id === studyId)!
    const open = objectsOf(ledger, studyId).filter(({ state }) => state !== "copied" && state !== "retired")
    const unexplained = open.filter((object) => {
      const isGone = source.isGone(originKeyOf(object), object.sourceId)
      if (object.state === "missing") return !isGone && object.verdict !== "give-up"
      return object.errorClass !== "DestinationConflict" || history.last(keyOf(object))?.by !== "others"
    })
    expect(unexplained).toEqual([])
    const isBlocked = open.length > 0 || history.last(receiptKey(study))?.by === "others"
    expect({ studyId, complete: row.completedAt !== null || isBlocked }).toEqual({ studyId, complete: true })
  }
}

/** What an interrupted try may have left at the destination is looked for, not found out by being refused. */
function expectLookedFirst({ cloud, history }: World, before: Before) {
  const refused = cloud.log.entries.slice(before.requests).filter(({ status }) => status === 412)
  // Of a receipt there is nothing to be saved by looking first.
  const receipts = [...before.studies.values()].filter(({ receiptIntent }) => receiptIntent !== null)
  expect(refused.length).toBeLessThanOrEqual(history.suspects().size + receipts.length)
}

function known({ ledger }: World): LedgerStudy[] {
  return STUDIES.flatMap(({ id }) => studyById(ledger, id) ?? [])
}

function allObjects({ ledger }: World): LedgerObject[] {
  return STUDIES.flatMap(({ id }) => objectsOf(ledger, id))
}

const nameOf = ({ studyId, position }: LedgerObject) => `${studyId}/${position}`

export function keyOf({ studyId, path }: LedgerObject): string {
  return `${STUDIES.find(({ id }) => id === studyId)!.folder}/${path}`
}

function originKeyOf(object: LedgerObject): string {
  return object.source?.replace(/^s3:\/\/[^/]+\//, "") ?? keyOf(object)
}
