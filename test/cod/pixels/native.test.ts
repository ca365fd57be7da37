import { describe, expect, test } from "bun:test"
import { UndecodableFrameError, UnsupportedTransferSyntaxError } from "../../../lib/cod/errors.ts"
import { parseDicom } from "../../../lib/cod/format/dicom/index.ts"
import { decodeFrame } from "../../../lib/cod/pixels/index.ts"
import { dicomFile, explicit, uint16 } from "../format/dicom/build.ts"
import { pixelFile, SYNTAXES, text, words } from "./files.ts"

const decoded = async (...given: Parameters<typeof pixelFile>) =>
  (await decodeFrame(pixelFile(...given), 0)).data

describe("native pixels", () => {
  test("of 8 bits, an odd number of them, frame by frame", async () => {
    const pixels = Uint8Array.from({ length: 10 }, (_, i) => i)
    const file = pixelFile({ rows: 3, columns: 1, frames: 3, pixels })
    const frames = await Promise.all([0, 1, 2].map((frame) => decodeFrame(file, frame)))
    expect(frames.map(({ data }) => [...data])).toEqual([
      [0, 1, 2],
      [3, 4, 5],
      [6, 7, 8],
    ])
  })

  test("of 12 bits in 16: what stands in the others is not theirs", async () => {
    const shape = { rows: 1, columns: 3, allocated: 16, stored: 12 }
    const pixels = words(0xf001, 0x0800, 0x7fff)
    expect(await decoded({ ...shape, pixels })).toEqual(Uint16Array.of(1, 0x800, 0xfff))
    expect(await decoded({ ...shape, pixels, signed: true })).toEqual(Int16Array.of(1, -2048, -1))
  })

  test("are left in the file as they stand there", async () => {
    for (const signed of [false, true]) {
      for (const first of [0xf001, 0x0001, 0xffff]) {
        const pixels = words(3, 4, first, 0x0800, 5, 6)
        const file = pixelFile({ rows: 1, columns: 6, allocated: 16, stored: 12, signed, pixels })
        const before = new Uint8Array(file.dataSet.content)
        const { data } = await decodeFrame(file, 0)
        expect(file.dataSet.content).toEqual(before)
        expect((await decodeFrame(file, 0)).data).toEqual(data)
        const bits = (word: number) => (signed ? (word << 20) >> 20 : word & 0xfff)
        expect([...data]).toEqual([...new Uint16Array(pixels.buffer)].map(bits))
      }
    }
  })

  test("of 12 bits at the upper end of 16", async () => {
    const shape = { rows: 1, columns: 2, allocated: 16, stored: 12, highBit: 15 }
    const pixels = words(0x123f, 0xfff0)
    expect(await decoded({ ...shape, pixels })).toEqual(Uint16Array.of(0x123, 0xfff))
    expect(await decoded({ ...shape, pixels, signed: true })).toEqual(Int16Array.of(0x123, -1))
  })

  test("of 16 and 32 bits, with and without signs, wherever they stand in the file", async () => {
    const pixels = words(0xffff, 0x8000)
    expect(await decoded({ rows: 1, columns: 2, allocated: 16, pixels })).toEqual(
      Uint16Array.of(0xffff, 0x8000),
    )
    const wide = { rows: 1, columns: 1, allocated: 32, pixels }
    expect(await decoded(wide)).toEqual(Uint32Array.of(0x8000ffff))
    expect(await decoded({ ...wide, signed: true })).toEqual(Int32Array.of(0x8000ffff | 0))
    expect(await decoded({ ...wide, stored: 20 })).toEqual(Uint32Array.of(0xffff))
    expect(await decoded({ ...wide, stored: 16, signed: true })).toEqual(Int32Array.of(-1))
  })

  test("of one bit, the least significant one first, frames without padding between them", async () => {
    const file = pixelFile({
      rows: 1,
      columns: 5,
      frames: 2,
      allocated: 1,
      pixels: words(0b0000_0011_0110_0110),
    })
    expect((await decodeFrame(file, 0)).data).toEqual(Uint8Array.of(0, 1, 1, 0, 0))
    expect((await decodeFrame(file, 1)).data).toEqual(Uint8Array.of(1, 1, 0, 1, 1))
  })

  test("in planes: they are put side by side", async () => {
    const colours = { rows: 1, columns: 2, samples: 3, photometric: "RGB", planar: true } as const
    expect(await decoded({ ...colours, pixels: Uint8Array.of(1, 2, 3, 4, 5, 6) })).toEqual(
      Uint8Array.of(1, 3, 5, 2, 4, 6),
    )
  })

  test("encapsulated without compression", async () => {
    const transferSyntax = SYNTAXES.encapsulatedNative
    const fragments = [words(1, 2), words(3, 4)]
    const file = pixelFile({ rows: 1, columns: 2, frames: 2, allocated: 16, transferSyntax, fragments })
    expect((await decodeFrame(file, 1)).data).toEqual(Uint16Array.of(3, 4))
  })

  test.each([
    { tag: 0x7fe00008, vr: "OF", data: Float32Array.of(1.5, -2e10) },
    { tag: 0x7fe00009, vr: "OD", data: Float64Array.of(1 / 3, -2e100) },
  ])("as floating point, $vr", async ({ tag, vr, data }) => {
    const file = dicomFile([
      explicit(0x00280002, "US", uint16(1)),
      text(0x00280004, "CS", "MONOCHROME2"),
      explicit(0x00280010, "US", uint16(1)),
      explicit(0x00280011, "US", uint16(2)),
      explicit(tag, vr, new Uint8Array(data.buffer)),
    ])
    expect((await decodeFrame(parseDicom(file), 0)).data).toEqual(data)
  })

  test("that end too early are an error of the frames that they lack", async () => {
    const file = pixelFile({
      rows: 2,
      columns: 2,
      frames: 3,
      pixels: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 9),
    })
    expect((await decodeFrame(file, 1)).data).toEqual(Uint8Array.of(5, 6, 7, 8))
    await expect(decodeFrame(file, 2)).rejects.toThrow(UndecodableFrameError)
    await expect(decodeFrame(file, 3)).rejects.toThrow("there are 3")
  })

  test("in a syntax that nobody decodes", async () => {
    const file = pixelFile({ rows: 1, columns: 1, transferSyntax: SYNTAXES.mpeg4, fragments: [words(1)] })
    await expect(decodeFrame(file, 0)).rejects.toThrow(UnsupportedTransferSyntaxError)
  })
})

