import { expect, test } from "bun:test"
import fc from "fast-check"
import { type Attempt, beginAttempts, settleObject } from "../../lib/ledger/attempts.ts"
import { type Claim, claimNext, claimStudy, releaseClaim } from "../../lib/ledger/claims.ts"
import { ClaimLost } from "../../lib/ledger/errors.ts"
import { isToTry, objectsOf } from "../../lib/ledger/objects.ts"
import { forgetReceipt } from "../../lib/ledger/receipts.ts"
import {
  giveUpLongMissing,
  queueObjects,
  recordStudyFailure,
  retryGivenUp,
} from "../../lib/ledger/retries.ts"
import { closeDeadRuns } from "../../lib/ledger/runs.ts"
import { moveStanding, recordListing, recordStudy, studyById } from "../../lib/ledger/studies.ts"
import { dueStudies } from "../../lib/ledger/study-lists.ts"
import { wrongTotals } from "../../lib/ledger/totals.ts"
import { COPIED, copyHeld, FAILED, GIVEN_UP, MISSING, writeReceipt } from "../support/copying.ts"
import {
  chestStudy,
  DAY,
  image,
  metadata,
  newRun,
  report,
  rows,
  type TestLedger,
  testLedger,
} from "../support/ledger.ts"

// Random nights: discoveries, copies, crashes, lost leases, repairs. After every step the totals must be what the rows
// say, and no study in which something is left to do may be forgotten.

const study = fc.constantFrom("a", "b")
const version = fc.constantFrom("v1", "v2")
const images = fc.subarray(["i1", "i2", "i3"])

const discover = fc.record({
  do: fc.constant("discover"),
  study,
  reports: fc.subarray(["r1", "r2"]),
  images,
  version,
  listsOrigin: fc.boolean(),
  organizationId: fc.constantFrom("org", "other"),
})
const move = fc.record({
  do: fc.constant("move"),
  study,
  standing: fc.constantFrom("out_of_cohort", "withdrawn"),
})
const list = fc.record({ do: fc.constant("list"), study, images, version })
const settle = fc.record({
  do: fc.constant("settle"),
  study,
  result: fc.oneof(
    fc.nat(9_999).map((size) => ({ ...COPIED, size })),
    fc.constantFrom(FAILED, MISSING, GIVEN_UP),
  ),
})
const operate = fc.record({
  do: fc.constant("operate"),
  study,
  how: fc.constantFrom(
    "force",
    "repair",
    "forget receipt",
    "fail study",
    "retry given up",
    "give up long missing",
  ),
})
const others = fc.record({
  do: fc.constantFrom("begin", "settle twice", "copy the rest", "write receipt", "release"),
  study,
})
const claim = fc.record({ do: fc.constant("claim"), study: fc.option(study, { nil: undefined }) })
const crash = fc.record({ do: fc.constant("crash") })
const wait = fc.record({ do: fc.constant("wait"), ms: fc.constantFrom(1, 61_000, 31 * DAY) })

const step = fc.oneof(
  { weight: 4, arbitrary: discover },
  { weight: 8, arbitrary: claim },
  { weight: 8, arbitrary: settle },
  { weight: 12, arbitrary: others },
  { weight: 4, arbitrary: list },
  { weight: 2, arbitrary: operate },
  { weight: 1, arbitrary: move },
  { weight: 1, arbitrary: wait },
  { weight: 1, arbitrary: crash },
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

test("Whatever happens in whatever order, totals are the counted rows and nothing to be done is forgotten", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100, size: "max" }), (steps) => {
      using bench = testLedger()
      const world: World = { ...bench, held: new Map(), run: bench.runId }
      for (const one of steps) {
        unlessLost(() => apply(world, one))
        expect(wrongTotals(bench.ledger)).toEqual([])
        expect(dueStudies(bench.ledger)).toEqual(expect.arrayContaining(toBeDone(bench)))
      }
      giveAllBack(world)
      expect(dueStudies(bench.ledger).sort()).toEqual(toBeDone(bench))
      expect(rows(bench.ledger, "pragma foreign_key_check")).toEqual([])
    }),
    { numRuns: 60 },
  )
}, 30_000)

interface World extends TestLedger {
  readonly held: Map<string, { readonly claim: Claim; open: Attempt[] }>
  run: number
}

