/** Instances that the Python package stored with their pixels encoded anew. */
import { describe, expect, test } from "bun:test"
import { cpSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { type DicomFile, parseDicom } from "../../../lib/cod/format/dicom/index.ts"
import { CODObject, Instance } from "../../../lib/cod/index.ts"
import { rawFrame } from "../../../lib/cod/pixels/decode.ts"
import { isTranscoded } from "../../../lib/cod/pixels/transcoded.ts"
import { goldenCases } from "../../support/golden.ts"
import { tempDir } from "../../support/temp.ts"
import { EXPLICIT, explicit, item, sequenceEnd, UNDEFINED, uint32 } from "../format/dicom/build.ts"
import { sha256 as sha256OfBytes } from "../golden-series.ts"
import { jpeg2000 } from "./encoders.ts"
import { pixelFile, SYNTAXES } from "./files.ts"

const golden = goldenCases().find(({ name }) => name === "transcoded-then-again")!
const [key = ""] = golden.expected.order
const { start_byte, size, source_sha256 } = { ...golden.expected.instances[key]!, ...golden.expected }
const tar = golden.bytes(golden.keys.find((name) => name.endsWith(".tar"))!)
const stored = parseDicom(tar.slice(start_byte, start_byte + size))

/** What went in: the same with native pixels. */
async function sourceOf(
  { bytes, meta, dataSet }: DicomFile,
  change = (_: Uint8Array) => {},
): Promise<Buffer> {
  const pixels = dataSet.elements.get(0x7fe00010)!
  const { data } = await rawFrame(stored, 0)
  const samples = new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice()
  change(samples)
  const rest = [...meta.elements.values()].slice(1).map(({ tag, vr = "", start, end }) => {
    const value = tag === 0x00020010 ? `${EXPLICIT}\0` : bytes.subarray(start, end)
    return explicit(tag, vr, value)
  })
  const group = Buffer.concat(rest)
  const [first] = dataSet.elements.values()
  return Buffer.concat([
    bytes.subarray(0, 132),
    explicit(0x00020000, "UL", uint32(group.length)),
    group,
    bytes.subarray(first!.start - 8, pixels.start - 12),
    explicit(0x7fe00010, "OW", samples),
  ])
}

describe("an instance that was encoded anew on ingest", () => {
  test("is the same: its source, to the byte, is recognised", async () => {
    const source = await sourceOf(stored)
    expect(sha256OfBytes(source)).toBe(Object.values(source_sha256)[0]!)
    expect(await isTranscoded(stored, parseDicom(source))).toBe(true)
    expect(await isTranscoded(parseDicom(source), stored)).toBe(false)
  })

  test("is not the same with one other sample, or one other element", async () => {
    const otherSample = await sourceOf(stored, (samples) => {
      samples[0]! ^= 1
    })
    expect(await isTranscoded(stored, parseDicom(otherSample))).toBe(false)
    const otherElement = await sourceOf(stored)
    // The last digit of the patient's name, or whatever stands in the data set's first element.
    const [first] = stored.dataSet.elements.values()
    const shift = otherElement.indexOf(stored.bytes.subarray(first!.start, first!.end))
    otherElement[shift]! ^= 1
    expect(await isTranscoded(stored, parseDicom(otherElement))).toBe(false)
  })

  test("is the same also of colours, whose names change, and of sequences that are written otherwise", async () => {
    const data = Uint8Array.from({ length: 48 }, (_, i) => i * 5)
    const shape = { rows: 4, columns: 4, samples: 3 } as const
    const stream = await jpeg2000({ ...shape, components: 3, bits: 8, data })
    const transferSyntax = SYNTAXES.jpeg2000Lossless
    const encoded = { ...shape, photometric: "YBR_RCT", transferSyntax, fragments: [stream] }
    const planes = Uint8Array.from(data, (_, i) => data[(i % 16) * 3 + Math.floor(i / 16)]!)
    const native = { ...shape, photometric: "RGB", planar: true, pixels: planes }
    const code = (value: string) => item(explicit(0x00080100, "SH", value))
    const sequence = (value: string) => [explicit(0x00082112, "SQ", code(value))]
    const delimited = [explicit(0x00082112, "SQ", Buffer.concat([code("AB"), sequenceEnd]), UNDEFINED)]
    const one = pixelFile({ ...encoded, others: sequence("AB") })
    expect(await isTranscoded(one, pixelFile({ ...native, others: delimited }))).toBe(true)
    expect(await isTranscoded(one, pixelFile({ ...native, others: sequence("AC") }))).toBe(false)
    expect(await isTranscoded(one, pixelFile(native))).toBe(false)
  })

  test("append says so, and notes no conflict", async () => {
    using dir = tempDir("transcoded")
    cpSync(golden.folder, dir.file("store"), { recursive: true })
    const place = { studyUid: golden.expected.study_uid, seriesUid: golden.expected.series_uid }
    const datastore = pathToFileURL(dir.file("store")).href
    const source = await sourceOf(stored)
    const other = await sourceOf(stored, (samples) => {
      samples[0]! ^= 1
    })
    const paths = [source, other].map((bytes, index) => {
      const path = join(dir.file("."), `${index}.dcm`)
      writeFileSync(path, bytes)
      return path
    })
    const [same, conflict] = paths.map((dicomUri) => new Instance({ dicomUri }))
    await using cod = await CODObject.open({ datastore, ...place, lock: true })
    const result = await cod.append([same!, conflict!])
    expect(result).toEqual({ new: [], same: [same!], transcoded: [same!], conflict: [conflict!], errors: [] })
    await cod.release()
  })
})
