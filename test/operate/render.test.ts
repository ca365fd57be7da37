import { describe, expect, test } from "bun:test"
import {
  renderCopy,
  renderDiscover,
  renderPreview,
  renderRun,
  renderRunPreview,
} from "../../lib/operate/render.ts"
import { statusOf } from "../../lib/operate/status.ts"
import { renderFailures, renderStatus, renderTimeline } from "../../lib/operate/status-render.ts"
import { renderVerify } from "../../lib/operate/verify-render.ts"
import type { CopyReport } from "../../lib/pipeline/copy/copy.ts"
import type { DiscoverReport } from "../../lib/pipeline/discover/discover.ts"
import { knownLedger } from "../support/known-ledger.ts"

/** Clears a screen, forges a line, turns text around, and is otherwise a usual key with quotes, % and emoji. */
const NASTY = 'x\u001b[2J\nforged: "all copied"\u202e 100 % \u{1fac1}'
const SHOWN = 'x\\x1b[2J\\nforged: "all copied"\\u202e 100 % \u{1fac1}'

const TOTALS: CopyReport["totals"] = {
  studies: 2,
  succeeded: 1,
  failed: 1,
  dicom_files_uploaded: 3,
  reports_uploaded: 1,
  metadata_uploaded: 1,
  skipped: 4,
  bytes: 2_500_000,
  series_packed: 0,
  instances_new: 0,
  instances_same: 0,
  instances_conflict: 0,
  thumbnails_made: 0,
  thumbnails_failed: 0,
  warnings: 1,
  seconds: 2.5,
  held_by_others: 1,
}

const ESTIMATE: CopyReport["estimate"] = {
  studies: 1,
  objects: 3,
  expected_bytes: 1500,
  unknown_sizes: 0,
  expected_seconds: null,
  egress_usd: null,
}

const RESULT: CopyReport["studies"][number] = {
  study_id: "failed-study",
  organization_id: "org",
  success: false,
  dicom_files_uploaded: 0,
  reports_uploaded: 0,
  metadata_uploaded: false,
  errors: [NASTY, "second"],
  skipped: 0,
  bytes: 0,
  seconds: 1,
}

const DISCOVERY: DiscoverReport = {
  cohort: 7,
  ranking: [
    { rank: 1, user_id: "anna", studies: 1200 },
    { rank: 2, user_id: "bruno", studies: 20 },
  ],
  funnel: [{ rule: "exists", studies: 5000 }],
  studies: { new: 1, changed: 2, unchanged: 3, withdrawn: 4, out_of_cohort: 5, eligible: 6 },
}

describe("a copy's report", () => {
  test("names what is not complete first, then sums up, then says where to look", () => {
    const done = { ...RESULT, study_id: "done", success: true, errors: [] }
    expect(renderCopy({ studies: [done, RESULT], totals: TOTALS })).toBe(
      [
        "not complete: failed-study",
        `  ${SHOWN}`,
        "  second",
        "2 studies: 1 complete, 1 not",
        "5 objects uploaded (3 DICOM files, 1 report, 1 metadata), 4 were there already",
        "2.5 MB in 2.5 s",
        "1 more study: another run is working on them.",
        "1 warning: see the log, and bun run status",
        "What failed and what happens next: bun run status --failures",
      ].join("\n"),
    )
  })

  test("sends nobody to the ledger for a study that it does not know", () => {
    const unknown = { ...RESULT, organization_id: null, errors: ["the database has no such study"] }
    expect(renderCopy({ studies: [unknown], totals: TOTALS })).not.toContain("--failures")
  })

  test("of nothing says just that", () => {
    const nothing = { ...TOTALS, studies: 0, failed: 0, warnings: 0, held_by_others: 0 }
    expect(renderCopy({ studies: [], totals: nothing })).toBe("Nothing left to do.")
    expect(renderCopy({ studies: [], totals: { ...nothing, held_by_others: 2 } })).toBe(
      "Nothing left to do here.\n2 more studies: another run is working on them.",
    )
  })
})

describe("a copy's report", () => {
  test("says which limit ended it, and what that left", () => {
    const left = { left_studies: 1200, left_objects: 3600, left_bytes: 9e9 }
    const totals = { ...TOTALS, failed: 0, held_by_others: 0, warnings: 0 }
    const lines = renderCopy({ studies: [], totals: { ...totals, ended_by: "max_bytes", ...left } })
    expect(lines).toEndWith(
      "\nEnded by --max-bytes; left for the next copy: 1,200 studies, 3,600 objects, 9.0 GB",
    )
    const atOnce = renderCopy({ studies: [], totals: { ...totals, studies: 0, ended_by: "until", ...left } })
    expect(atOnce).toStartWith("Ended by --until;")
  })

  test("counts what is not complete beyond what it lists", () => {
    const text = renderCopy({ studies: [RESULT], totals: { ...TOTALS, failed: 3 } })
    expect(text).toContain("  second\nnot complete: 2 more studies\n")
  })
})

