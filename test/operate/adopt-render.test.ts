import { expect, test } from "bun:test"
import { renderAdopt } from "../../lib/operate/adopt-render.ts"
import { renderRebuild, renderVerification } from "../../lib/operate/verify-render.ts"
import type { AdoptReport } from "../../lib/pipeline/adopt/adopt.ts"

const NONE = {
  not_there: 0,
  not_at_origin: 0,
  size_differs: 0,
  checksum_differs: 0,
  no_common_checksum: 0,
}

const ADOPTED: AdoptReport = {
  studies: 25_000,
  adopted: { objects: 100_000, bytes: 1.2e12 },
  saved_usd: 108,
  not_adopted: NONE,
  left: [],
  busy: 0,
  failed: [],
  finished: true,
}

test("an adoption is told with its bytes and its money, and what becomes of the rest", () => {
  expect(renderAdopt(ADOPTED, { dryRun: false })).toBe(
    "25,000 studies compared: 100,000 objects adopted, 1.2 TB that need not be copied, 108 USD of egress saved\n" +
      "The next copy writes the receipts of what is complete now.",
  )
  const text = renderAdopt(
    {
      ...ADOPTED,
      saved_usd: 0.001,
      not_adopted: { ...NONE, not_there: 7, size_differs: 1 },
      left: [{ key: "org/study/a\u202e.dcm", reason: "size_differs" }],
      busy: 1,
      failed: [{ study_id: "study", error: "Unavailable: 503" }],
      finished: false,
    },
    { dryRun: true },
  )
  expect(text).toContain("org/study/a\\u202e.dcm  size differs")
  expect(text).toMatch(/not at the destination; copy brings it +7\n/)
  expect(text).toContain("would be adopted (dry run, nothing recorded)")
  expect(text).toContain("less than 0.01 USD")
  expect(text).toContain("1 study left out")
  expect(text).toContain("could not be compared: study: Unavailable: 503")
  expect(text).toContain("stopped before the end")
  expect(text).not.toContain("receipts")
})

test("without a price the money is not told, but how it would be", () => {
  expect(renderAdopt({ ...ADOPTED, saved_usd: null }, { dryRun: false })).toContain(
    "With EGRESS_USD_PER_GB set",
  )
})

test("what was pruned follows what was compared, and what stays says why", () => {
  const verified = {
    studies: 1,
    objects: 3,
    bytes: 900,
    series: 0,
    busy: 0,
    problems: [],
    queued: 0,
    finished: true,
  }
  const prune = {
    deleted: [{ key: "org/study/b.dcm", generation: "17", size: 400 }],
    bytes: 400,
    spared: [{ key: "org/study/c.dcm", reason: "not put there by this ledger" }],
  } as const
  const done = { ...verified, prune: { ...prune, deleted: [...prune.deleted], spared: [...prune.spared] } }
  expect(renderVerification(done, { dryRun: false })).toBe(
    [
      "1 study, 3 objects, 900 B: all as the ledger says",
      "",
      "deleted          generation  bytes",
      "org/study/b.dcm  17            400",
      "retired, but stays  because",
      "org/study/c.dcm     not put there by this ledger",
      "1 retired object deleted, 400 B",
    ].join("\n"),
  )
  expect(renderVerification(done, { dryRun: true })).toContain("1 retired object would be deleted, 400 B")
  expect(renderVerification(verified, { dryRun: false })).not.toContain("retired")
})

test("a rebuilt ledger says where it is, and what could not be used", () => {
  const report = {
    ledger: "/var/lib/etl/new.sqlite",
    studies: 2,
    objects: 8,
    bytes: 1000,
    series: 1,
    unusable: [{ key: "_receipts/org/notes.txt", reason: "not a receipt of this tool" }],
  }
  const text = renderRebuild(report, { dryRun: false })
  expect(text).toContain("_receipts/org/notes.txt  not a receipt of this tool")
  expect(text).toContain("2 studies, 8 objects, 1.0 kB, 1 packed series recorded in /var/lib/etl/new.sqlite")
  expect(renderRebuild(report, { dryRun: true })).toContain("no file made")
})
