import { describe, expect, test } from "bun:test"
import { rawFrame } from "../../../lib/cod/pixels/decode.ts"
import { decodeFrame } from "../../../lib/cod/pixels/index.ts"
import { phantomPixels } from "../../../lib/demo/phantom-image.ts"
import * as encoders from "./encoders.ts"
import { type PixelFile, pixelFile, SYNTAXES } from "./files.ts"

const CODECS = [
  { name: "JPEG 2000", encode: encoders.jpeg2000, syntax: SYNTAXES.jpeg2000Lossless },
  { name: "HTJ2K", encode: encoders.htj2k, syntax: SYNTAXES.htj2kLossless },
] as const

/** Neither a multiple of two. */
const shape = { rows: 309, columns: 251 }
const chest = phantomPixels({ seed: 4, view: "PA", ...shape, instanceNumber: 1 })
const dim = Uint8Array.from(chest, (value) => value >> 4)

for (const { name, encode, syntax } of CODECS)
  describe(`${name} of which fewer pixels are enough`, () => {
    const fileOf = async (bits: 8 | 12, data: Uint8Array | Uint16Array, more: Partial<PixelFile> = {}) => {
      const stream = await encode({ ...shape, components: 1, bits, data })
      const allocated = bits === 12 ? 16 : 8
      return pixelFile({
        ...shape,
        allocated,
        stored: bits,
        transferSyntax: syntax,
        fragments: [stream],
        ...more,
      })
    }

    test("is decoded to no fewer on its long side, and says of what it is a lower resolution", async () => {
      const file = await fileOf(12, chest)
      const sizes = async (enough: number) => {
        const { rows, columns, of, data } = await decodeFrame(file, 0, { enough })
        expect(data.length).toBe(rows * columns)
        return { rows, columns, of }
      }
      expect(await sizes(309)).toEqual({ ...shape, of: undefined })
      expect(await sizes(155)).toEqual({ ...shape, of: undefined })
      expect(await sizes(154)).toEqual({ rows: 155, columns: 126, of: { ...shape, halvings: 1 } })
      expect(await sizes(30)).toEqual({ rows: 39, columns: 32, of: { ...shape, halvings: 3 } })
      // It has five resolutions below the first.
      expect(await sizes(1)).toEqual({ rows: 10, columns: 8, of: { ...shape, halvings: 5 } })
    })

    test("has its pixels where the first of those lie that they are made of", async () => {
      const slope = (row: number, column: number) => 5 * row + 7 * column + 30
      const data = Uint16Array.from({ length: chest.length }, (_, i) => {
        return slope(Math.floor(i / shape.columns), i % shape.columns)
      })
      const file = await fileOf(12, data)
      const low = await decodeFrame(file, 0, { enough: 77 })
      // At the edges it is bent.
      for (let row = 3; row < low.rows - 3; row += 1) {
        for (let column = 3; column < low.columns - 3; column += 1) {
          const difference = low.data[row * low.columns + column]! - slope(4 * row, 4 * column)
          expect(Math.abs(difference)).toBeLessThan(3)
        }
      }
    })

    test("of colours that are stored as brightness and colour stays what it is", async () => {
      const data = Uint8Array.from({ length: 64 * 64 * 3 }, (_, i) => [200, 100, 50][i % 3]!)
      const stream = await encode({ rows: 64, columns: 64, components: 3, bits: 8, data })
      const colours = { rows: 64, columns: 64, samples: 3, photometric: "YBR_RCT" } as const
      const file = pixelFile({ ...colours, transferSyntax: syntax, fragments: [stream] })
      const frame = await decodeFrame(file, 0, { enough: 16 })
      expect(frame).toMatchObject({ rows: 16, columns: 16, samples: 3, photometric: "RGB" })
      expect(frame.data).toEqual(data.subarray(0, 16 * 16 * 3))
    })

    test("is decoded whole where neighbours cannot be averaged: places in a palette, signs that the stream does not know", async () => {
      const files = [
        await fileOf(8, dim, { photometric: "PALETTE COLOR" }),
        await fileOf(12, chest, { signed: true }),
      ]
      for (const file of files) expect((await rawFrame(file, 0, { enough: 30 })).rows).toBe(309)
      expect((await rawFrame(await fileOf(8, dim), 0, { enough: 30 })).rows).toBe(39)
    })
  })

test("what is not in JPEG 2000 has one resolution", async () => {
  const pixels = new Uint8Array(chest.buffer, chest.byteOffset, chest.byteLength)
  const file = pixelFile({ ...shape, allocated: 16, stored: 12, pixels })
  expect(await decodeFrame(file, 0, { enough: 30 })).toEqual(await decodeFrame(file, 0))
})
