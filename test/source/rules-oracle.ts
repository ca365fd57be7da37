import type { PacsRows, ReportRow, StudyRow } from "../../lib/demo/pacs-rows.ts"
import type { ChosenDoctor, FunnelStep, RankedDoctor, Rule, Rules } from "../../lib/source/rows.ts"

/**
 * The rules of discovery said a second time, as plainly as TypeScript can, for the SQL to be held against.
 */
export function oracle(rows: PacsRows, rules: Rules) {
  const ranking = rank(rows)
  const chosen = ranking.filter(({ rank }) => rank >= rules.rankFrom && rank <= rules.rankTo)
  const failed = new Map(
    rows.pacs_studies.map((study) => [study.id, firstFailed(rows, study, rules, chosen)]),
  )
  const eligible = rows.pacs_studies
    .filter(({ id }) => failed.get(id) === null)
    .map((study) => eligibleStudy(rows, study, chosen))
    .sort((a, b) => nullsLast(a.newest, b.newest, descending) || ascending(a.studyId, b.studyId))
  return { ranking, chosen, failed, funnel: funnel([...failed.values()]), eligible }
}

export function isChest(rows: PacsRows, study: StudyRow): boolean {
  const parts = rows.pacs_series
    .filter((series) => series.study_id === study.id)
    .flatMap((series) => rows.pacs_body_part.filter((part) => part.id === series.body_part_id))
  return [study.dicom_description, ...parts.flatMap((part) => [part.name, part.identifier])].some(saysChest)
}

const ascending = <T>(a: T, b: T) => (a < b ? -1 : a > b ? 1 : 0)
const descending = <T>(a: T, b: T) => ascending(b, a)

function nullsLast<T>(a: T | null, b: T | null, order: (a: T, b: T) => number = ascending): number {
  return a === null || b === null ? Number(a === null) - Number(b === null) : order(a, b)
}

function saysChest(text: string | null): boolean {
  const plain = (text ?? "")
    .normalize("NFD")
    .replace(/[\u0300-\u036f]/g, "")
    .toLowerCase()
  return ["chest", "torax", "thorax", "pecho", "peito"].some((word) => plain.includes(word))
}

function members(modalities: string | null): string[] {
  return (modalities ?? "")
    .replace(/\s/g, "")
    .toUpperCase()
    .split(",")
    .filter((member) => member !== "")
}

function countingReports(rows: PacsRows, study: StudyRow): (ReportRow & { userId: string })[] {
  return rows.pacs_reports.flatMap((report) => {
    const signer = rows.pacs_practitioners.find(({ id }) => id === report.signed_by_id)
    const counts = report.status === "SIGNED" && report.is_active && !report.deleted
    return report.study_id === study.id && counts && signer?.user_id
      ? [{ ...report, userId: signer.user_id }]
      : []
  })
}

function ofRealOrganization(rows: PacsRows, study: StudyRow): boolean {
  return rows.pacs_organizations.some(({ id, is_demo }) => id === study.organization_id && !is_demo)
}

function rank(rows: PacsRows): RankedDoctor[] {
  const studies = new Map<string, Set<string>>()
  for (const study of rows.pacs_studies) {
    if (!ofRealOrganization(rows, study) || study.migrated || !isChest(rows, study)) continue
    if (!members(study.modalities).some((modality) => ["CR", "DX", "PX"].includes(modality))) continue
    for (const { userId } of countingReports(rows, study)) {
      studies.set(userId, (studies.get(userId) ?? new Set()).add(study.id))
    }
  }
  return [...studies]
    .map(([userId, { size }]) => ({ userId, studies: size }))
    .sort((a, b) => b.studies - a.studies || ascending(a.userId, b.userId))
    .map((doctor, index) => ({ ...doctor, rank: index + 1 }))
}

function firstFailed(
  rows: PacsRows,
  study: StudyRow,
  rules: Rules,
  chosen: readonly ChosenDoctor[],
): Rule | null {
  const modalities = members(study.modalities)
  const allowed = ["CR", "DX", ...rules.toleratedModalities]
  const signers = countingReports(rows, study).map(({ userId }) => userId)
  if (!ofRealOrganization(rows, study)) return "non_demo_organization"
  if (study.migrated) return "not_migrated"
  if (!isChest(rows, study)) return "chest"
  if (!modalities.some((modality) => ["CR", "DX"].includes(modality))) return "has_cr_or_dx"
  if (!modalities.every((modality) => allowed.includes(modality))) return "no_other_modality"
  if (signers.length === 0) return "signed_report"
  if (!signers.some((signer) => chosen.some(({ userId }) => userId === signer))) return "chosen_doctor"
  return null
}

function funnel(failed: readonly (Rule | null)[]): FunnelStep[] {
  const order: Rule[] = ["exists", "non_demo_organization", "not_migrated", "chest", "has_cr_or_dx"]
  order.push("no_other_modality", "signed_report", "chosen_doctor")
  return order.map((rule, index) => ({
    rule,
    studies: failed.filter((other) => other === null || order.indexOf(other) > index).length,
  }))
}

function eligibleStudy(rows: PacsRows, study: StudyRow, chosen: readonly ChosenDoctor[]) {
  const reports = countingReports(rows, study)
    .flatMap((report) => {
      const doctor = chosen.find(({ userId }) => userId === report.userId)
      return doctor === undefined
        ? []
        : [{ reportId: report.id, rank: doctor.rank, signedAt: report.signed_at }]
    })
    .sort((a, b) => nullsLast(a.signedAt, b.signedAt) || ascending(a.reportId, b.reportId))
  const series = rows.pacs_series.filter(({ study_id }) => study_id === study.id)
  const images = series.flatMap((of) =>
    rows.pacs_images.filter(({ series_id }) => series_id === of.id).map((image) => ({ of, image })),
  )
  const copied = images
    .filter(({ of }) => ["CR", "DX", ""].includes((of.modality ?? "").replace(/\s/g, "").toUpperCase()))
    .sort(
      (a, b) =>
        nullsLast(a.of.series_number, b.of.series_number) ||
        ascending(a.of.id, b.of.id) ||
        nullsLast(a.image.instance_number, b.image.instance_number) ||
        ascending(a.image.id, b.image.id),
    )
  const dated = reports.map(({ signedAt }) => signedAt).filter((at) => at !== null)
  return {
    studyId: study.id,
    newest: dated.sort(ascending).at(-1) ?? null,
    reports,
    images: copied.map(({ image }) => image.id),
    imagesInDatabase: images.length > 0,
  }
}
