import type { AdoptReport } from "../pipeline/adopt/adopt.ts"
import { bytes, count, plural, safe, table } from "../support/text.ts"

/** What each reason means to a person, and what becomes of such an object. */
const REASONS = {
  not_there: "not at the destination; copy brings it",
  not_at_origin: "not at the origin; copy makes reports and metadata from the database and compares",
  size_differs: "another size than the source's; copy will call it a conflict",
  checksum_differs: "another checksum than the source's; copy will call it a conflict",
  no_common_checksum: "no checksum that both sides know; copy downloads it to compare",
} as const

export function renderAdopt(report: AdoptReport, { dryRun }: { readonly dryRun: boolean }): string {
  const { studies, adopted, saved_usd, not_adopted, left, busy, failed, finished } = report
  const reasons = Object.entries(REASONS)
    .map(([reason, text]) => [text, not_adopted[reason as keyof typeof REASONS]] as const)
    .filter(([, objects]) => objects > 0)
  return [
    ...(left.length > 0
      ? [
          table(
            ["left as it is", "because"],
            left.map(({ key, reason }) => [key, reason.replaceAll("_", " ")]),
          ),
          "",
        ]
      : []),
    ...(reasons.length > 0 ? [table(["not adopted, because it is", "objects"], reasons), ""] : []),
    `${plural(studies, "study", "studies")} compared: ${plural(adopted.objects, "object")} ` +
      `${dryRun ? "would be adopted (dry run, nothing recorded)" : "adopted"}, ` +
      `${bytes(adopted.bytes)} that need not be copied` +
      (saved_usd === null ? "" : `, ${dollars(saved_usd)} of egress saved`),
    ...(saved_usd === null && adopted.bytes > 0
      ? ["With EGRESS_USD_PER_GB set, this tells the money, too."]
      : []),
    ...(adopted.objects > 0 && !dryRun ? ["The next copy writes the receipts of what is complete now."] : []),
    ...(busy > 0 ? [`${plural(busy, "study", "studies")} left out: another run is working on them`] : []),
    ...failed.map(({ study_id, error }) => `could not be compared: ${study_id}: ${safe(error)}`),
    ...(finished ? [] : ["stopped before the end; start it again to go on"]),
  ].join("\n")
}

function dollars(usd: number): string {
  if (usd > 0 && usd < 0.01) return "less than 0.01 USD"
  return usd < 100 ? `${usd.toFixed(2)} USD` : `${count(Math.round(usd))} USD`
}
