import { describe, expect, test } from "bun:test"
import { endRun } from "../../../lib/ledger/runs.ts"
import { recordStudy } from "../../../lib/ledger/studies.ts"
import { describeEstimate, estimateCopy } from "../../../lib/pipeline/copy/estimate.ts"
import { COPIED, complete, copyHeld, FAILED, GIVEN_UP } from "../../support/copying.ts"
import { openHospital } from "../../support/hospital.ts"
import {
  chestStudy,
  image,
  metadata,
  mustClaim,
  newRun,
  report,
  type TestLedger,
  testLedger,
} from "../../support/ledger.ts"
import { script } from "../../support/scripts.ts"

/** Images of 1,000 and 3,000 bytes and one of unknown size. */
const OBJECTS = [
  metadata(),
  report("r"),
  { ...image("i1"), expectedSize: 1_000 },
  { ...image("i2"), expectedSize: 3_000 },
  image("i3"),
]

function ledgerWith(...studyIds: string[]): TestLedger {
  const bench = testLedger()
  for (const id of studyIds) recordStudy(bench.ledger, chestStudy(id, { objects: OBJECTS }), bench.cohortId)
  return bench
}

/** A run that is over and told what it did. */
function ran(
  { ledger }: TestLedger,
  { objects, bytes, seconds }: { objects: number; bytes: number; seconds: number },
) {
  const counts = {
    bytes,
    seconds,
    dicom_files_uploaded: objects - 2,
    reports_uploaded: 1,
    metadata_uploaded: 1,
  }
  endRun(ledger, newRun(ledger), "done", counts)
}

describe("an estimate", () => {
  test("adds up what a copy would find to do, and what of it is not known", () => {
    using bench = ledgerWith("a", "b")
    expect(estimateCopy(bench.ledger, {})).toEqual({
      studies: 2,
      objects: 10,
      expected_bytes: 8_000,
      unknown_sizes: 2,
      expected_seconds: null,
      egress_usd: null,
    })
  })

  test("leaves out what is done and what was given up, not what failed for a passing reason", () => {
    using bench = ledgerWith("done", "given-up", "both", "again", "waiting")
    const { ledger, runId } = bench
    complete(bench, "done")
    complete(bench, "given-up", { failing: [2], as: GIVEN_UP })
    complete(bench, "again", { failing: [3], as: FAILED })
    const ends = [COPIED, COPIED, FAILED, GIVEN_UP, COPIED]
    copyHeld(ledger, mustClaim(ledger, runId, "both"), (position) => ends[position]!)
    expect(estimateCopy(ledger, {})).toMatchObject({ studies: 3, objects: 7, expected_bytes: 8_000 })
  })

  test("of named studies is of those alone", () => {
    using bench = ledgerWith("a", "b", "c", "done")
    complete(bench, "done")
    expect(estimateCopy(bench.ledger, {}, ["a", "c", "done"])).toMatchObject({ studies: 2, objects: 10 })
    expect(estimateCopy(bench.ledger, {}, [])).toMatchObject({ studies: 0, objects: 0, expected_bytes: 0 })
  })

  test("takes as long as the slower of objects and bytes at the throughput of the last five runs", () => {
    using bench = ledgerWith("a")
    ran(bench, { objects: 1_000_000, bytes: 1e12, seconds: 1 })
    for (let n = 0; n < 5; n++) ran(bench, { objects: 10, bytes: 1_000_000, seconds: 20 })
    endRun(bench.ledger, newRun(bench.ledger), "done", { studies: 0, bytes: 0, seconds: 0.1 })
    endRun(bench.ledger, newRun(bench.ledger), "stopped", {})
    expect(estimateCopy(bench.ledger, {}).expected_seconds).toBeCloseTo(10)
    for (let n = 0; n < 5; n++) ran(bench, { objects: 1_000, bytes: 1_000, seconds: 10 })
    expect(estimateCopy(bench.ledger, {}).expected_seconds).toBeCloseTo(40)
  })

  test("takes longer under a limit, and costs what its bytes cost", () => {
    using bench = ledgerWith("a")
    ran(bench, { objects: 100_000, bytes: 1e9, seconds: 10 })
    const terms = { bytesPerSecond: 100, egressUsdPerGb: 90_000 }
    expect(estimateCopy(bench.ledger, terms)).toMatchObject({ expected_seconds: 40, egress_usd: 0.36 })
  })

  test("is told in words", () => {
    const known = { studies: 1_200, objects: 5_000, expected_bytes: 14e9, unknown_sizes: 0 }
    expect(describeEstimate({ ...known, expected_seconds: null, egress_usd: null })).toBe(
      "1,200 studies, 5,000 objects, 14 GB",
    )
    expect(describeEstimate({ ...known, unknown_sizes: 1, expected_seconds: 7_500, egress_usd: 1.256 })).toBe(
      "1,200 studies, 5,000 objects, 14 GB and 1 image of unknown size; about 2 h 5 min, going by the last runs; " +
        "about 1.26 USD of egress",
    )
    expect(describeEstimate({ ...known, expected_seconds: null, egress_usd: 0 })).toEndWith(
      "; less than 0.01 USD of egress",
    )
    expect(describeEstimate({ ...known, studies: 0, objects: 0, expected_seconds: 0, egress_usd: 0 })).toBe(
      "nothing",
    )
  })
})

describe("before it begins", () => {
  test("a copy tells the estimate on stderr and in its document, a dry run too, and the rate of this run is the next one's", async () => {
    using hospital = await openHospital()
    hospital.env.EGRESS_USD_PER_GB = "1000000"
    await hospital.admit({ images: [{ file_size: 400 }] })
    await hospital.admit({ images: [{ file_size: 400 }] })
    await hospital.discover()
    const first = await script(hospital, "copy", "--limit", "1")
    expect(first.stderr).toContain("to copy: 1 study, 3 objects, 400 B; about 0.40 USD of egress")
    const preview = await script(hospital, "copy", "--dry-run")
    expect(preview.stdout).toMatch(
      /^A copy would try 1 study, 3 objects, 400 B; about .+, going by the last runs; about 0\.40 USD of egress$/m,
    )
    const { stdout } = await script(hospital, "run", "--dry-run", "--json")
    expect(JSON.parse(stdout).copy.totals).toEqual({
      studies: 1,
      objects: 3,
      expected_bytes: 400,
      unknown_sizes: 0,
      expected_seconds: expect.any(Number),
      egress_usd: 0.4,
    })
    expect((await hospital.copy()).estimate).toMatchObject({ studies: 1, objects: 3, expected_bytes: 400 })
  })
})

describe("the objects of a study", () => {
  test("are begun largest first; what its receipt lists stays in order", async () => {
    using hospital = await openHospital()
    const sizes = [300, 500, 400]
    const study = await hospital.admit({ images: sizes.map((file_size) => ({ file_size })) })
    hospital.env.OBJECTS_IN_FLIGHT = "1"
    await hospital.discover()
    await hospital.copy()
    const [small, large, middle] = study.imageKeys as [string, string, string]
    const read = hospital.cloud.log.find({ bucket: hospital.origin, operation: "s3.get" })
    expect(read.map(({ key }) => key)).toEqual([
      large,
      middle,
      small,
      study.metadataKey,
      study.reportKeys[0]!,
    ])
    const listed = hospital.rows<{ path: string }>("select path from objects order by position")
    const receipt = JSON.parse(hospital.text(study.receiptKey))
    expect(receipt.objects).toMatchObject(listed)
  })
})