describe("a discovery's report", () => {
  test("has ranking with the chosen marked, funnel and changes", () => {
    const text = renderDiscover(DISCOVERY, { from: 2, to: 6 })
    expect(text).toMatch(/^1 +anna +1,200\n2 \* +bruno +20$/m)
    expect(text).toMatch(/^exists +5,000$/m)
    expect(text).toContain("Studies, cohort 7")
    for (const line of ["new", "changed", "unchanged", "withdrawn", "out of cohort", "eligible"])
      expect(text).toMatch(new RegExp(`^${line} +[1-6]$`, "m"))
  })

  test("of a dry run says that nothing is recorded", () => {
    expect(renderDiscover({ ...DISCOVERY, cohort: null }, { from: 2, to: 6 })).toContain(
      "dry run, nothing recorded",
    )
  })

  test("stands before the copy's in a run's", () => {
    const text = renderRun(
      {
        discovery: DISCOVERY,
        copy: { estimate: ESTIMATE, studies: [], totals: { ...TOTALS, studies: 0, failed: 0, warnings: 0 } },
        ingest: undefined,
      },
      { from: 2, to: 6 },
    )
    expect(text.indexOf("Ranking")).toBeLessThan(text.indexOf("Nothing left to do"))
  })
})

describe("previews", () => {
  const preview = {
    studies: [{ study_id: "s", organization_id: "o", objects: 3, expected_bytes: 1500, unknown_sizes: 0 }],
    left_out: [{ study_id: "gone", reason: NASTY }],
    totals: ESTIMATE,
  }

  test("tell what a copy would try and what it would leave out", () => {
    const text = renderPreview(preview)
    expect(text).toStartWith(`left out: gone: ${SHOWN}\n`)
    expect(text).toEndWith("\nA copy would try 1 study, 3 objects, 1.5 kB")
  })

  test("of a run tell what it would discover, too", () => {
    const text = renderRunPreview(
      { discovery: { ...DISCOVERY, cohort: null }, copy: preview },
      { from: 2, to: 6 },
    )
    expect(text).toContain("nothing recorded")
    expect(text).toContain("A copy would try")
  })
})

describe("a verify's report", () => {
  const report = {
    studies: 3,
    objects: 9,
    bytes: 1000,
    series: 0,
    busy: 0,
    problems: [],
    queued: 0,
    finished: true,
  }
  const problem = {
    study_id: "s",
    key: NASTY,
    problem: "crc32c",
    expected: "AAAAAA==",
    found: "BBBBBB==",
  } as const

  test("says that all is well, or what is not", () => {
    expect(renderVerify(report, { dryRun: false })).toBe(
      "3 studies, 9 objects, 1.0 kB: all as the ledger says",
    )
    const text = renderVerify(
      { ...report, problems: [problem], queued: 1, busy: 2, finished: false },
      { dryRun: false },
    )
    expect(text.split("\n")).toEqual([
      expect.stringMatching(/^problem +key +expected +found$/),
      expect.stringContaining(SHOWN),
      "",
      "3 studies, 9 objects, 1.0 kB: 1 problem",
      "1 object queued again for copy to mend",
      "2 studies left out: another run is working on them",
      "stopped before the end",
    ])
  })

  test("of a dry run says what would be queued", () => {
    expect(renderVerify({ ...report, problems: [problem], queued: 1 }, { dryRun: true })).toContain(
      "1 object would be queued again for copy to mend",
    )
  })
})

test("nothing from outside reaches the terminal as it is: keys, messages, warnings, hosts", () => {
  using bench = knownLedger()
  const { db } = bench.ledger
  for (const change of [
    "update objects set path = path || ?, error_message = ?1 where error_class is not null",
    "update objects set warning = ? where warning is not null",
    "update runs set host = ?",
    "update studies set error_message = ? where verdict is not null",
  ])
    db.query(change).run(NASTY)
  const screens = [
    renderStatus(statusOf(bench.ledger)),
    renderFailures([
      {
        verdict: "retry",
        error_class: "Unavailable",
        study_id: "s",
        path: NASTY,
        tries: 2,
        next_try_at: null,
        error_message: NASTY,
        what_next: "tried again by the next run",
      },
    ]),
    renderTimeline([{ at: "2026-03-01T02:00:00.000Z", what: "failed", detail: NASTY }]),
  ]
  for (const screen of screens) {
    expect(screen).toContain(SHOWN)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    expect(screen).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/)
    expect(screen.split("\n").some((line) => line.startsWith("forged"))).toBe(false)
  }
})

test("the ids of runs and processes stand as a shell takes them", () => {
  using bench = knownLedger()
  const run = {
    run_id: 1234,
    script: "copy",
    started_at: "2026-01-01T00:00:00.000Z",
    host: "box",
    pid: 29921,
  }
  const times = { acquiredAt: "2026-01-01T00:00:00.000Z", expiresAt: "2026-01-01T00:01:00.000Z" }
  const claim = { studyId: "s", runId: 5678, host: "box", pid: 31337, ...times }
  const shown = renderStatus({ ...statusOf(bench.ledger), running: [run], claims: [claim] })
  for (const id of ["1234", "29921", "5678", "31337"]) expect(shown).toMatch(new RegExp(`\\b${id}\\b`))
})

test("no failures are told in words", () => {
  expect(renderFailures([])).toBe("No failures.")
})
