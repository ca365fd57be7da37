import { basename, resolve } from "node:path"
import { bytes, plural, safe, table } from "../../support/text.ts"
import { type ExtractReport, extractInto } from "./extract-files.ts"
import { withSeries } from "./open-series.ts"
import type { CodStart } from "./start.ts"
import { seriesTarget } from "./target.ts"

/** `cod extract URI DIR`: each instance as a file, checked before it gets its name. 1 when one could not be had. */
export async function extract(start: CodStart, [uri = "", dir = ""]: readonly string[]): Promise<0 | 1> {
  const folder = resolve(dir)
  const report = await withSeries(seriesTarget(uri), start, (series, metadata) =>
    extractInto(folder, series, metadata, start.progress, start.stop.requested),
  )
  await start.print(report, renderExtract)
  return report.failed.length > 0 ? 1 : 0
}

export function renderExtract({ folder, written, present, failed }: ExtractReport): string {
  const size = written.reduce((sum, file) => sum + file.size, 0)
  const renamed = [...written, ...present].filter(({ key, path }) => basename(path) !== `${key}.dcm`)
  return [
    ...(failed.length === 0
      ? []
      : [
          table(
            ["not extracted", "because"],
            failed.map(({ key, problem }) => [key, problem]),
          ),
          "",
        ]),
    ...(renamed.length === 0
      ? []
      : [
          table(
            ["key that is no safe name", "file"],
            renamed.map(({ key, path }) => [key, basename(path)]),
          ),
          "",
        ]),
    `${plural(written.length, "file")} written to ${safe(folder)}, ${bytes(size)}` +
      (present.length > 0 ? `; ${plural(present.length, "file")} there already` : "") +
      (failed.length > 0 ? `; ${plural(failed.length, "instance")} not extracted` : ""),
  ].join("\n")
}
