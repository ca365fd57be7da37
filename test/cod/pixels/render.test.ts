import { describe, expect, test } from "bun:test"
import { parseDicom } from "../../../lib/cod/format/dicom/index.ts"
import { renderFrame } from "../../../lib/cod/pixels/index.ts"
import { dicomFile, explicit, item, uint16 } from "../format/dicom/build.ts"
import { type PixelFile, pixelFile, text, words } from "./files.ts"

const rendered = async (pixels: readonly number[], ...others: Uint8Array[]) =>
  await renderedAs({}, pixels, ...others)

async function renderedAs(
  description: Partial<PixelFile>,
  pixels: readonly number[],
  ...others: Uint8Array[]
) {
  const shape = { rows: 1, columns: pixels.length, allocated: 16, ...description }
  return [...(await renderFrame(pixelFile({ ...shape, pixels: words(...pixels), others }), 0)).data]
}

const window = (center: number, width: number, name?: string) => [
  text(0x00281050, "DS", `${center}\\1`),
  text(0x00281051, "DS", `${width}\\2`),
  ...(name === undefined ? [] : [text(0x00281056, "CS", name)]),
]
const rescale = (slope: number, intercept: number) => [
  text(0x00281052, "DS", String(intercept)),
  text(0x00281053, "DS", String(slope)),
]
const sequence = (tag: number, ...elements: Uint8Array[]) =>
  explicit(tag, "SQ", item(Buffer.concat(elements)))
const lut = (descriptor: number[], ...entries: number[]) => [
  explicit(0x00283002, "US", words(...descriptor)),
  explicit(0x00283006, "OW", words(...entries)),
]
const inverse = text(0x20500020, "CS", "INVERSE")

describe("greys", () => {
  test("without a window go from the smallest value to the largest", async () => {
    expect(await rendered([100, 150, 200])).toEqual([0, 128, 255])
    expect(await renderedAs({ signed: true }, [-100 & 0xffff, 0, 100])).toEqual([0, 128, 255])
    const wide = { allocated: 32, columns: 3 }
    expect(await renderedAs(wide, [0, 0, 0, 0x8000, 0xffff, 0xffff])).toEqual([0, 128, 255])
  })

  test("of MONOCHROME1 are bright where they are small, and so are those of the shape INVERSE, but not twice", async () => {
    expect(await renderedAs({ photometric: "MONOCHROME1" }, [0, 255])).toEqual([255, 0])
    expect(await rendered([0, 255], inverse)).toEqual([255, 0])
    expect(await renderedAs({ photometric: "MONOCHROME1" }, [0, 255], inverse)).toEqual([255, 0])
  })

  test("that are all alike are black", async () => {
    expect(await rendered([7, 7])).toEqual([0, 0])
    expect(await renderedAs({ photometric: "MONOCHROME1" }, [7, 7])).toEqual([0, 0])
  })

  test("through the first of several windows, with the formulas of the standard", async () => {
    // PS3.3, section C.11.2.1.2.1: 2048 and 4096.
    expect(await rendered([0, 2048, 4095, 5000], ...window(2048, 4096))).toEqual([0, 128, 255, 255])
    expect(await rendered([49, 50, 51, 52], ...window(51, 3))).toEqual([0, 64, 191, 255])
    expect(await rendered([9, 10], ...window(10, 1))).toEqual([0, 255])
    expect(await rendered([0, 50, 100], ...window(50, 100, "LINEAR_EXACT"))).toEqual([0, 128, 255])
    expect(await rendered([0, 50, 100], ...window(50, 100, "SIGMOID"))).toEqual([30, 128, 225])
  })

  test("through a window that is none as without it", async () => {
    expect(await rendered([0, 50, 100], ...window(50, 0))).toEqual([0, 128, 255])
    expect(await rendered([0, 50, 100], text(0x00281050, "DS", "x"))).toEqual([0, 128, 255])
  })

  test("are rescaled before a window", async () => {
    expect(await rendered([0, 10], ...rescale(2, -10), ...window(0, 20, "LINEAR_EXACT"))).toEqual([0, 255])
    expect(await rendered([0, 5, 10], ...rescale(-1, 0))).toEqual([255, 128, 0])
  })

  test("through a modality's table, and a table of interest", async () => {
    const modality = sequence(0x00283000, ...lut([3, 1, 16], 500, 100, 300))
    expect(await rendered([0, 1, 2, 3, 9], modality)).toEqual([255, 255, 0, 128, 128])
    const interest = sequence(0x00283010, ...lut([3, 100, 8], 0, 255, 51))
    expect(await rendered([0, 101, 200], interest, ...window(1, 1))).toEqual([0, 255, 51])
  })

  test("through a window that is asked for, instead of the file's", async () => {
    const file = pixelFile({ rows: 1, columns: 2, pixels: Uint8Array.of(0, 100), others: window(0, 5) })
    const asked = { center: 100, width: 200 }
    expect((await renderFrame(file, 0, { window: asked })).data).toEqual(Uint8Array.of(0, 128))
  })

  test("by the functional groups of their frame, and of all frames", async () => {
    const transformed = sequence(0x00289145, ...rescale(1, 100))
    const windowed = (center: number) => item(sequence(0x00289132, ...window(center, 2, "LINEAR_EXACT")))
    const groups = [
      sequence(0x52009229, transformed),
      explicit(0x52009230, "SQ", Buffer.concat([windowed(101), windowed(102)])),
    ]
    const pixels = Uint8Array.of(0, 1, 2, 0, 1, 2)
    const file = pixelFile({ rows: 1, columns: 3, frames: 2, pixels, others: groups })
    expect((await renderFrame(file, 0)).data).toEqual(Uint8Array.of(0, 128, 255))
    expect((await renderFrame(file, 1)).data).toEqual(Uint8Array.of(0, 0, 128))
  })

  test("as floating point: what is no number is black", async () => {
    const data = Float32Array.of(Number.NaN, -1, 0, 1, Number.POSITIVE_INFINITY)
    const file = dicomFile([
      explicit(0x00280010, "US", uint16(1)),
      explicit(0x00280011, "US", uint16(5)),
      explicit(0x7fe00008, "OF", new Uint8Array(data.buffer)),
    ])
    expect((await renderFrame(parseDicom(file), 0)).data).toEqual(Uint8Array.of(0, 0, 128, 255, 255))
  })
})
