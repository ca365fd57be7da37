import { describe, expect, test } from "bun:test"
import { type PhantomOptions, phantomByteLength, phantomDicom } from "../../lib/demo/phantom.ts"

const SMALL = { seed: 7, rows: 64, columns: 48 } as const

test("a phantom is a DICOM file: preamble, DICM, and meta information of the length that it states", () => {
  const file = phantomDicom(SMALL)
  expect(file.subarray(0, 128).every((byte) => byte === 0)).toBe(true)
  expect(ascii(file.subarray(128, 132))).toBe("DICM")
  const elements = parse(file)
  const [groupLength, ...rest] = elements.filter((each) => each.tag.startsWith("0002"))
  const end = rest.at(-1)!.end
  expect(new DataView(groupLength!.value.slice().buffer).getUint32(0, true)).toBe(end - groupLength!.end)
  expect(text(elements, "0002,0010")).toBe("1.2.840.10008.1.2.1")
  expect(text(elements, "0002,0003")).toBe(text(elements, "0008,0018"))
})

test("elements stand in ascending order, once each, and every value has an even length", () => {
  const elements = parse(phantomDicom({ ...SMALL, studyDescription: "Tórax PA" }))
  const tags = elements.map((each) => each.tag)
  expect(tags).toEqual([...new Set(tags)].sort())
  expect(elements.every((each) => each.value.length % 2 === 0)).toBe(true)
})

describe.each([
  ["CR", "1.2.840.10008.5.1.4.1.1.1"],
  ["DX", "1.2.840.10008.5.1.4.1.1.1.1"],
] as const)("a %s phantom", (modality, sopClass) => {
  const elements = parse(phantomDicom({ ...SMALL, modality, view: "LATERAL", instanceNumber: 3 }))

  test("names its SOP class in the meta information and in the data set", () => {
    expect(text(elements, "0002,0002")).toBe(sopClass)
    expect(text(elements, "0008,0016")).toBe(sopClass)
    expect(text(elements, "0008,0060")).toBe(modality)
  })

  test("has every Type 1 attribute with a value and every Type 2 attribute at least empty", () => {
    for (const tag of [...TYPE_1[modality], ...TYPE_1.both]) {
      expect(elements.find((each) => each.tag === tag && each.value.length > 0)?.tag).toBe(tag)
    }
    const tags = elements.map((each) => each.tag)
    expect(tags).toEqual(expect.arrayContaining([...TYPE_2[modality], ...TYPE_2.both]))
  })

  test("is of an invented patient", () => {
    expect(text(elements, "0010,0010")).toBe("PHANTOM^SEED 7")
    expect(text(elements, "0010,0030")).toBe("")
  })

  test("stores 12 bits in 16, one value a pixel", () => {
    const pixels = pixelsOf(elements)
    expect(pixels.length).toBe(64 * 48)
    expect([number(elements, "0028,0010"), number(elements, "0028,0011")]).toEqual([64, 48])
    expect([number(elements, "0028,0100"), number(elements, "0028,0101")]).toEqual([16, 12])
    expect(Math.max(...pixels)).toBeLessThan(4096)
  })
})

test("MONOCHROME1 stores the same picture inverted", () => {
  const bright = pixelsOf(parse(phantomDicom({ ...SMALL, photometric: "MONOCHROME2" })))
  const inverted = pixelsOf(parse(phantomDicom({ ...SMALL, photometric: "MONOCHROME1" })))
  expect(inverted).toEqual(bright.map((value) => 4095 - value))
})

test("lungs are darker than heart, spine and abdomen, and the marker is the brightest", () => {
  const [rows, columns] = [430, 350]
  const pixels = pixelsOf(parse(phantomDicom({ seed: 7, rows, columns })))
  // A pixel is a millimetre; x counts from the left border of the image.
  const around = (x: number, y: number) => {
    const values = [-6, -3, 0, 3, 6].flatMap((dy) =>
      [-6, -3, 0, 3, 6].map((dx) => pixels[(y + dy) * columns + x + dx]!),
    )
    return values.reduce((sum, value) => sum + value) / values.length
  }
  const [rightLung, leftLung] = [around(95, 200), around(265, 180)]
  const [spine, heart, abdomen, air] = [around(175, 180), around(205, 240), around(100, 390), around(60, 20)]
  expect(Math.max(rightLung, leftLung)).toBeLessThan(0.6 * Math.min(spine, heart, abdomen))
  expect(air).toBeLessThan(Math.min(rightLung, leftLung))
  expect(Math.max(...pixels)).toBeGreaterThan(1.1 * Math.max(spine, heart, abdomen))
})

test("equal options give equal bytes; another seed, view or instance gives other ones", () => {
  const hash = (options: PhantomOptions) => Bun.CryptoHasher.hash("sha256", phantomDicom(options), "hex")
  const variants: PhantomOptions[] = [
    SMALL,
    { ...SMALL, seed: 8 },
    { ...SMALL, view: "LATERAL" },
    { ...SMALL, modality: "CR" },
    { ...SMALL, instanceNumber: 2 },
  ]
  expect(variants.map(hash)).toEqual(variants.map(hash))
  expect(new Set(variants.map(hash)).size).toBe(variants.length)
})

