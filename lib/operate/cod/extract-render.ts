import { basename } from "node:path"
import { bytes, plural, safe, table } from "../../support/text.ts"
import type { ExtractReport } from "./extract.ts"

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