function apply(world: World, step: Step) {
  const { ledger, clock, cohortId } = world
  switch (step.do) {
    case "discover": {
      const { study: id, reports, images, version, listsOrigin, organizationId } = step
      const objects = [
        metadata(version),
        ...reports.map((r) => report(r)),
        ...images.map((i) => image(i, version)),
      ]
      const sourceHash = JSON.stringify(step)
      recordStudy(ledger, chestStudy(id, { objects, listsOrigin, organizationId, sourceHash }), cohortId)
      return
    }
    case "move": {
      const { study: id, standing } = step
      if (studyById(ledger, id) === undefined) return
      ledger.write((tally) => moveStanding(ledger, tally, id, { standing, reason: "a rule", cohortId }))
      return
    }
    case "claim": {
      const { study: id } = step
      if (id !== undefined && studyById(ledger, id) === undefined) return
      const claim = id === undefined ? claimNext(ledger, world.run) : claimStudy(ledger, world.run, id)
      if (claim !== undefined) world.held.set(claim.studyId, { claim, open: [] })
      return
    }
    case "crash":
      // Pids are given again: a process of ours that started another time is another process.
      ledger.db.run(`update runs set process_start = '1' where run_id = ${world.run}`)
      world.held.clear()
      closeDeadRuns(ledger)
      world.run = newRun(ledger)
      return
    case "wait":
      return clock.advance(step.ms)
    case "operate":
      return operateOn(world, step.study, step.how)
    default:
      return copyStep(world, step)
  }
}

type CopyStep = Extract<
  Step,
  { do: "begin" | "settle" | "settle twice" | "list" | "copy the rest" | "write receipt" | "release" }
>

/** What the holder of a study does; nothing for a study that is not held. */
function copyStep({ ledger, held }: World, step: CopyStep) {
  const { study: id } = step
  const mine = held.get(id)
  if (mine === undefined) return
  const { claim } = mine
  switch (step.do) {
    case "begin":
      mine.open = beginAttempts(ledger, claim, objectsOf(ledger, id).filter(isToTry))
      return
    case "settle": {
      const attempt = mine.open.shift()
      if (attempt !== undefined)
        ledger.write((tally) => settleObject(ledger, tally, claim, attempt, step.result))
      return
    }
    case "settle twice": {
      // As in a group of writes of which one fails: all are rolled back, and each is done again alone.
      const [attempt] = mine.open.splice(0, 1)
      if (attempt === undefined) return
      const once = () => ledger.write((tally) => settleObject(ledger, tally, claim, attempt, COPIED))
      const fails = () =>
        ledger.write(() => {
          once()
          throw new RangeError("and rolled back")
        })
      expect(fails).toThrow("and rolled back")
      once()
      return
    }
    case "list":
      if (studyById(ledger, id)?.listsOrigin === 0) return
      recordListing(
        ledger,
        claim,
        step.images.map((i) => image(i, step.version)),
      )
      return
    case "copy the rest":
      held.delete(id)
      return copyHeld(ledger, claim)
    case "write receipt":
      return writeReceipt(ledger, claim)
    case "release":
      held.delete(id)
      return releaseClaim(ledger, claim, { seconds: 1 })
  }
}

function operateOn({ ledger }: World, id: string, how: Extract<Step, { do: "operate" }>["how"]) {
  if (studyById(ledger, id) === undefined) return
  switch (how) {
    case "force":
      return queueObjects(ledger, id, ({ state }) => state !== "retired", { forced: true })
    case "repair":
      return queueObjects(ledger, id, ({ state }) => state === "copied")
    case "forget receipt":
      return forgetReceipt(ledger, id)
    case "fail study":
      return recordStudyFailure(ledger, id, { verdict: "give-up", errorClass: "Conflict", errorMessage: "x" })
    case "retry given up":
      return retryGivenUp(ledger)
    case "give up long missing":
      return giveUpLongMissing(ledger)
  }
}

/** A crash leaves studies due in which nothing is left to do; who claims them finds that out. */
function giveAllBack({ ledger, held }: World) {
  for (const { claim } of held.values()) unlessLost(() => releaseClaim(ledger, claim, { seconds: 0 }))
  const run = newRun(ledger)
  for (let claim = claimNext(ledger, run); claim !== undefined; claim = claimNext(ledger, run)) {
    releaseClaim(ledger, claim, { seconds: 0 })
  }
}

/** When a study is due, once more and in other words. Studies that somebody holds are that one's business. */
function toBeDone({ ledger }: TestLedger): string[] {
  const found = rows<{ id: string }>(
    ledger,
    `select study_id as id,
       sum(o.state = 'pending' or o.state in ('failed', 'missing') and o.verdict <> 'give-up') as open,
       sum(o.state in ('failed', 'missing') and o.verdict = 'give-up') as hopeless
     from studies s join objects o using (study_id)
     where (standing = 'eligible' or standing = 'out_of_cohort' and begun_at is not null)
     group by study_id
     having open > 0
       or hopeless = 0 and (receipt_stale = 1 or receipt_intent is not null) and s.verdict is not 'give-up'
     order by id`,
  )
  return found.map(({ id }) => id)
}

function unlessLost(work: () => void) {
  try {
    work()
  } catch (error) {
    if (!(error instanceof ClaimLost)) throw error
  }
}
