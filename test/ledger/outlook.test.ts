import { describe, expect, test } from "bun:test"
import { outlookOf } from "../../lib/ledger/outlook.ts"
import { knownLedger } from "../support/known-ledger.ts"

describe("The outlook of a study", () => {
  test("counts its objects by kind and state, and lists those in trouble with their next try", () => {
    using bench = knownLedger()
    expect(outlookOf(bench.ledger, "b")).toMatchObject({
      study: { studyId: "b", standing: "eligible" },
      firstSeenAt: "2026-03-01T02:00:00.000Z",
      nextTryAt: null,
      objects: [
        { kind: "metadata", state: "copied", count: 1, bytes: 1000 },
        { kind: "report", state: "failed", count: 1, bytes: 0 },
        { kind: "dicom", state: "missing", count: 1, bytes: 0 },
        { kind: "dicom", state: "failed", count: 1, bytes: 0 },
      ],
      troubled: [
        { path: "reports/r1.txt", verdict: "retry", tries: 1, nextTryAt: "2026-03-01T03:01:00.000Z" },
        { verdict: "missing", errorClass: "NotFound", missingSince: "2026-03-01T02:01:00.000Z" },
        { verdict: "give-up", errorClass: "DestinationConflict", nextTryAt: null },
      ],
    })
  })

  test("tells who holds it, and of a study that nobody holds that nobody does", () => {
    using bench = knownLedger()
    expect(outlookOf(bench.ledger, "f")?.claim).toMatchObject({ host: "box", pid: 7 })
    expect(outlookOf(bench.ledger, "e")?.claim).toBeUndefined()
  })

  test("is undefined for a study that the ledger does not know", () => {
    using bench = knownLedger()
    expect(outlookOf(bench.ledger, "nobody")).toBeUndefined()
  })
})
