import { describe, expect, test } from "bun:test"
import { IllegalMove } from "../../lib/ledger/errors.ts"
import { moveObject, objectAt } from "../../lib/ledger/objects.ts"
import { OBJECT_MOVES, type ObjectState } from "../../lib/ledger/states.ts"
import { recordStudy } from "../../lib/ledger/studies.ts"
import { repairTotals, wrongTotals } from "../../lib/ledger/totals.ts"
import { chestStudy, testLedger } from "../support/ledger.ts"

const STATES = Object.keys(OBJECT_MOVES) as ObjectState[]
const PAIRS = STATES.flatMap((from) => STATES.map((to) => [from, to] as const))

/** As the table in the design has it, written down a second time on purpose. */
const LEGAL = new Set([
  "pending copied",
  "pending failed",
  "pending missing",
  "pending retired",
  "failed copied",
  "failed failed",
  "failed missing",
  "failed pending",
  "failed retired",
  "missing copied",
  "missing failed",
  "missing missing",
  "missing pending",
  "missing retired",
  "copied pending",
  "copied retired",
  "retired pending",
])

describe("An object", () => {
  test.each(PAIRS)("that is %s becomes %s exactly if the table has it", (from, to) => {
    using bench = testLedger()
    const { ledger } = bench
    recordStudy(ledger, chestStudy("a"), bench.cohortId)
    ledger.db.run(`update objects set state = '${from}', size = 100 where position = 3`)
    repairTotals(ledger)
    const move = () => ledger.write((tally) => moveObject(ledger, tally, objectAt(ledger, "a", 3)!, to))
    const isLegal = LEGAL.has(`${from} ${to}`)
    if (isLegal) move()
    else expect(move).toThrow(IllegalMove)
    expect(OBJECT_MOVES[from].includes(to)).toBe(isLegal)
    expect(objectAt(ledger, "a", 3)!.state).toBe(isLegal ? to : from)
    expect(wrongTotals(ledger)).toEqual([])
  })

  test("cannot have a state that is none", () => {
    using bench = testLedger()
    recordStudy(bench.ledger, chestStudy("a"), bench.cohortId)
    expect(() => bench.ledger.db.run("update objects set state = 'done'")).toThrow("CHECK constraint failed")
  })
})
