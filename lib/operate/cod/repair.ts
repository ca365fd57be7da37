import { InstancesLostError, type SeriesPlace, seriesUri } from "../../cod/index.ts"
import { type RepairReport, repair as repairSeries } from "../../cod/repair.ts"
import { plural, safe, table } from "../../support/text.ts"
import { accessFor, type WriteOptions, withStoreToWrite } from "./change-series.ts"
import { Damaged } from "./explain.ts"
import { refuseHindered, requireThere } from "./hindrances.ts"
import { shortTable } from "./short-table.ts"
import type { CodStart } from "./start.ts"
import { seriesTarget } from "./target.ts"

interface RepairOptions extends WriteOptions {
  readonly dropLost: boolean
}

/** `cod repair URI`: makes a sound series of what is in the tar. 1 when it would have to give instances up. */
export async function repair(
  start: CodStart,
  [uri = ""]: readonly string[],
  options: RepairOptions,
): Promise<0 | 1> {
  const place = seriesTarget(uri)
  const { dryRun, dropLost, metadataVersion } = options
  start.stop.requested.throwIfAborted()
  const report = await withStoreToWrite(place, start, async (store) => {
    // Of what is not there no lock is left behind, not for a moment.
    await requireThere(store, place, start.stop.requested)
    // The version stays what it was, whatever is configured for new series.
    const access = { ...accessFor(store, start, options), metadataVersion, dryRun, dropLost }
    const report = await repairSeries(uri, access, start.stop.forced).catch((error) => {
      throw error instanceof InstancesLostError ? lost(error, place) : error
    })
    if (dryRun && isNeeded(report)) await refuseHindered(store, place, start.stop.requested)
    return report
  })
  await start.print(documentOf(report, options), () => renderRepair(report, options))
  return dryRun && !dropLost && report.lost.length > 0 ? 1 : 0
}

function lost(error: InstancesLostError, place: SeriesPlace): Damaged {
  const [first] = error.lost
  const what = `the bytes of ${plural(error.lost.length, "instance")} are lost`
  return new Damaged(`${seriesUri(place)}: ${what}, such as ${first!.key}: ${first!.why}`, {
    verdict: error.verdict,
    hint:
      "Nothing was written. Put the tar back if there is a better one. Otherwise --drop-lost gives them up; " +
      `the old metadata are kept. All of them: bun scripts/cod.ts repair ${seriesUri(place)} --dry-run`,
  })
}

function isNeeded({ written }: RepairReport): boolean {
  return written.tar || written.index || written.metadata
}

function documentOf(report: RepairReport, { dryRun, dropLost }: RepairOptions) {
  const { series, kept, moved, remade, found, lost, leftOver, written, setAside } = report
  return {
    uri: series,
    dry_run: dryRun,
    drop_lost: dropLost,
    changed: isNeeded(report),
    kept: kept.length,
    moved,
    remade,
    found,
    lost,
    left_over: leftOver,
    written,
    old_metadata: setAside ?? null,
  }
}

export function renderRepair(
  report: RepairReport,
  { dryRun, dropLost }: Pick<RepairOptions, "dryRun" | "dropLost">,
): string {
  const { series, written, setAside } = report
  const wanted = [
    ...(written.tar ? ["tar"] : []),
    ...(written.index ? ["index"] : []),
    ...(written.metadata ? ["metadata"] : []),
  ].join(", ")
  const rows = [
    ["as they should be", report.kept],
    ["elsewhere than their entries said", report.moved],
    ["their entries made anew", report.remade],
    ["in the tar only", report.found],
    ["lost", report.lost.map(({ key }) => key)],
  ] as const
  const told = rows.flatMap(([what, keys]) => (keys.length === 0 ? [] : [[what, keys.length]]))
  return [
    safe(series),
    ...(told.length === 0 ? [] : [table(["instances", "count"], told)]),
    ...section(
      "lost",
      report.lost.map(({ key, why }) => [key, why]),
    ),
    ...section(
      "no instance, in the tar",
      report.leftOver.map(({ name, why }) => [name, why]),
    ),
    ...(setAside === undefined
      ? []
      : [`\nthe old metadata ${dryRun ? "would be" : "are"} kept as ${safe(setAside)}`]),
    "",
    summaryOf(wanted, report, dryRun, dropLost),
  ].join("\n")
}

function section(title: string, rows: readonly (readonly [string, string])[]): string[] {
  return rows.length === 0 ? [] : ["", shortTable([title, "because"], rows)]
}

function summaryOf(wanted: string, { lost }: RepairReport, dryRun: boolean, dropLost: boolean): string {
  if (wanted === "") return "nothing to do: the series is sound"
  if (!dryRun) return `written anew: ${wanted}`
  if (lost.length > 0 && !dropLost)
    return `refused without --drop-lost: ${plural(lost.length, "instance")} would be given up`
  return `would be written anew: ${wanted}; nothing was written`
}
