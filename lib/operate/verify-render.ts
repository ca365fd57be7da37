import type { PruneReport } from "../pipeline/verify/prune.ts"
import type { RebuildReport } from "../pipeline/verify/rebuild.ts"
import type { VerifyReport } from "../pipeline/verify/verify.ts"
import { bytes, plural, table } from "../support/text.ts"

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

export function renderVerify(report: VerifyReport, { dryRun }: { readonly dryRun: boolean }): string {
  const { studies, objects, problems, queued, busy, finished } = report
  return [
    ...(problems.length > 0
      ? [
          table(
            ["problem", "key", "expected", "found"],
            problems.map(({ problem, key, expected, found }) => [problem, key, expected ?? "", found ?? ""]),
          ),
          "",
        ]
      : []),
    `${plural(studies, "study", "studies")}, ${plural(objects, "object")}, ${bytes(report.bytes)}: ` +
      (problems.length > 0
        ? plural(problems.length, "problem")
        : objects > 0
          ? "all as the ledger says"
          : "nothing was compared, for nothing is recorded as copied"),
    ...(queued > 0
      ? [`${plural(queued, "object")} ${dryRun ? "would be " : ""}queued again for copy to mend`]
      : []),
    ...(busy > 0 ? [`${plural(busy, "study", "studies")} left out: another run is working on them`] : []),
    ...(finished ? [] : ["stopped before the end"]),
  ].join("\n")
}
