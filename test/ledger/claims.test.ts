import { describe, expect, test } from "bun:test"
import {
  type Claim,
  claimNext,
  claimStudy,
  heldClaims,
  releaseClaim,
  renewClaims,
} from "../../lib/ledger/claims.ts"
import { ClaimLost } from "../../lib/ledger/errors.ts"
import { HEARTBEAT_MS, LEASE_MS } from "../../lib/ledger/lease.ts"
import type { Ledger } from "../../lib/ledger/open.ts"
import { endRun } from "../../lib/ledger/runs.ts"
import { recordStudy, studyById } from "../../lib/ledger/studies.ts"
import { thisProcess } from "../../lib/support/owner.ts"
import { complete } from "../support/copying.ts"
import { chestStudy, mustClaim, newRun, rows, T0, type TestLedger, testLedger } from "../support/ledger.ts"

/** Studies by id, with the day of February on which each was signed. */
function withStudies(signedOn: Readonly<Record<string, number>>): TestLedger {
  const bench = testLedger()
  for (const [id, day] of Object.entries(signedOn)) {
    const newestSignedAt = `2026-02-${String(day).padStart(2, "0")}T00:00:00.000Z`
    recordStudy(bench.ledger, chestStudy(id, { newestSignedAt }), bench.cohortId)
  }
  return bench
}

function giveBack(ledger: Ledger, claim: Claim | undefined) {
  releaseClaim(ledger, claim!, { seconds: 1 })
}

const claims = (ledger: Ledger) => heldClaims(ledger).map(({ studyId, runId }) => `${studyId} by ${runId}`)

describe("The next study", () => {
  test("is the one with the newest signed report, then with the smallest id", () => {
    using bench = withStudies({ c: 1, b: 3, a: 1, d: 2 })
    const taken = Array.from({ length: 5 }, () => claimNext(bench.ledger, bench.runId)?.studyId)
    expect(taken).toEqual(["b", "d", "a", "c", undefined])
  })

  test("comes with its organization and a token of its own, and has begun", () => {
    using bench = withStudies({ a: 1 })
    const claim = claimNext(bench.ledger, bench.runId)
    expect(claim).toMatchObject({ studyId: "a", organizationId: "org", runId: bench.runId })
    expect(studyById(bench.ledger, "a")?.begunAt).toBe(T0)
    expect(heldClaims(bench.ledger)).toEqual([
      {
        studyId: "a",
        runId: bench.runId,
        host: thisProcess().host,
        pid: process.pid,
        acquiredAt: T0,
        expiresAt: "2026-03-01T02:01:00.000Z",
      },
    ])
  })

  test("is none that somebody works on", () => {
    using bench = withStudies({ a: 1 })
    claimNext(bench.ledger, bench.runId)
    expect(claimNext(bench.ledger, newRun(bench.ledger))).toBeUndefined()
  })

  test("is none that this run has tried, whatever came of it", () => {
    using bench = withStudies({ a: 1, b: 2 })
    giveBack(bench.ledger, claimNext(bench.ledger, bench.runId))
    giveBack(bench.ledger, claimNext(bench.ledger, bench.runId))
    expect(claimNext(bench.ledger, bench.runId)).toBeUndefined()
    const later = newRun(bench.ledger)
    expect(claimNext(bench.ledger, later)?.studyId).toBe("b")
  })

  test("is one that was never tried before one that failed in an earlier run", () => {
    using bench = withStudies({ newest: 9, older: 1 })
    complete(bench, "newest", { failing: [3] })
    const later = newRun(bench.ledger)
    expect(claimNext(bench.ledger, later)?.studyId).toBe("older")
    expect(claimNext(bench.ledger, later)?.studyId).toBe("newest")
    expect(claimNext(bench.ledger, later)).toBeUndefined()
  })

  test("is the one that waits longest among those that failed in earlier runs", () => {
    using bench = withStudies({ newest: 9, older: 1 })
    const [first, second] = [newRun(bench.ledger), newRun(bench.ledger)]
    giveBack(bench.ledger, mustClaim(bench.ledger, first, "older"))
    giveBack(bench.ledger, mustClaim(bench.ledger, second, "newest"))
    expect(claimNext(bench.ledger, newRun(bench.ledger))?.studyId).toBe("older")
  })

  test("is none of two runs that pass a failing study to each other for ever", () => {
    using bench = withStudies({ a: 1 })
    const other = newRun(bench.ledger)
    const taken: (string | undefined)[] = []
    for (const runId of [bench.runId, other, bench.runId, other]) {
      const claim = claimNext(bench.ledger, runId)
      taken.push(claim?.studyId)
      if (claim !== undefined) giveBack(bench.ledger, claim)
    }
    expect(taken).toEqual(["a", "a", undefined, undefined])
  })

  test("is none that is complete", () => {
    using bench = withStudies({ a: 1 })
    complete(bench, "a")
    expect(claimNext(bench.ledger, newRun(bench.ledger))).toBeUndefined()
  })
})

