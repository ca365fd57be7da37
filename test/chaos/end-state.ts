import { expect } from "bun:test"
import { readdirSync } from "node:fs"
import { organizations, studiesOf } from "../../lib/ledger/study-lists.ts"
import { wrongTotals } from "../../lib/ledger/totals.ts"
import { rows } from "../support/ledger.ts"
import { DESTINATION, type Site } from "./site.ts"

/** What must be true once everything was copied, however often it was interrupted on the way. */
export function expectAllCopiedOnce(site: Site) {
  expectWhole(site)
  expectCreatedOnce(site)
  expectLedgerSound(site)
  expect(readdirSync(site.spool)).toEqual([])
}

/** Series are looked at where they are packed amid kills (`ingest-kill.test.ts`). */
const isCopied = (key: string | undefined) => key?.startsWith("cod/dicomweb/") === false

/** The destination holds what is planned and receipts, each byte as at the origin, and nothing else. */
function expectWhole({ cloud, expected }: Site) {
  const keys = cloud.keys(DESTINATION).filter(isCopied)
  expect(keys.filter((key) => !key.startsWith("_receipts/"))).toEqual([...expected.keys()].sort())
  const different = [...expected].filter(([key, wanted]) => {
    const { bytes } = cloud.get(DESTINATION, key)!
    return wanted instanceof Uint8Array
      ? Buffer.compare(wanted, bytes) !== 0
      : JSON.parse(new TextDecoder().decode(bytes)).study_id !== key.split("/")[1]
  })
  expect(different).toEqual([])
}

/**
 * Every key was created once and never touched again, by whichever process. But a receipt is written anew when the header of
 * a file became known later: of one that a killed process brought, and whose body was not read again.
 */
function expectCreatedOnce({ cloud }: Site) {
  const effects = cloud.log.entries.filter(({ effect, key }) => effect !== undefined && isCopied(key))
  const created = effects.filter(({ effect }) => effect === "created")
  const later = effects.filter(({ effect }) => effect !== "created")
  expect(later.filter(({ key }) => !key!.startsWith("_receipts/"))).toEqual([])
  expect(created.map(({ key }) => key!).sort()).toEqual(cloud.keys(DESTINATION).filter(isCopied).sort())
}

function expectLedgerSound(site: Site) {
  using ledger = site.openLedger()
  expect(rows(ledger, "pragma integrity_check")).toEqual([{ integrity_check: "ok" }])
  expect(rows(ledger, "pragma foreign_key_check")).toEqual([])
  expect(wrongTotals(ledger)).toEqual([])
  expect(rows(ledger, "select * from claims")).toEqual([])
  const studies = organizations(ledger).flatMap((id) => [...studiesOf(ledger, id)])
  expect(studies.filter(({ completedAt, due }) => completedAt === null || due === 1)).toEqual([])
  const receipts = studies.map((study) => `_receipts/${study.organizationId}/${study.studyId}.json`)
  expect(site.cloud.keys(DESTINATION, "_receipts/")).toEqual(receipts.sort())
}
