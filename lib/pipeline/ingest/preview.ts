import { type PackingWork, packingWork } from "../../ledger/cod/outlook.ts"
import { studiesToPack } from "../../ledger/cod/series.ts"
import type { Ledger } from "../../ledger/open.ts"

/** What an ingest would find to do, as far as the ledger knows; nothing is asked and nothing recorded. */
export function previewIngest(
  ledger: Ledger,
  { studyIds = [], limit }: { readonly studyIds?: readonly string[]; readonly limit?: number | undefined },
): PackingWork {
  if (studyIds.length > 0) return packingWork(ledger, studyIds)
  return packingWork(ledger, limit === undefined ? undefined : studiesToPack(ledger, limit))
}
