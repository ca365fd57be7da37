import { expect, test } from "bun:test"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { gunzipSync } from "node:zlib"
import { type DicomJson, dicomJson, parseDicom } from "../../../../lib/cod/format/dicom/index.ts"
import { parseJson, stringifyJson } from "../../../../lib/cod/format/json.ts"
import { parseSeriesMetadata } from "../../../../lib/cod/format/metadata/series.ts"
import { type GoldenCase, goldenCases } from "../../../support/golden.ts"

const SAMPLES = join(import.meta.dir, "../../../../../shared/dicom")
const ORACLE = join(SAMPLES, "oracle")

// pydicom takes the number of a table's entries for signed, and refuses it, where it has found out the VR itself.
const OURS: Readonly<Record<string, DicomJson>> = {
  "US or SS, signed": {
    "00280103": { vr: "US", Value: [1] },
    "00280106": { vr: "SS", Value: [-3] },
    "00280120": { vr: "SS", Value: [-3] },
    "00281101": { vr: "SS", Value: [65533, 0, 16] },
  },
  "US or SS in an item, signed": {
    "00280103": { vr: "US", Value: [1] },
    "00283010": {
      vr: "SQ",
      Value: [
        {
          "00283002": { vr: "SS", Value: [65533, 0, 16] },
          "00283006": { vr: "OW", InlineBinary: "AQI=" },
        },
      ],
    },
    "00081140": { vr: "SQ", Value: [{ "00280106": { vr: "SS", Value: [-3] } }] },
  },
}

interface Synthetic {
  readonly name: string
  readonly file: string
  readonly expected: DicomJson
}

const SYNTHETIC = parseJson(
  readFileSync(join(import.meta.dir, "synthetic.json"), "utf8"),
) as unknown as readonly Synthetic[]

for (const { name, file, expected } of SYNTHETIC) {
  test(`DICOM JSON is what pydicom says: ${name}`, () => {
    const json = dicomJson(parseDicom(gunzipSync(Buffer.from(file, "base64"))), { uri: "URI" })
    const { "00020000": length, "00020010": syntax } = expected
    const wanted = name in OURS ? { ...OURS[name], "00020000": length!, "00020010": syntax! } : expected
    expect(json).toEqual(wanted)
    expect(Object.keys(json)).toEqual(Object.keys(wanted))
  })
}

for (const name of existsSync(ORACLE) ? readdirSync(ORACLE) : []) {
  const [sample] = /^.*(?=\.pydicom\.json$)/.exec(name) ?? []
  if (sample === undefined) continue
  test(`DICOM JSON of ${sample} is what pydicom says`, () => {
    const file = parseDicom(readFileSync(join(SAMPLES, sample.replace("__", "/"))))
    const expected = parseJson(readFileSync(join(ORACLE, name), "utf8"))
    expect(dicomJson(file, { uri: "URI" }) as unknown).toEqual(expected)
  })
}

for (const golden of goldenCases()) {
  test(`DICOM JSON of the instances is what the Python package stored: ${golden.name}`, () => {
    for (const { bytes, stored } of storedInstances(golden)) {
      const file = parseDicom(bytes)
      const json = dicomJson(file, { uri: bulkUri(stored) })
      expect(Object.keys(json)).toEqual(Object.keys(stored))
      // Of a deflated file 2.2.0 takes the head at the offset of the inflated value out of the deflated bytes.
      const isComparable = ([tag]: [string, unknown]) => !file.deflated || tag !== "7FE00010"
      expect(Object.entries(json).filter(isComparable)).toEqual(Object.entries(stored).filter(isComparable))
    }
  })
}

function storedInstances(golden: GoldenCase) {
  const [metadata, tar] = ["metadata.json", ".tar"].map(
    (end) => golden.keys.find((key) => key.endsWith(end))!,
  )
  const series = parseSeriesMetadata(golden.bytes(metadata!))
  return [...series.instances.values()].map((instance) => {
    if (instance.kind === "unreadable") throw instance.problem
    const { start_byte, size } = golden.expected.instances[instance.key]!
    const bytes = golden.bytes(tar!).subarray(start_byte, start_byte + size)
    return { bytes, stored: instance.tags() as DicomJson }
  })
}

function bulkUri(stored: DicomJson): string {
  return /"uri": "([^"]*)"/.exec(stringifyJson(stored))?.[1] ?? "no bulk value"
}
