import type { RebuildReport } from "../pipeline/rebuild.ts"
import type { VerifyReport } from "../pipeline/verify.ts"
import type { PruneReport } from "../pipeline/verify-prune.ts"
import { bytes, plural, table } from "../support/text.ts"
import { renderVerify } from "./render.ts"

/** What was compared, and what was pruned when that was asked for. */
export function renderVerification(report: VerifyReport, how: { readonly dryRun: boolean }): string {
  const { prune, series } = report
  const compared = renderVerify(report, how)
  const verified = series > 0 ? `${compared}\n${plural(series, "packed series", "packed series")}` : compared
  return prune === undefined ? verified : `${verified}\n\n${renderPrune(prune, how)}`
}

function renderPrune(
  { deleted, bytes: freed, spared }: PruneReport,
  { dryRun }: { readonly dryRun: boolean },
) {
  if (deleted.length + spared.length === 0) return "No retired object stands at the destination."
  return [
    ...(deleted.length > 0
      ? [
          table(
            [dryRun ? "would be deleted" : "deleted", "generation", "bytes"],
            deleted.map(({ key, generation, size }) => [key, generation, size]),
          ),
        ]
      : []),
    ...(spared.length > 0
      ? [
          table(
            ["retired, but stays", "because"],
            spared.map(({ key, reason }) => [key, reason]),
          ),
        ]
      : []),
    `${plural(deleted.length, "retired object")} ${dryRun ? "would be " : ""}deleted, ${bytes(freed)}`,
  ].join("\n")
}

export function renderRebuild(report: RebuildReport, { dryRun }: { readonly dryRun: boolean }): string {
  const { ledger, studies, objects, bytes: size, series, unusable } = report
  return [
    ...(unusable.length > 0
      ? [
          table(
            ["not used", "because"],
            unusable.map(({ key, reason }) => [key, reason]),
          ),
          "",
        ]
      : []),
    `${plural(studies, "study", "studies")}, ${plural(objects, "object")}, ${bytes(size)}, ` +
      `${plural(series, "packed series", "packed series")} ` +
      (dryRun ? "would be recorded (dry run, no file made)" : `recorded in ${ledger}`),
    ...(dryRun ? [] : [`Now: LEDGER_PATH=${ledger}, then bun run verify, discover and copy.`]),
  ].join("\n")
}
