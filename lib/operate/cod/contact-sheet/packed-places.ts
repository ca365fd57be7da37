import type { SeriesPlace } from "../../../cod/index.ts"
import { seriesOfStudy } from "../../../ledger/cod/study-series.ts"
import { openLedger } from "../../../ledger/open.ts"
import { studyById } from "../../../ledger/studies.ts"
import { requireLedger } from "../../../pipeline/deps.ts"
import { pinnedPlaces } from "../../../pipeline/ingest/pinned.ts"
import { placeOf } from "../../../pipeline/ingest/series-place.ts"
import { UsageError } from "../../../support/errors.ts"
import { NotThere } from "../explain.ts"
import type { CodStart } from "../start.ts"

/**
 * Where the series lie that files of a study were packed into, by the ledger of this box.
 * @throws UsageError without a ledger, or when it packs with another key; NotThere for a study that it does not know, or of
 *   which nothing is packed; LedgerUnusable, LedgerBusy
 */
export function packedPlaces(studyId: string, { ledger: place, cod }: CodStart["config"]): SeriesPlace[] {
  if (place === undefined) throw new UsageError(`"${studyId}" is a study of a ledger, and none is configured`)
  requireLedger(place.path)
  using ledger = openLedger(place.path, { readonly: true })
  const tells = `bun scripts/why.ts ${studyId}`
  return ledger.read(() => {
    if (studyById(ledger, studyId) === undefined) {
      throw new NotThere(
        `the ledger does not know study ${studyId}`,
        `${tells} tells what the database has of it. The id is that of pacs_studies, not the StudyInstanceUID.`,
      )
    }
    const places = pinnedPlaces(ledger, cod.uidHashKey)
    const packed = seriesOfStudy(ledger, studyId).filter(({ packed }) => packed > 0)
    if (places === undefined || packed.length === 0) {
      throw new NotThere(`nothing of study ${studyId} is packed`, `${tells} tells why.`)
    }
    return packed.map((uids) => placeOf(places, uids))
  })
}