test("instances share the series and the study that they are given, and otherwise those of their seed", () => {
  const given = parse(
    phantomDicom({ ...SMALL, studyUid: "2.25.1", seriesUid: "2.25.22", instanceUid: "2.25.333" }),
  )
  expect(["0020,000d", "0020,000e", "0008,0018"].map((tag) => text(given, tag))).toEqual([
    "2.25.1",
    "2.25.22",
    "2.25.333",
  ])
  const [first, second] = [1, 2].map((instanceNumber) => parse(phantomDicom({ ...SMALL, instanceNumber })))
  expect(text(first!, "0020,000d")).toBe(text(second!, "0020,000d"))
  expect(text(first!, "0020,000e")).toBe(text(second!, "0020,000e"))
  expect(pixelsOf(first!)).not.toEqual(pixelsOf(second!))
  expect(text(first!, "0008,0018")).not.toBe(text(second!, "0008,0018"))
  expect(text(first!, "0008,0018")).toMatch(/^2\.25\.[1-9]\d{0,38}$/)
})

test("a file is padded to the size asked for, or refused where the picture does not fit", () => {
  const size = phantomDicom(SMALL).length
  expect(phantomByteLength(SMALL)).toBe(size)
  const padded = phantomDicom({ ...SMALL, byteLength: 20_000 })
  expect(padded.length).toBe(20_000)
  expect(parse(padded).at(-1)!.tag).toBe("fffc,fffc")
  expect(phantomDicom({ ...SMALL, byteLength: size }).length).toBe(size)
  expect(() => phantomDicom({ ...SMALL, byteLength: 20_001 })).toThrow(RangeError)
  expect(() => phantomDicom({ ...SMALL, byteLength: size - 2 })).toThrow(RangeError)
})

/** By module: Patient to SOP Common for both, then PS3.3 C.8.1 for CR, C.8.11 for DX. */
const TYPE_1 = {
  both: [
    ...[
      "0008,0016",
      "0008,0018",
      "0008,0060",
      "0020,000d",
      "0020,000e",
      "0028,0002",
      "0028,0004",
      "0028,0010",
    ],
    ...[
      "0028,0011",
      "0028,0100",
      "0028,0101",
      "0028,0102",
      "0028,0103",
      "0028,1050",
      "0028,1051",
      "7fe0,0010",
    ],
  ],
  CR: [],
  DX: [
    ...[
      "0008,0008",
      "0008,0068",
      "0018,1164",
      "0020,0020",
      "0020,0062",
      "0028,0301",
      "0028,1040",
      "0028,1041",
    ],
    ...["0028,1052", "0028,1053", "0028,1054", "0028,2110", "0054,0220", "2050,0020"],
  ],
}

const TYPE_2 = {
  both: [
    ...[
      "0008,0020",
      "0008,0030",
      "0008,0050",
      "0008,0070",
      "0008,0090",
      "0010,0010",
      "0010,0020",
      "0010,0030",
    ],
    ...["0010,0040", "0020,0010", "0020,0011", "0020,0013"],
  ],
  CR: ["0018,0015", "0018,5101"],
  DX: ["0008,2218", "0018,1508", "0018,7004", "0040,0555"],
}

interface Element {
  readonly tag: string
  readonly value: Uint8Array
  readonly end: number
}

/** The top level elements of an Explicit VR Little Endian file, sequences unopened. */
function parse(file: Uint8Array): Element[] {
  const view = new DataView(file.buffer, file.byteOffset, file.length)
  const hex = (at: number) => view.getUint16(at, true).toString(16).padStart(4, "0")
  const elements: Element[] = []
  for (let at = 132; at < file.length; at = elements.at(-1)!.end) {
    const long = ["OB", "OW", "SQ"].includes(ascii(file.subarray(at + 4, at + 6)))
    const start = at + (long ? 12 : 8)
    const end = start + (long ? view.getUint32(at + 8, true) : view.getUint16(at + 6, true))
    elements.push({ tag: `${hex(at)},${hex(at + 2)}`, value: file.subarray(start, end), end })
  }
  expect(elements.at(-1)!.end).toBe(file.length)
  return elements
}

const ascii = (bytes: Uint8Array) => String.fromCharCode(...bytes)

const bytes = (elements: readonly Element[], tag: string) => elements.find((each) => each.tag === tag)!.value

const text = (elements: readonly Element[], tag: string) =>
  new TextDecoder().decode(bytes(elements, tag)).replace(/[\0 ]$/, "")

const number = (elements: readonly Element[], tag: string) =>
  new DataView(bytes(elements, tag).slice().buffer).getUint16(0, true)

const pixelsOf = (elements: readonly Element[]) =>
  new Uint16Array(bytes(elements, "7fe0,0010").slice().buffer)
