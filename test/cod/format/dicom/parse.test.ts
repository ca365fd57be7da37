import { expect, test } from "bun:test"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { deflateRawSync } from "node:zlib"
import {
  type DicomLimits,
  dicomJson,
  parseDicom,
  pixelDataValue,
  pixeldataOf,
  uidsOf,
} from "../../../../lib/cod/format/dicom/index.ts"
import { InvalidDicom, TooLarge } from "../../../../lib/cod/format/errors.ts"
import { tempDir } from "../../../support/temp.ts"
import {
  DEFLATED,
  dicomFile,
  encapsulated,
  explicit,
  IMPLICIT,
  implicit,
  item,
  itemEnd,
  RLE,
  sequenceEnd,
  UNDEFINED,
} from "./build.ts"

const modality = explicit(0x00080060, "CS", "CT")

function failure(bytes: Uint8Array, limits?: Partial<DicomLimits>): unknown {
  try {
    return dicomJson(parseDicom(bytes, limits), { uri: "URI" })
  } catch (error) {
    return error
  }
}

test("bytes without DICM at 128 are no DICOM file", () => {
  for (const bytes of [new Uint8Array(), new Uint8Array(131), Buffer.concat([modality, Buffer.alloc(200)])]) {
    expect(failure(bytes)).toBeInstanceOf(InvalidDicom)
  }
})

test("a preamble may be anything, a TIFF header too", () => {
  const bytes = dicomFile([modality])
  bytes.set(Buffer.from("II*\0"))
  expect(parseDicom(bytes).dataSet.elements.size).toBe(1)
})

test("a file that is cut off says where, and in which element", () => {
  const whole = dicomFile([modality, explicit(0x00100020, "LO", "PATIENT ")])
  const error = failure(whole.subarray(0, whole.length - 3))
  expect(error).toBeInstanceOf(InvalidDicom)
  expect((error as InvalidDicom).facts).toEqual({
    tag: "(0010,0020)",
    offset: whole.length - 8,
    end: whole.length - 3,
  })
})

test("every prefix of a file is the file cut off, or one with fewer elements", () => {
  const sequence = explicit(
    0x00081140,
    "SQ",
    Buffer.concat([item(modality, UNDEFINED), itemEnd, sequenceEnd]),
    UNDEFINED,
  )
  const whole = dicomFile([modality, sequence, encapsulated([0], ["ab"])])
  for (let end = 0; end < whole.length; end += 1) {
    const result = failure(whole.subarray(0, end))
    if (result instanceof Error) expect(result).toBeInstanceOf(InvalidDicom)
    else expect(Object.keys(result as object).length).toBeLessThan(5)
  }
})

test("a file without a transfer syntax is refused: nobody knows how to read it", () => {
  const preamble = Buffer.concat([Buffer.alloc(128), Buffer.from("DICM")])
  expect(failure(Buffer.concat([preamble, explicit(0x00020013, "SH", "NAME"), modality]))).toBeInstanceOf(
    InvalidDicom,
  )
})

test("sequences nested deeper than anybody nests are refused, whichever way they are written", () => {
  const kinds: ((inner: Buffer) => Buffer)[] = [
    (inner) => explicit(0x00081140, "SQ", item(inner)),
    (inner) => explicit(0x00081140, "UN", item(inner)),
    (inner) => explicit(0x00081140, "SQ", Buffer.concat([item(inner), sequenceEnd]), UNDEFINED),
    (inner) =>
      explicit(0x00081140, "UN", Buffer.concat([item(inner, UNDEFINED), itemEnd, sequenceEnd]), UNDEFINED),
  ]
  for (const nest of kinds) {
    let nested = modality
    for (let depth = 0; depth < 64; depth += 1) nested = nest(nested)
    expect(failure(dicomFile([nested]))).not.toBeInstanceOf(Error)
    expect(failure(dicomFile([nest(nested)]))).toBeInstanceOf(TooLarge)
  }
})

test("a hundred thousand sequences that are only begun end in an error of ours", () => {
  const begun = Buffer.concat([explicit(0x00081140, "SQ", "", UNDEFINED), item("", UNDEFINED)])
  const bytes = dicomFile([Buffer.concat(Array.from({ length: 100_000 }, () => begun))])
  expect(failure(bytes)).toBeInstanceOf(TooLarge)
})

test("more elements, items or fragments than the limit are refused", () => {
  const many = Array.from({ length: 20 }, (_, index) => explicit(0x00091000 + index, "LO"))
  expect(failure(dicomFile(many), { elements: 10 })).toBeInstanceOf(TooLarge)
  const fragments = dicomFile(
    [
      encapsulated(
        [],
        Array.from({ length: 20 }, () => "ab"),
      ),
    ],
    RLE,
  )
  expect(failure(fragments, { elements: 10 })).toBeInstanceOf(TooLarge)
})

