import { stringifyJson } from "../../cod/format/json.ts"
import type { StoredTags } from "../../cod/index.ts"
import { UsageError } from "../../support/errors.ts"
import { safe } from "../../support/text.ts"
import { writeOut } from "../manifest-output.ts"
import { withSeries } from "./open-series.ts"
import type { CodStart } from "./start.ts"
import { instanceTarget } from "./target.ts"

/** `cod tags URI#KEY [TAG…]`: the DICOM JSON of one instance, out of its series' metadata: no DICOM file is read. */
export async function tags(start: CodStart, [uri = "", ...words]: readonly string[]): Promise<0> {
  const wanted = words.map(tagOf)
  const { place, key } = instanceTarget(uri)
  await withSeries(place, start, async (series) => {
    const instance = await series.getInstance(key, start.stop.requested)
    const all = await instance.metadata()
    const absent = wanted.filter((tag) => !Object.hasOwn(all, tag))
    if (absent.length > 0) start.log.warn(`the instance does not have ${absent.join(", ")}`)
    const text = renderTags(all, wanted.length === 0 ? Object.keys(all) : wanted)
    await writeOut(({ write }) => write(Buffer.from(`${text}\n`)))
  })
  return 0
}

/**
 * One JSON document, an element a line, in the order of the tags (PS3.18, section F.2.2); nothing in it but ASCII. It may
 * have integers that `JSON.stringify` refuses, and numbers that others wrote as NaN: these become null.
 * @param wanted those that are not there are left out
 */
export function renderTags(all: StoredTags, wanted: readonly string[]): string {
  const lines = [...new Set(wanted)]
    .filter((tag) => Object.hasOwn(all, tag))
    .toSorted()
    .map((tag) => `  ${JSON.stringify(tag)}: ${stringifyJson(all[tag])}`)
  return lines.length === 0 ? "{}" : `{\n${lines.join(",\n")}\n}`
}

/** `0020000D`, `0020,000d`, `(0020,000D)`. @throws UsageError for anything else, keywords among them */
export function tagOf(word: string): string {
  const [, group, element] = /^\(?([0-9a-f]{4}),?\s*([0-9a-f]{4})\)?$/i.exec(word) ?? []
  if (group !== undefined && element !== undefined) return `${group}${element}`.toUpperCase()
  throw new UsageError(
    `TAG: expected ggggeeee or gggg,eeee in hexadecimal digits, such as 0020,000D, not "${safe(word)}"`,
    "Keywords such as PatientID are not understood; DICOM PS3.6 has the tags.",
  )
}
