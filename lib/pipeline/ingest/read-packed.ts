import { CODError, CODObject, instanceUri } from "../../cod/index.ts"
import { seriesByNo } from "../../ledger/cod/series.ts"
import type { LedgerObject } from "../../ledger/objects.ts"
import type { Ledger } from "../../ledger/open.ts"
import type { LedgerStudy } from "../../ledger/studies.ts"
import { crc32cBase64 } from "../../support/checksums.ts"
import { objectKey } from "../layout.ts"
import type { Problem } from "../verify/problem.ts"
import { keyOf, placeOf } from "./series-place.ts"
import type { PackedPlaces } from "./series-standing.ts"

/** Reads, out of the tars of their series, files of a study whose raw copies were deleted, and hashes them. */
export async function readPacked(
  { ledger, packed }: { readonly ledger: Ledger; readonly packed: PackedPlaces },
  study: LedgerStudy,
  objects: readonly LedgerObject[],
  signal: AbortSignal,
): Promise<Problem[]> {
  const problems: Problem[] = []
  for (const [seriesNo, files] of Map.groupBy(objects, (object) => object.seriesNo!)) {
    const place = placeOf(packed, seriesByNo(ledger, seriesNo)!)
    for (const { path, crc32c, sopInstanceUid } of files) {
      const key = keyOf(packed, sopInstanceUid!)
      const found = await crc32cIn({ ...place, store: packed.datastore }, key, signal)
      if (found === crc32c) continue
      // What is wrong is the tar's; what is queued for it is the copy.
      const facts = { expected: crc32c, found: found ?? `nothing readable at ${instanceUri(place, key)}` }
      problems.push({ study_id: study.studyId, key: objectKey(study, path), problem: "bytes", ...facts })
    }
  }
  return problems
}

async function crc32cIn(
  series: Omit<Parameters<typeof CODObject.open>[0], "lock">,
  key: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    await using cod = await CODObject.open({ ...series, lock: false }, signal)
    await using view = await cod.openInstance(key, signal)
    return crc32cBase64(await view.bytes())
  } catch (error) {
    if (error instanceof CODError) return undefined
    throw error
  }
}