test("a deflated data set is inflated up to the limit", () => {
  const pixels = explicit(0x7fe00010, "OW", new Uint8Array(1 << 20))
  const bytes = dicomFile([deflateRawSync(Buffer.concat([modality, pixels]))], DEFLATED)
  expect(pixeldataOf(parseDicom(bytes))?.length).toBe(1 << 20)
  expect(failure(bytes, { inflatedBytes: 1 << 19 })).toBeInstanceOf(TooLarge)
})

test("what cannot be inflated is no DICOM file", () => {
  expect(failure(dicomFile([Buffer.from([255, 255, 255])], DEFLATED))).toBeInstanceOf(InvalidDicom)
})

test("an empty data set is a file without elements", () => {
  for (const syntax of [IMPLICIT, RLE])
    expect(parseDicom(dicomFile([], syntax)).dataSet.elements.size).toBe(0)
  expect(parseDicom(dicomFile([deflateRawSync("")], DEFLATED)).dataSet.elements.size).toBe(0)
})

test("a fragment without an end, or anything but a fragment, is refused", () => {
  const broken = [item("", UNDEFINED), item("ab", 1000), implicit(0x00100010, "ab"), item("ab")]
  for (const fragment of broken) {
    const pixels = explicit(0x7fe00010, "OB", Buffer.concat([item(), fragment]), UNDEFINED)
    expect(failure(dicomFile([pixels], RLE))).toBeInstanceOf(InvalidDicom)
  }
})

test("a sequence whose items overrun it is left out, and the rest is there", () => {
  const broken = explicit(0x00081140, "SQ", item(modality, 500))
  expect(failure(dicomFile([broken, modality]))).toEqual({
    "00080060": { vr: "CS", Value: ["CT"] },
    "00020000": { vr: "UL", Value: [28] },
    "00020010": { vr: "UI", Value: ["1.2.840.10008.1.2.1"] },
  })
})

test("pixel data are the value with its padding, or all items without the delimiter", () => {
  const native = parseDicom(dicomFile([modality, explicit(0x7fe00010, "OW", "abcd")]))
  expect(Buffer.from(pixeldataOf(native)!).toString()).toBe("abcd")
  const items = parseDicom(dicomFile([encapsulated([], ["abcd"])], RLE))
  expect(Buffer.from(pixeldataOf(items)!)).toEqual(Buffer.concat([item(), item("abcd")]))
  expect(pixelDataValue(parseDicom(dicomFile([modality])))).toBeUndefined()
})

test("UIDs are told as they stand, without padding, valid or not", () => {
  const elements = [explicit(0x00080018, "UI", " 1.02.3\0"), explicit(0x0020000d, "UI", "")]
  expect(uidsOf(parseDicom(dicomFile(elements)))).toEqual({
    instanceUid: "1.02.3",
    studyUid: undefined,
    seriesUid: undefined,
  })
})

test("the bytes are not copied, nor are values looked at", () => {
  const bytes = dicomFile([modality, explicit(0x7fe00010, "OW", "abcd")])
  const file = parseDicom(bytes)
  bytes.write("XY", bytes.length - 2)
  expect(file.dataSet.content).toBe(bytes)
  expect(Buffer.from(pixeldataOf(file)!).toString()).toBe("abXY")
})

test("a mapped file is read like any other", async () => {
  using folder = tempDir("dicom")
  const path = folder.file("mapped.dcm")
  await Bun.write(path, dicomFile([modality, explicit(0x7fe00010, "OW", "abcd")]))
  const file = parseDicom(Bun.mmap(path))
  expect(dicomJson(file, { uri: "URI" })["00080060"]).toEqual({ vr: "CS", Value: ["CT"] })
  expect(Buffer.from(pixeldataOf(file)!).toString()).toBe("abcd")
})

const BAD = join(import.meta.dir, "../../../../../shared/dicom/bad")

test.if(existsSync(BAD))("files that are known to be bad are refused, or lose what is bad", () => {
  const outcome = (name: string) => failure(readFileSync(join(BAD, name)))
  const refused = ["MR_truncated.dcm", "no_meta.dcm", "meta_missing_tsyntax.dcm", "JLSN_RGB_ILV0.dcm"]
  for (const name of refused) expect(outcome(name)).toBeInstanceOf(InvalidDicom)
  const badVr = outcome("badVR.dcm")
  expect(badVr).toHaveProperty("00080060")
  expect(badVr).not.toHaveProperty("00280008")
})