describe("encapsulated frames", () => {
  // RLE of one row of two pixels of 8 bits, in two parts.
  const frame = (value: number) => {
    const header = new Uint8Array(Uint32Array.from({ length: 16 }, (_, i) => [1, 64][i] ?? 0).buffer)
    return [header, Uint8Array.of(0xff, value)]
  }
  const shape = { rows: 1, columns: 2, transferSyntax: SYNTAXES.rle }

  test("of several fragments are told apart by the offset table", async () => {
    const fragments = [...frame(7), ...frame(9)]
    const file = pixelFile({ ...shape, frames: 2, fragments, table: [0, 64 + 2 + 16] })
    expect((await decodeFrame(file, 0)).data).toEqual(Uint8Array.of(7, 7))
    expect((await decodeFrame(file, 1)).data).toEqual(Uint8Array.of(9, 9))
  })

  test("of several fragments are nobody's without one", async () => {
    const file = pixelFile({ ...shape, frames: 2, fragments: [...frame(7), ...frame(9)] })
    await expect(decodeFrame(file, 0)).rejects.toThrow("nothing tells the frames apart")
  })

  test("of RLE repeat, are literal, and pause", async () => {
    const [header = new Uint8Array()] = frame(0)
    const body = Uint8Array.of(0xfe, 5, 0x80, 1, 1, 2, 0x80)
    const fragments = [Uint8Array.from([...header, ...body])]
    const file = pixelFile({ ...shape, columns: 5, fragments })
    expect((await decodeFrame(file, 0)).data).toEqual(Uint8Array.of(5, 5, 5, 1, 2))
  })
})
