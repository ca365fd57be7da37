import type { Hospital } from "../../lib/demo/seed.ts"
import type { SeedStudy } from "../../lib/demo/seed-study.ts"

/** What must stand under a key: these bytes, or a `metadata.json` that only the database could make. */
export type Expected = Uint8Array | "made from the database"

/** Every planned key of the demo's eligible studies, as the layout has it, receipts apart; the demo's ranks 2 to 6. */
export function expectedObjects(
  { studies }: Hospital,
  origin: ReadonlyMap<string, Uint8Array>,
): Map<string, Expected> {
  const eligible = studies.filter(({ plan }) => plan.outcome === "eligible")
  return new Map(eligible.flatMap((study) => [...objectsOfStudy(study, origin)]))
}

function* objectsOfStudy(
  study: SeedStudy,
  origin: ReadonlyMap<string, Uint8Array>,
): Generator<[string, Expected]> {
  const folder = `${study.study.organization_id}/${study.study.id}`
  const metadata = `${folder}/metadata.json`
  yield [metadata, origin.get(metadata) ?? "made from the database"]
  for (const [n, { by, status = "SIGNED", active = true, deleted = false }] of study.plan.reports.entries()) {
    const isChosen = typeof by === "number" && by >= 2 && by <= 6
    if (!isChosen || status !== "SIGNED" || !active || deleted) continue
    const { id, content } = study.reports[n]!
    const key = `${folder}/reports/${id}.txt`
    yield [key, origin.get(key) ?? new TextEncoder().encode(content!)]
  }
  const copied = study.series.filter(({ modality }) => modality === null || /^(CR|DX)$/.test(modality))
  for (const { id, series_id, instance_number, file_path } of study.images) {
    if (!copied.some((series) => series.id === series_id)) continue
    const number = instance_number === null ? "" : `${String(instance_number).padStart(4, "0")}_`
    const source = file_path!.replace(/^s3:\/\/[^/]+\//, "")
    yield [`${folder}/dicom_files/${series_id}/${number}${id}.dcm`, origin.get(source)!]
  }
  if (study.images.length > 0) return
  for (const [key, bytes] of origin) if (key.startsWith(`${folder}/dicom_files/`)) yield [key, bytes]
}
