import { describe, expect, test } from "bun:test"
import {
  failureGroups,
  failureList,
  lastHours,
  ledgerVersions,
  openRuns,
  progressLines,
  studyTimeline,
  warnings,
  wrongBytes,
} from "../../lib/ledger/views.ts"
import { beginAll, FAILED, settle } from "../support/copying.ts"
import { knownLedger } from "../support/known-ledger.ts"
import { mustClaim, rows, testLedger } from "../support/ledger.ts"

describe("progress", () => {
  test("says of everything how many, of how many, how much and how large", () => {
    using bench = knownLedger()
    const lines = progressLines(bench.ledger).map(({ item, count, of, percent, size }) =>
      [item, count, of, percent, size].join(" | "),
    )
    expect(lines).toEqual([
      "studies complete | 1 | 7 | 14.3 % | ",
      "studies eligible | 5 | 7 | 71.4 % | ",
      "studies out of cohort | 1 | 7 | 14.3 % | ",
      "studies withdrawn | 1 | 7 | 14.3 % | ",
      "objects copied | 6 | 28 | 21.4 % | 2.5 MB",
      "objects waiting | 19 | 28 | 67.9 % | ",
      "objects failed | 2 | 28 | 7.1 % | ",
      "objects missing at the origin | 1 | 28 | 3.6 % | ",
      "objects retired | 0 |  |  | ",
      "series packed | 0 | 0 |  | ",
      "series waiting | 0 | 0 |  | ",
      "series failed | 0 | 0 |  | ",
      "images in conflict with their series | 0 |  |  | ",
      "studies claimed now | 1 |  |  | ",
    ])
  })

  test("of an empty ledger has the same lines, all of them nothing", () => {
    using bench = testLedger()
    const lines = progressLines(bench.ledger)
    expect(lines).toHaveLength(14)
    expect(lines[4]).toEqual({ item: "objects copied", count: 0, of: 0, percent: "", size: "0.0 kB" })
  })

  test.each([
    [999, "1.0 kB"],
    [1_500_000, "1.5 MB"],
    [2_340_000_000, "2.34 GB"],
    [7_000_000_000_000, "7.00 TB"],
  ])("writes %i bytes as %s", (bytes, text) => {
    using bench = testLedger()
    bench.ledger.db.run(`insert into totals values ('objects.copied', 1, ${bytes})`)
    expect(progressLines(bench.ledger)[4]?.size).toBe(text)
  })
})

describe("failures", () => {
  test("names verdict, class and place of each, and what happens next", () => {
    using bench = knownLedger()
    expect(failureList(bench.ledger, 10)).toEqual([
      {
        verdict: "missing",
        error_class: "NotFound",
        study_id: "b",
        path: "org/b/dicom_files/s/i1.dcm",
        tries: 1,
        next_try_at: "2026-03-01T03:01:00.000Z",
        error_message: "no such key",
        what_next: "looked for again by every run for 30 days after 2026-03-01T02:01:00.000Z",
      },
      {
        verdict: "give-up",
        error_class: "DestinationConflict",
        study_id: "b",
        path: "org/b/dicom_files/s/i2.dcm",
        tries: 1,
        next_try_at: null,
        error_message: "something else stands there",
        what_next: "mend the cause, then: bun run copy b --retry-failed",
      },
      {
        verdict: "retry",
        error_class: "Unavailable",
        study_id: "b",
        path: "org/b/reports/r1.txt",
        tries: 1,
        next_try_at: "2026-03-01T03:01:00.000Z",
        error_message: "503",
        what_next: "tried again by the next run",
      },
      {
        verdict: "give-up",
        error_class: "DestinationConflict",
        study_id: "g",
        path: "org/g/",
        tries: null,
        next_try_at: null,
        error_message: "a receipt that is not ours stands there",
        what_next: "mend the cause, then: bun run copy g --retry-failed",
      },
    ])
  })

  test("are counted by verdict and class, most first, with one of them as an example", () => {
    using bench = knownLedger()
    expect(failureGroups(bench.ledger)).toEqual([
      {
        verdict: "give-up",
        error_class: "DestinationConflict",
        count: 2,
        example: "a receipt that is not ours stands there",
        example_study: "b",
      },
      { verdict: "missing", error_class: "NotFound", count: 1, example: "no such key", example_study: "b" },
      { verdict: "retry", error_class: "Unavailable", count: 1, example: "503", example_study: "b" },
    ])
  })

  test("do not hide warnings and wrong bytes", () => {
    using bench = knownLedger()
    expect(warnings(bench.ledger, 5)).toEqual([
      { study_id: "f", key: "org/f/metadata.json", detail: "no DICM at byte 128" },
    ])
    expect(wrongBytes(bench.ledger)).toEqual([])
    const claim = mustClaim(bench.ledger, bench.runId, "e")
    const wrong = { ...FAILED, errorClass: "WrongBytesRemain", wrongGeneration: "77" }
    settle(bench.ledger, claim, beginAll(bench.ledger, claim)[1]!, wrong)
    expect(wrongBytes(bench.ledger)).toEqual([{ study_id: "e", key: "org/e/reports/r1.txt", detail: "77" }])
  })
})

