import { expect, test } from "bun:test"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { deflateRawSync } from "node:zlib"
import { parseDicom } from "../../../lib/cod/format/dicom/index.ts"
import { InvalidDicom } from "../../../lib/cod/format/errors.ts"
import {
  frameBytes,
  framesOf,
  type OffsetTables,
  offsetTables,
} from "../../../lib/cod/format/offset-tables.ts"
import { type GoldenCase, type GoldenInstance, goldenCases } from "../../support/golden.ts"
import {
  DEFLATED,
  dicomFile,
  EXPLICIT,
  encapsulated,
  explicit,
  IMPLICIT,
  implicit,
  item,
  RLE,
  uint16,
  uint64,
} from "./dicom/build.ts"

const frameCount = (count: string) => explicit(0x00280008, "IS", count)

/** `rows` times 2 pixels of 8 bits. */
function image(rows: number, pixels: Buffer, count = "3 "): Buffer[] {
  const numbers = [
    [0x00280002, 1],
    [0x00280010, rows],
    [0x00280011, 2],
    [0x00280100, 8],
  ] as const
  const shape = numbers.map(([tag, value]) => explicit(tag, "US", uint16(value)))
  return [...shape.slice(0, 1), frameCount(count), ...shape.slice(1), pixels]
}

const native = (value: string) => explicit(0x7fe00010, "OB", value)

function tablesOf(elements: readonly Buffer[], syntax?: string): OffsetTables {
  return offsetTables(parseDicom(dicomFile(elements, syntax)))
}

/** Frames as characters, taken by the tables out of the file's bytes. */
function framesBy(elements: readonly Buffer[], syntax = RLE): string[] {
  const bytes = dicomFile(elements, syntax)
  const frames = framesOf(parseDicom(bytes))
  return (frames?.spans ?? []).map(({ start, end }) =>
    Buffer.from(frameBytes(bytes.subarray(start, end), frames!.encapsulated)).toString(),
  )
}

function cut(
  bytes: Buffer,
  { CustomOffsetTable = [], CustomOffsetTableLengths = [] }: OffsetTables,
): string[] {
  return CustomOffsetTable.map((start, index) =>
    bytes.subarray(start, start + CustomOffsetTableLengths[index]!).toString("latin1"),
  )
}

test("native frames begin where they begin, and a padding byte belongs to none", () => {
  const elements = image(1, native("aabbcc"))
  expect(cut(dicomFile(elements), tablesOf(elements))).toEqual(["aa", "bb", "cc"])
  expect(cut(dicomFile(image(1, native("aabbcc\0"))), tablesOf(image(1, native("aabbcc\0"))))).toEqual([
    "aa",
    "bb",
    "cc",
  ])
  expect(framesBy(elements, EXPLICIT)).toEqual(["aa", "bb", "cc"])
})

test("native frames in implicit VR", () => {
  const values = [implicit(0x00280008, "2 "), implicit(0x00280010, "\x01\0"), implicit(0x00280011, "\x01\0")]
  const elements = [...values, implicit(0x00280100, "\x10\0"), implicit(0x7fe00010, "aabb")]
  expect(cut(dicomFile(elements, IMPLICIT), tablesOf(elements, IMPLICIT))).toEqual(["aa", "bb"])
})

test("two pixels of YBR_FULL_422 take four bytes", () => {
  const colour = [explicit(0x00280002, "US", uint16(3)), explicit(0x00280004, "CS", "YBR_FULL_422")]
  const elements = [...image(1, native("aaaabbbb"), "2 ").slice(1), ...colour]
  expect(tablesOf(elements).CustomOffsetTableLengths).toEqual([4, 4])
})

test("there is no table for one frame, or for a number of frames that is none", () => {
  for (const count of ["", "1 ", "0 ", "-2", "1A", "3\\3 ", "2.5 "]) {
    expect(tablesOf(image(1, native("aabbcc"), count))).toEqual({})
  }
  expect(tablesOf(image(1, native("aabbcc"), "3 ").toSpliced(1, 1))).toEqual({})
})

test("there is no table without pixels, or for pixels that are not as they are described", () => {
  expect(tablesOf(image(1, explicit(0x7fe00008, "OF", "aabbcc")))).toEqual({})
  for (const value of ["aabb", "aabbccddee"]) expect(tablesOf(image(1, native(value)))).toEqual({})
  expect(tablesOf([frameCount("3 "), native("aabbcc")])).toEqual({})
})

test("there is no table for a deflated file, whose frames have no place in it", () => {
  const inflated = Buffer.concat(image(1, native("aabbcc")))
  expect(tablesOf([deflateRawSync(inflated)], DEFLATED)).toEqual({})
  expect(framesOf(parseDicom(dicomFile([deflateRawSync(inflated)], DEFLATED)))?.spans.length).toBe(3)
})

test("one fragment a frame needs no table of its own", () => {
  const elements = [frameCount("2 "), encapsulated([], ["aa", "bbbb"])]
  expect(cut(dicomFile(elements, RLE), tablesOf(elements, RLE))).toEqual(["aa", "bbbb"])
  expect(framesBy(elements)).toEqual(["aa", "bbbb"])
})

