import { existsSync, readdirSync } from "node:fs"
import { join } from "node:path"
import { atLeast, type Both, type Row, secondsOf } from "./cod-row.ts"

const FLOOR = 3

const DICOM = join(import.meta.dir, "../../../shared/dicom")

/** No row where the files are not there. */
export async function dicomJsonRow(both: Both): Promise<Row[]> {
  if (!existsSync(DICOM)) return []
  const names = readdirSync(DICOM, { recursive: true, encoding: "utf8" })
  const good = names.filter((name) => name.endsWith(".dcm") && !name.startsWith("bad/"))
  const seconds = await secondsOf(both, "dicom_json", { paths: good.map((name) => join(DICOM, name)) })
  return [
    { what: `DICOM JSON of ${good.length} files`, unit: "s", ...seconds, floor: atLeast(FLOOR, seconds) },
  ]
}
