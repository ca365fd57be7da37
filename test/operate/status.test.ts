import { describe, expect, test } from "bun:test"
import { beginAttempts } from "../../lib/ledger/attempts.ts"
import { claimNext } from "../../lib/ledger/claims.ts"
import { LEDGER_VERSION } from "../../lib/ledger/migrate.ts"
import { objectAt } from "../../lib/ledger/objects.ts"
import { renewRun } from "../../lib/ledger/runs.ts"
import { recordStudy } from "../../lib/ledger/studies.ts"
import { copyingSpans, openRuns } from "../../lib/ledger/views.ts"
import { failuresOf, statusOf, timelineOf, versionsOf } from "../../lib/operate/status.ts"
import { renderStatus } from "../../lib/operate/status-render.ts"
import { UsageError } from "../../lib/support/errors.ts"
import { thisProcess } from "../../lib/support/owner.ts"
import { VERSION } from "../../lib/support/version.ts"
import { FAILED, settle } from "../support/copying.ts"
import { knownLedger } from "../support/known-ledger.ts"
import { chestStudy, HOUR, mustClaim, newRun, type TestLedger, testLedger } from "../support/ledger.ts"
import { HANGING_URI, packingLedger } from "../support/packing-ledger.ts"

/** Wrong bytes of study e stand at the destination, and were not to be deleted. */
function withWrongBytes(): TestLedger {
  const bench = knownLedger()
  const claim = mustClaim(bench.ledger, bench.runId, "e")
  const [attempt] = beginAttempts(bench.ledger, claim, [objectAt(bench.ledger, "e", 2)!])
  settle(bench.ledger, claim, attempt!, { ...FAILED, errorClass: "WrongBytesRemain", wrongGeneration: "17" })
  return bench
}

const sectionsOf = (text: string) => text.split("\n\n").map((section) => section.split("\n")[0])