test("a Basic Offset Table tells which fragments belong together", () => {
  const elements = [frameCount("2 "), encapsulated([0, 20], ["aa", "AA", "bb", "BB", "b2"])]
  expect(framesBy(elements)).toEqual(["aaAA", "bbBBb2"])
  const header = "\xfe\xff\x00\xe0\x02\0\0\0"
  expect(cut(dicomFile(elements, RLE), tablesOf(elements, RLE))).toEqual([
    `aa${header}AA`,
    `bb${header}BB${header}b2`,
  ])
})

test("an Extended Offset Table goes before anything else", () => {
  const table = explicit(0x7fe00001, "OV", Buffer.concat([uint64(0), uint64(20)]))
  const fragments = ["aa", "AA", "bb"]
  expect(framesBy([frameCount("2 "), table, encapsulated([], fragments)])).toEqual(["aaAA", "bb"])
  expect(framesBy([frameCount("2 "), table, encapsulated([0, 10], fragments)])).toEqual(["aaAA", "bb"])
})

test("several fragments a frame without any table have none", () => {
  const elements = [frameCount("2 "), encapsulated([], ["aa", "AA", "bb", "BB"])]
  expect(tablesOf(elements, RLE)).toEqual({})
  expect(framesBy(elements)).toEqual([])
})

test("a table that does not fit is not believed", () => {
  for (const table of [[0, 7], [10, 0], [0], [0, 10, 20, 30], [10, 20], [4, 14], [0, 0], [0, 1000]]) {
    expect(framesBy([frameCount("2 "), encapsulated(table, ["aa", "bb", "cc"])])).toEqual([])
    expect(framesBy([frameCount("2 "), encapsulated(table, ["aa", "bb"])])).toEqual(["aa", "bb"])
  }
})

test("the only frame is the value, or all fragments joined", () => {
  expect(framesBy([native("aabb")], EXPLICIT)).toEqual(["aabb"])
  expect(framesBy([encapsulated([0], ["aa", "bb"])])).toEqual(["aabb"])
  expect(framesBy([encapsulated([], [])])).toEqual([])
})

test("fragments are joined from whole items only", () => {
  expect(Buffer.from(frameBytes(Buffer.concat([item("aa"), item("bb")]), true)).toString()).toBe("aabb")
  for (const bytes of [
    Buffer.from("aa"),
    item("aa").subarray(0, 9),
    Buffer.concat([item("aa"), Buffer.from("b")]),
  ]) {
    expect(() => frameBytes(bytes, true)).toThrow(InvalidDicom)
  }
  expect(() => frameBytes(new Uint8Array(), true)).toThrow(InvalidDicom)
})

const SAMPLES = join(import.meta.dir, "../../../../shared/dicom")

for (const name of existsSync(SAMPLES) ? readdirSync(SAMPLES).filter((name) => name.endsWith(".dcm")) : []) {
  test(`the tables of ${name} have as many entries as it has frames, or none`, () => {
    const file = parseDicom(readFileSync(join(SAMPLES, name)))
    const { CustomOffsetTable = [], CustomOffsetTableLengths = [] } = offsetTables(file)
    expect([0, framesOf(file)?.spans.length]).toContain(CustomOffsetTable.length)
    expect(CustomOffsetTableLengths.length).toBe(CustomOffsetTable.length)
  })
}

for (const golden of goldenCases()) {
  test(`tables and frames are those of the Python package, native ones 8 less: ${golden.name}`, () => {
    for (const { bytes, expected } of instancesOf(golden)) {
      const file = parseDicom(bytes)
      const frames = framesOf(file)
      const isNative = frames?.encapsulated === false
      expect(offsetTables(file)).toEqual(
        isNative ? withoutShift(expected.offset_tables) : expected.offset_tables,
      )
      if (expected.frames_sha256 !== null) {
        const hashes = frames?.spans.map(({ start, end }) =>
          sha256(frameBytes(file.dataSet.content.subarray(start, end), frames.encapsulated)),
        )
        expect(hashes).toEqual([...expected.frames_sha256])
      }
    }
  })
}

function instancesOf(golden: GoldenCase) {
  const tar = golden.bytes(golden.keys.find((key) => key.endsWith(".tar"))!)
  return Object.values(golden.expected.instances).map((expected) => {
    const { start_byte, size } = expected
    return { expected, bytes: tar.subarray(start_byte, start_byte + size) }
  })
}

function withoutShift({
  CustomOffsetTable,
  CustomOffsetTableLengths,
}: GoldenInstance["offset_tables"]): OffsetTables {
  if (CustomOffsetTable === undefined || CustomOffsetTableLengths === undefined) return {}
  return { CustomOffsetTable: CustomOffsetTable.map((offset) => offset - 8), CustomOffsetTableLengths }
}

function sha256(bytes: Uint8Array): string {
  return new Bun.CryptoHasher("sha256").update(bytes).digest("hex")
}
