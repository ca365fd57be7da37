import { instanceUri } from "../cod/index.ts"
import { completeStudies } from "../ledger/complete.ts"
import type { Ledger } from "../ledger/open.ts"
import { pinnedPlaces } from "../pipeline/ingest/pinned.ts"
import { keyOf, placeOf } from "../pipeline/ingest/series-place.ts"
import type { Stop } from "../support/stop.ts"
import { bytes, plural } from "../support/text.ts"
import { cohortLineOf } from "./cohorts.ts"
import type { Output } from "./manifest-output.ts"
import { DEFAULT_FORMAT, type InstancePlaces, type ManifestFormat, rowsOf } from "./manifest-rows.ts"

export interface ManifestOptions {
  /** Only studies that were eligible when this cohort was decided. */
  readonly cohort?: number | undefined
  /** One JSON document a line unless told. */
  readonly format?: ManifestFormat | undefined
  /** Of hashed UIDs, where series were packed with one. */
  readonly uidHashKey?: string | undefined
}

export interface ManifestReport {
  readonly studies: number
  /** One an image. */
  readonly rows: number
  readonly bytes: number
  /** Of what was written, as hex digits: the same ledger gives the same. */
  readonly sha256: string
}

/** Text is handed on in pieces of about this many characters. */
const PIECE = 256 * 1024

/**
 * Writes one row an image of every complete study, in the order of organization, study and position. The same ledger
 * gives the same bytes; memory does not grow with the number of rows.
 * @throws UsageError for a cohort that the ledger does not know, or a key that is not the one of the packed series
 * @throws whatever the stop was requested with
 */
export async function writeManifest(
  ledger: Ledger,
  output: Output,
  { cohort, format = DEFAULT_FORMAT, uidHashKey }: ManifestOptions,
  stop: Stop,
): Promise<ManifestReport> {
  if (cohort !== undefined) cohortLineOf(ledger, cohort)
  const places = instancePlaces(ledger, uidHashKey)
  const hash = new Bun.CryptoHasher("sha256")
  const report = { studies: 0, rows: 0, bytes: 0 }
  let piece = format.header

  const handOn = async () => {
    const bytes = Buffer.from(piece)
    piece = ""
    hash.update(bytes)
    report.bytes += bytes.length
    await output.write(bytes)
    stop.requested.throwIfAborted()
  }

  for (const study of completeStudies(ledger, cohort)) {
    report.studies += 1
    for (const row of rowsOf(study, places)) {
      report.rows += 1
      piece += format.line(row)
      if (piece.length >= PIECE) await handOn()
    }
  }
  await handOn()
  return { ...report, sha256: hash.digest("hex") }
}

/** Undefined before anything is packed. @throws UsageError */
function instancePlaces(ledger: Ledger, uidHashKey: string | undefined): InstancePlaces | undefined {
  const datastore = pinnedPlaces(ledger, uidHashKey)
  if (datastore === undefined) return undefined
  return (uids) => instanceUri(placeOf(datastore, uids), keyOf(datastore, uids.instanceUid))
}

export function renderManifest({ studies, rows, bytes: size, sha256 }: ManifestReport): string {
  return `${plural(rows, "row")} of ${plural(studies, "study", "studies")}, ${bytes(size)}, SHA-256 ${sha256}`
}
