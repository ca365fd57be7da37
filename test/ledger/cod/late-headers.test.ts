import { expect, test } from "bun:test"
import { recordHeader } from "../../../lib/ledger/cod/headers.ts"
import { recordLateHeader } from "../../../lib/ledger/cod/late-headers.ts"
import { packedSeriesOf } from "../../../lib/ledger/cod/standing.ts"
import { objectAt } from "../../../lib/ledger/objects.ts"
import { recordStudy, studyById } from "../../../lib/ledger/studies.ts"
import { complete } from "../../support/copying.ts"
import { chestStudy, testLedger } from "../../support/ledger.ts"

const HEADER = {
  studyUid: "1.2",
  seriesUid: "1.2.3",
  instanceUid: "1.2.3.4",
  transferSyntax: "1.2.840.10008.1.2.1",
  frames: 1,
}

test("A header that is read when the receipt is written makes it stale, one that nobody can read does not", () => {
  using bench = testLedger()
  const { ledger } = bench
  recordStudy(ledger, chestStudy("a"), bench.cohortId)
  complete(bench, "a")
  const late = (result: Parameters<typeof recordLateHeader>[3]) =>
    ledger.write((tally) => recordLateHeader(ledger, tally, objectAt(ledger, "a", 2)!, result))
  late({ error: "not DICOM" })
  expect(studyById(ledger, "a")).toMatchObject({ receiptStale: 0, due: 0 })
  late(HEADER)
  expect(studyById(ledger, "a")).toMatchObject({ receiptStale: 1, due: 1, completedAt: null })
})

test("A series that is not packed is none of a study's packed ones", () => {
  using bench = testLedger()
  const { ledger } = bench
  recordStudy(ledger, chestStudy("a"), bench.cohortId)
  complete(bench, "a")
  ledger.write((tally) => recordHeader(ledger, tally, { studyId: "a", position: 2 }, HEADER))
  expect(packedSeriesOf(ledger, "a")).toEqual([])
  ledger.db.run("update cod_series set metadata_generation = '1'")
  expect(packedSeriesOf(ledger, "a")).toEqual([1])
  expect(packedSeriesOf(ledger, "b")).toEqual([])
})
