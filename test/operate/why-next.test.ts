import { describe, expect, test } from "bun:test"
import { outlookOf } from "../../lib/ledger/outlook.ts"
import { recordStudyFailure } from "../../lib/ledger/retries.ts"
import { recordStudy } from "../../lib/ledger/studies.ts"
import { nextSteps } from "../../lib/operate/why-next.ts"
import { complete, FAILED } from "../support/copying.ts"
import { knownLedger } from "../support/known-ledger.ts"
import { chestStudy, type TestLedger, testLedger } from "../support/ledger.ts"
import { packingLedger } from "../support/packing-ledger.ts"

/** What the ledger alone tells of a study's future. */
function stepsOf({ ledger }: TestLedger, studyId: string) {
  const outlook = outlookOf(ledger, studyId)
  return nextSteps({ studyId, database: undefined, outlook, destination: undefined })
}

const UNASKED = expect.objectContaining({ when: "unknown" })

describe("By the ledger alone, what happens next to a study", () => {
  test("that is complete is nothing", () => {
    using bench = knownLedger()
    bench.ledger.db.run("update objects set to_pack = 0")
    expect(stepsOf(bench, "a")).toEqual([expect.objectContaining({ when: "done" }), UNASKED])
  })

  test("in every kind of trouble is told kind by kind, with the time and the command", () => {
    using bench = knownLedger()
    expect(stepsOf(bench, "b")).toEqual([
      {
        when: "next run",
        what: "1 failed object tried again",
        not_before: "2026-03-01T03:01:00.000Z",
        unless: null,
        command: "bun run copy b",
      },
      {
        when: "next run",
        what: "1 missing object looked for until 2026-03-31T02:01:00.000Z",
        not_before: "2026-03-01T03:01:00.000Z",
        unless: null,
        command: "bun run copy b",
      },
      {
        when: "never",
        what: "1 object given up (DestinationConflict): not tried again",
        not_before: null,
        unless: "the cause is mended",
        command: "bun run copy b --retry-failed",
      },
      UNASKED,
    ])
  })

  test("that a run holds is the run's work, now", () => {
    using bench = knownLedger()
    const [first] = stepsOf(bench, "f")
    expect(first).toMatchObject({ when: "now", command: null })
    expect(first?.what).toContain("(box, pid 7)")
  })

  test("that waits is its copy", () => {
    using bench = knownLedger()
    expect(stepsOf(bench, "e")[0]).toMatchObject({
      when: "next run",
      what: "4 waiting objects copied",
      command: "bun run copy e",
    })
  })

  test("that is withdrawn, or left the cohort before it was begun, is nothing more", () => {
    using bench = knownLedger()
    expect(stepsOf(bench, "c")[0]).toMatchObject({
      when: "never",
      what: expect.stringContaining("withdrawn"),
    })
    expect(stepsOf(bench, "d")[0]).toMatchObject({
      when: "never",
      what: expect.stringContaining("out of cohort"),
    })
    expect([stepsOf(bench, "c"), stepsOf(bench, "d")].map(({ length }) => length)).toEqual([2, 2])
  })

  test("that left the cohort after it was begun is to be finished", () => {
    using bench = testLedger()
    recordStudy(bench.ledger, chestStudy("a"), bench.cohortId)
    complete(bench, "a", { failing: [2], as: FAILED })
    bench.ledger.db.run("update studies set standing = 'out_of_cohort', standing_reason = 'chosen_doctor'")
    expect(stepsOf(bench, "a")[0]).toMatchObject({ when: "next run", what: "1 failed object tried again" })
  })

  test("that failed as a whole is a try at its time, or none", () => {
    using bench = knownLedger()
    expect(stepsOf(bench, "g")).toContainEqual(
      expect.objectContaining({
        when: "never",
        what: "the study as a whole given up (DestinationConflict): not tried again",
      }),
    )
    const failure = { verdict: "retry", errorClass: "Unavailable", errorMessage: "503" } as const
    recordStudyFailure(bench.ledger, "g", failure)
    expect(stepsOf(bench, "g")).toContainEqual(
      expect.objectContaining({
        when: "next run",
        what: "tried again as a whole, after Unavailable",
        not_before: new Date(bench.clock.now().getTime() + 3_600_000).toISOString(),
      }),
    )
  })

  test("whose receipt alone is out of date is its receipt", () => {
    using bench = testLedger()
    recordStudy(bench.ledger, chestStudy("a"), bench.cohortId)
    complete(bench, "a")
    bench.ledger.db.run("update studies set receipt_stale = 1, completed_at = null, due = 1")
    expect(stepsOf(bench, "a")[0]).toMatchObject({ when: "next run", what: "its receipt is written" })
  })

  test("that differs at the destination is nothing by itself, and verify is named", () => {
    using bench = knownLedger()
    const outlook = outlookOf(bench.ledger, "a")
    const destination = {
      uri: "gs://b",
      objects: 0,
      bytes: 0,
      receipt: true,
      differing: [{ path: "metadata.json", problem: "missing" as const }],
      unknown: 0,
    }
    const [first] = nextSteps({ studyId: "a", database: undefined, outlook, destination })
    expect(first).toMatchObject({ when: "never", command: expect.stringContaining("verify a --repair") })
  })

  test("with an image in conflict is that it stays so until a person asks for it again", () => {
    using bench = packingLedger()
    expect(stepsOf(bench, "a")).toContainEqual({
      when: "never",
      what: "not packed: 1 image in conflict with others of their UIDs",
      not_before: null,
      unless: "the cause is mended",
      command: "bun run ingest a --retry-failed",
    })
  })

  test("whose series hangs is that a person has to look", () => {
    using bench = packingLedger()
    const since = bench.clock.now().toISOString()
    expect(stepsOf(bench, "b").filter(({ when }) => when !== "unknown")).toContainEqual({
      when: "never",
      what: `the lock of series 1.3.8 hangs since ${since}: TarDisagreesError: tar and metadata disagree`,
      not_before: null,
      unless: "a person has looked",
      command: "bun run locks list",
    })
  })

  test("with images to pack is their packing; a file that no series can hold stays out of it", () => {
    using bench = packingLedger()
    expect(stepsOf(bench, "c")).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          when: "next run",
          what: "2 copied images packed",
          command: "bun run ingest c",
        }),
        expect.objectContaining({ when: "never", what: "not packed: 1 file that no series can hold" }),
      ]),
    )
  })

  test("that it does not know cannot be told", () => {
    using bench = knownLedger()
    expect(stepsOf(bench, "nobody")).toEqual([
      expect.objectContaining({ when: "unknown", command: "bun run why nobody" }),
    ])
  })
})