test("throughput says for each hour, newest first, what was moved and how fast", () => {
  using bench = knownLedger()
  expect(rows(bench.ledger, "select * from throughput")).toEqual([
    { hour: "2026-03-01T03:00Z", copied: 1, adopted: 0, failed: 0, sent: "2.5 MB", mean_rate: "0.00 MB/s" },
    { hour: "2026-03-01T02:00Z", copied: 5, adopted: 0, failed: 3, sent: "0.0 MB", mean_rate: "0.00 MB/s" },
  ])
  expect(lastHours(bench.ledger, 1)).toEqual([
    { hour: "2026-03-01T03", copied: 1, adopted: 0, failed: 0, bytes: 2_500_000 },
  ])
})

test("recent_runs says what ran, newest first, for how long and how it ended", () => {
  using bench = knownLedger()
  const common = { script: "copy", arguments: '["--limit","3"]' }
  expect(rows(bench.ledger, "select * from recent_runs")).toEqual([
    {
      ...common,
      run_id: 3,
      started_at: "2026-03-01T03:01:30.500Z",
      duration: "running",
      outcome: "running on box, pid 7",
      counts: null,
    },
    {
      ...common,
      run_id: 2,
      started_at: "2026-03-01T02:01:00.000Z",
      duration: "30.5 s",
      outcome: "failed",
      counts: '{"studies":2}',
    },
    {
      ...common,
      run_id: 1,
      started_at: "2026-03-01T02:00:00.000Z",
      duration: "90.5 s",
      outcome: "done",
      counts: "{}",
    },
  ])
  expect(openRuns(bench.ledger)).toEqual({
    running: [{ run_id: 3, script: "copy", started_at: "2026-03-01T03:01:30.500Z", host: "box", pid: 7 }],
    died: [],
  })
})

describe("study_timeline", () => {
  const timeline = (studyId: string) => {
    using bench = knownLedger()
    return studyTimeline(bench.ledger, studyId).map(
      ({ at, what, detail }) => `${at.slice(11, 19)} ${what}: ${detail}`,
    )
  }

  test("tells a study from its discovery to its receipt", () => {
    expect(timeline("a")).toEqual([
      "02:00:00 discovered: organization org, modalities CR",
      "02:00:00 eligible: cohort 1",
      "02:01:00 copied: metadata.json, try 1 of run 2, 1000 bytes",
      "02:01:00 copied: reports/r1.txt, try 1 of run 2, 1000 bytes",
      "02:01:00 copied: dicom_files/s/i1.dcm, try 1 of run 2, 1000 bytes",
      "02:01:00 copied: dicom_files/s/i2.dcm, try 1 of run 2, 1000 bytes",
      "02:01:00 complete: receipt written under generation 9",
    ])
  })

  test("tells what went wrong, what is under way and why a study was left", () => {
    expect(timeline("b")).toContain("02:01:00 failed: reports/r1.txt, try 1 of run 2: Unavailable: 503")
    expect(timeline("c").at(-1)).toBe("03:01:30 withdrawn: not a demo organization")
    expect(timeline("f")).toContain("03:01:30 claimed: by run 3 until 2026-03-01T03:02:30.500Z")
    expect(timeline("f")).toContain("03:01:30 begun: reports/r1.txt, try 1 of run 3")
  })

  test("of a study that the ledger does not know is empty", () => {
    expect(timeline("nobody")).toEqual([])
  })
})

test("The ledger tells its own version and SQLite's", () => {
  using bench = testLedger()
  expect(ledgerVersions(bench.ledger)).toEqual({
    sqlite: expect.stringMatching(/^3\.\d+\.\d+$/),
    ledger_schema: expect.any(Number),
  })
})
