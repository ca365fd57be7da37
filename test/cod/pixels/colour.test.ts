import { describe, expect, test } from "bun:test"
import { UndecodableFrameError } from "../../../lib/cod/errors.ts"
import { decodeFrame, renderFrame } from "../../../lib/cod/pixels/index.ts"
import { explicit } from "../format/dicom/build.ts"
import { pixelFile, words } from "./files.ts"

describe("palettes", () => {
  const shape = { rows: 1, columns: 4, photometric: "PALETTE COLOR", pixels: Uint8Array.of(0, 10, 11, 255) }
  const palette = (descriptor: Uint8Array, ...tables: Uint8Array[]) =>
    tables.flatMap((table, channel) => [
      explicit(0x00281101 + channel, "US", descriptor),
      explicit(0x00281201 + channel, "OW", table),
    ])
  const descriptor8 = words(2, 10, 8)
  const rgb = [10, 20, 30, 10, 20, 30, 11, 21, 31, 11, 21, 31]

  test("of 8 bits, two entries to a word: pixels outside take the first or last one", async () => {
    const tables = [10, 20, 30].map((value) => Uint8Array.of(value, value + 1))
    const { data, bitsStored, photometric } = await decodeFrame(
      pixelFile({ ...shape, others: palette(descriptor8, ...tables) }),
      0,
    )
    expect({ data, bitsStored, photometric }).toEqual({
      data: Uint8Array.from(rgb),
      bitsStored: 8,
      photometric: "RGB",
    })
  })

  test("of 8 bits, an entry to a word, also where 16 are announced", async () => {
    const tables = [10, 20, 30].map((value) => words(value, value + 1))
    for (const descriptor of [descriptor8, words(2, 10, 16)]) {
      const { data } = await decodeFrame(pixelFile({ ...shape, others: palette(descriptor, ...tables) }), 0)
      expect(data).toEqual(Uint8Array.from(rgb))
    }
  })

  test("of 16 bits: shown by their upper 8", async () => {
    const tables = [10, 20, 30].map((value) => words(value * 257, (value + 1) * 257))
    const file = pixelFile({ ...shape, others: palette(words(2, 10, 16), ...tables) })
    expect(await decodeFrame(file, 0)).toMatchObject({
      bitsStored: 16,
      data: Uint16Array.from(rgb, (value) => value * 257),
    })
    expect((await renderFrame(file, 0)).data).toEqual(Uint8Array.from(rgb))
  })

  test("in segments: runs, lines and repeats", async () => {
    // One entry, a line of four steps, and both once more; indices from 0.
    const segments = words(0, 1, 10, 1, 4, 50, 2, 2, 0, 0)
    const others = [0, 1, 2].flatMap((channel) => [
      explicit(0x00281101 + channel, "US", words(10, 0, 8)),
      explicit(0x00281221 + channel, "OW", segments),
    ])
    const pixels = Uint8Array.from({ length: 10 }, (_, i) => i)
    const { data } = await decodeFrame(pixelFile({ ...shape, columns: 10, pixels, others }), 0)
    const red = [...data].filter((_, i) => i % 3 === 0)
    expect(red).toEqual([10, 20, 30, 40, 50, 10, 20, 30, 40, 50])
  })

  test.each([
    { why: "none", others: [] },
    { why: "one that is cut off", others: palette(words(9, 0, 8), ...[1, 2, 3].map(() => words(1))) },
  ])("$why: an error of the frame", async ({ others }) => {
    await expect(decodeFrame(pixelFile({ ...shape, others }), 0)).rejects.toThrow(UndecodableFrameError)
  })
})

describe("YBR", () => {
  // Red, white and black (PS3.3, section C.7.6.3.1.2).
  const colours = [
    { ybr: [76, 85, 255], rgb: [254, 0, 0] },
    { ybr: [255, 128, 128], rgb: [255, 255, 255] },
    { ybr: [0, 128, 128], rgb: [0, 0, 0] },
  ]

  test("in full, side by side and in planes", async () => {
    const shape = { rows: 1, columns: 3, samples: 3, photometric: "YBR_FULL" } as const
    const pixels = Uint8Array.from(colours.flatMap(({ ybr }) => ybr))
    const planes = Uint8Array.from([0, 1, 2].flatMap((channel) => colours.map(({ ybr }) => ybr[channel]!)))
    const expected = Uint8Array.from(colours.flatMap(({ rgb }) => rgb))
    expect((await decodeFrame(pixelFile({ ...shape, pixels }), 0)).data).toEqual(expected)
    expect((await decodeFrame(pixelFile({ ...shape, planar: true, pixels: planes }), 0)).data).toEqual(
      expected,
    )
  })

  test("of which two pixels share their colours", async () => {
    const pixels = Uint8Array.of(76, 0, 85, 255, 255, 0, 128, 128)
    const file = pixelFile({ rows: 1, columns: 4, samples: 3, photometric: "YBR_FULL_422", pixels })
    const { data } = await decodeFrame(file, 0)
    expect([...data]).toEqual([254, 0, 0, 178, 0, 0, 255, 255, 255, 0, 0, 0])
  })
})

test("colours of more than 8 bits are shown by their upper 8", async () => {
  const pixels = words(4095, 2048, 0)
  const shape = { rows: 1, columns: 1, samples: 3, photometric: "RGB", allocated: 16, stored: 12 } as const
  expect((await renderFrame(pixelFile({ ...shape, pixels }), 0)).data).toEqual(Uint8Array.of(255, 128, 0))
})