describe("A named study", () => {
  test("is claimed whether or not it is due, and by this run again", () => {
    using bench = withStudies({ a: 1 })
    complete(bench, "a")
    giveBack(bench.ledger, mustClaim(bench.ledger, bench.runId, "a"))
    expect(claimStudy(bench.ledger, bench.runId, "a")?.studyId).toBe("a")
  })

  test("is not claimed while somebody works on it", () => {
    using bench = withStudies({ a: 1 })
    mustClaim(bench.ledger, newRun(bench.ledger), "a")
    expect(claimStudy(bench.ledger, bench.runId, "a")).toBeUndefined()
  })
})

describe("A lease", () => {
  test("that is renewed lasts", () => {
    using bench = withStudies({ a: 1, b: 1 })
    claimNext(bench.ledger, bench.runId)
    claimNext(bench.ledger, bench.runId)
    const rival = newRun(bench.ledger)
    for (let passed = 0; passed < 3 * LEASE_MS; passed += HEARTBEAT_MS) {
      bench.clock.advance(HEARTBEAT_MS)
      renewClaims(bench.ledger, bench.runId)
      expect(claimNext(bench.ledger, rival)).toBeUndefined()
    }
    expect(claims(bench.ledger)).toEqual([`a by ${bench.runId}`, `b by ${bench.runId}`])
  })

  test("that ends makes its study anybody's, not a moment earlier", () => {
    using bench = withStudies({ a: 1 })
    const lost = mustClaim(bench.ledger, bench.runId, "a")
    const rival = newRun(bench.ledger)
    bench.clock.advance(LEASE_MS - 1)
    expect(claimNext(bench.ledger, rival)).toBeUndefined()
    bench.clock.advance(1)
    const taken = claimNext(bench.ledger, rival)!
    expect(taken.token).not.toBe(lost.token)
    expect(claims(bench.ledger)).toEqual([`a by ${rival}`])
  })

  test("that ended can be renewed as long as nobody took the study", () => {
    using bench = withStudies({ a: 1 })
    const claim = mustClaim(bench.ledger, bench.runId, "a")
    bench.clock.advance(2 * LEASE_MS)
    renewClaims(bench.ledger, bench.runId)
    expect(claimNext(bench.ledger, newRun(bench.ledger))).toBeUndefined()
    giveBack(bench.ledger, claim)
    expect(claims(bench.ledger)).toEqual([])
  })

  test("that was lost is not renewed, and giving it back takes nothing from its new holder", () => {
    using bench = withStudies({ a: 1 })
    const lost = mustClaim(bench.ledger, bench.runId, "a")
    const rival = newRun(bench.ledger)
    bench.clock.advance(LEASE_MS)
    mustClaim(bench.ledger, rival, "a")
    const held = heldClaims(bench.ledger)
    bench.clock.advance(HEARTBEAT_MS)
    renewClaims(bench.ledger, bench.runId)
    expect(() => giveBack(bench.ledger, lost)).toThrow(ClaimLost)
    expect(heldClaims(bench.ledger)).toEqual(held)
  })

  test("of a holder that died after the younger of two runs took the study goes to the older one", () => {
    using bench = withStudies({ a: 1 })
    mustClaim(bench.ledger, newRun(bench.ledger), "a")
    expect(claimNext(bench.ledger, bench.runId)).toBeUndefined()
    bench.clock.advance(LEASE_MS)
    expect(claimNext(bench.ledger, bench.runId)?.studyId).toBe("a")
  })
})

describe("A claim that is given back", () => {
  test("is gone, and the time that it took is added up", () => {
    using bench = withStudies({ a: 1 })
    releaseClaim(bench.ledger, mustClaim(bench.ledger, bench.runId, "a"), { seconds: 1.5 })
    releaseClaim(bench.ledger, mustClaim(bench.ledger, bench.runId, "a"), { seconds: 2 })
    expect(claims(bench.ledger)).toEqual([])
    expect(studyById(bench.ledger, "a")?.seconds).toBe(3.5)
  })

  test("cannot be given back twice", () => {
    using bench = withStudies({ a: 1 })
    const claim = mustClaim(bench.ledger, bench.runId, "a")
    giveBack(bench.ledger, claim)
    expect(() => giveBack(bench.ledger, claim)).toThrow("the claim of study a was lost to another process")
  })

  test("is given back by the end of its run too", () => {
    using bench = withStudies({ a: 1, b: 1 })
    const other = newRun(bench.ledger)
    mustClaim(bench.ledger, bench.runId, "a")
    mustClaim(bench.ledger, other, "b")
    endRun(bench.ledger, bench.runId, "stopped", {})
    expect(claims(bench.ledger)).toEqual([`b by ${other}`])
    expect(rows(bench.ledger, "select due from studies")).toEqual([{ due: 1 }, { due: 1 }])
  })
})