describe("status", () => {
  test("tells a run whose process is gone from one that works: neither running nor holding anything", () => {
    using bench = testLedger()
    const runId = newRun(bench.ledger, { ...thisProcess(), processStart: "of another process" })
    recordStudy(bench.ledger, chestStudy("a"), bench.cohortId)
    expect(claimNext(bench.ledger, runId)?.studyId).toBe("a")
    const status = statusOf(bench.ledger)
    expect(status.running.map(({ run_id }) => run_id)).not.toContain(runId)
    expect(status.died).toMatchObject([{ run_id: runId }])
    expect(status.claims).toEqual([])
    expect(sectionsOf(renderStatus(status))).toContain(
      "Died without a word; the next copy takes over what they held",
    )
  })

  test("tells progress, runs, claims, failures by verdict, warnings and the last hours", () => {
    using bench = knownLedger()
    const status = statusOf(bench.ledger)
    expect(status.wrong_bytes).toEqual([])
    expect(status.progress.map(({ item }) => item)).toContain("objects retired")
    expect(status.running).toMatchObject([{ script: "copy", host: "box", pid: 7 }])
    expect(status.claims).toMatchObject([{ studyId: "f", host: "box", pid: 7 }])
    expect(
      status.failures.map(({ verdict, error_class, count }) => [verdict, error_class, count]).sort(),
    ).toEqual([
      ["give-up", "DestinationConflict", 2],
      ["missing", "NotFound", 1],
      ["retry", "Unavailable", 1],
    ])
    expect(status.warnings).toEqual([
      { study_id: "f", key: expect.stringMatching(/^org\/f\//), detail: "no DICM at byte 128" },
    ])
    expect(status.last_hours).toHaveLength(2)
  })

  test("begins with wrong bytes that nobody could delete, with the generation to delete", () => {
    using bench = withWrongBytes()
    const status = statusOf(bench.ledger)
    expect(status.wrong_bytes).toEqual([{ study_id: "e", key: "org/e/dicom_files/s/i1.dcm", detail: "17" }])
    const text = renderStatus(status)
    expect(sectionsOf(text)[0]).toContain("WRONG BYTES")
    expect(text.split("\n").slice(1, 3).join()).toContain("org/e/dicom_files/s/i1.dcm")
  })

  test("tells which locks hang, since when, why, and what ends it", () => {
    using bench = packingLedger()
    const status = statusOf(bench.ledger)
    const text = renderStatus(status)
    expect(sectionsOf(text)[0]).toStartWith("HANGING LOCKS")
    expect(text).toContain("bun run cod check")
    expect(status.hanging_locks).toMatchObject([
      {
        series_uri: HANGING_URI,
        why: "TarDisagreesError: tar and metadata disagree",
        generations: '{".cod.lock":"17"}',
        what_next: expect.stringContaining(`locks release ${HANGING_URI} --why`),
      },
    ])
    expect(status.progress.map(({ item, count, of }) => `${item}: ${count} of ${of}`)).toEqual(
      expect.arrayContaining(["series packed: 1 of 3", "series waiting: 1 of 3", "series failed: 1 of 3"]),
    )
  })

  test("leaves out what there is nothing of", () => {
    using bench = testLedger()
    bench.ledger.db.run("update runs set ended_at = started_at, outcome = 'done'")
    expect(sectionsOf(renderStatus(statusOf(bench.ledger)))).toEqual(["Progress"])
  })

  test("of what is under way tells the rate while runs were at work, and when the rest will be done", () => {
    using bench = knownLedger()
    bench.clock.advance(69_500)
    renewRun(bench.ledger, 3)
    // Six objects in 160 s: 90.5 s until the first copies had ended, 69.5 s of the one that runs, none of the idle hour.
    expect(statusOf(bench.ledger).rate).toEqual({
      objects_per_second: 0.0375,
      bytes_per_second: 15_700,
      eta_seconds: Math.round(19 / (6 / 160)),
    })
    expect(renderStatus(statusOf(bench.ledger))).toContain(
      "0.0375 objects/s, 16 kB/s, what waits is copied in 8 min 27 s",
    )
  })

  test("counts runs that were at work at the same time once", () => {
    using bench = knownLedger()
    const { started_at } = bench.ledger.db
      .query<{ started_at: string }, []>("select started_at from runs where ended_at is null")
      .get()!
    bench.clock.advance(69_500)
    renewRun(bench.ledger, 3)
    bench.ledger.db.run(
      `insert into runs (script, arguments, version, host, boot_id, pid, process_start, started_at)
       values ('copy', '[]', '1', 'h', 'b', 1, '1', '${started_at}')`,
    )
    expect(statusOf(bench.ledger).rate).toMatchObject({ bytes_per_second: 15_700 })
  })

  test("counts a run that gives no sign of life any more until its last one", () => {
    using bench = knownLedger()
    bench.clock.advance(24 * HOUR)
    expect(openRuns(bench.ledger)).toMatchObject({ running: [], died: [{ run_id: 3 }] })
    expect(copyingSpans(bench.ledger, "2026-03-01T03:00:00.000Z")).toEqual([
      { from: "2026-03-01T03:01:30.500Z", to: "2026-03-01T03:02:30.500Z" },
    ])
  })

  test("tells no rate while nothing runs, and no end before anything was moved", () => {
    using bench = testLedger()
    expect(statusOf(bench.ledger).rate).toEqual({
      objects_per_second: 0,
      bytes_per_second: 0,
      eta_seconds: null,
    })
    bench.clock.advance(HOUR)
    bench.ledger.db.run("update runs set ended_at = started_at, outcome = 'done'")
    expect(statusOf(bench.ledger).rate).toBeNull()
  })
})

test("failures are listed one by one, with what happens next", () => {
  using bench = knownLedger()
  const list = failuresOf(bench.ledger)
  expect(list).toHaveLength(4)
  for (const { what_next } of list) expect(what_next).not.toBe("")
})

test("a study has its timeline; one that the ledger does not know is a usage error", () => {
  using bench = knownLedger()
  const what = timelineOf(bench.ledger, "a").map((line) => line.what)
  expect(what[0]).toBe("discovered")
  expect(what.at(-1)).toBe("complete")
  expect(() => timelineOf(bench.ledger, "nobody")).toThrow(UsageError)
})

test("versions tell the tool, Bun, SQLite, zstd and the ledger's schema", () => {
  using bench = testLedger()
  expect(versionsOf(bench.ledger)).toEqual({
    tool: VERSION,
    bun: Bun.version,
    sqlite: expect.stringMatching(/^3\./),
    zstd: expect.stringMatching(/^(?:zstd-napi|Bun) /),
    ledger_schema: LEDGER_VERSION,
  })
})
