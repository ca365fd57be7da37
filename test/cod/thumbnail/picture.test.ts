import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import type { DecodedFrame } from "../../../lib/cod/pixels/index.ts"
import { placed } from "../../../lib/cod/thumbnail/geometry.ts"
import { pictureOf } from "../../../lib/cod/thumbnail/picture.ts"

const PLAIN = { map: (value: number) => value, isInverted: false }

function grey(columns: number, rows: number, data: DecodedFrame["data"]): DecodedFrame {
  return { rows, columns, samples: 1, bitsStored: 8, photometric: "MONOCHROME2", data }
}

/** Red of each pixel, row by row. */
function reds({ picture: { rgb, size } }: ReturnType<typeof pictureOf>): number[][] {
  return Array.from({ length: size }, (_, y) =>
    Array.from({ length: size }, (_, x) => rgb[(y * size + x) * 3]!),
  )
}

describe("a frame in its square", () => {
  test("lies where the Python package puts it", () => {
    expect(placed({ width: 552, height: 686 }, 128).box).toEqual({
      left: 13,
      top: 0,
      width: 102,
      height: 128,
    })
    expect(placed({ width: 816, height: 614 }, 128).box).toEqual({ left: 0, top: 16, width: 128, height: 96 })
    expect(placed({ width: 48, height: 96 }, 128).box).toEqual({ left: 32, top: 0, width: 64, height: 128 })
  })

  test("fills it with its long side, is never without a side, and stands in the middle", () => {
    const side = fc.integer({ min: 1, max: 40_000 })
    fc.assert(
      fc.property(side, side, fc.integer({ min: 8, max: 2048 }), (width, height, half) => {
        const size = half * 2
        const { box } = placed({ width, height }, size)
        expect(Math.max(box.width, box.height)).toBe(size)
        expect(Math.min(box.width, box.height)).toBeGreaterThanOrEqual(1)
        expect(box.left).toBe(Math.floor((size - box.width) / 2))
        expect(box.top).toBe(Math.floor((size - box.height) / 2))
      }),
    )
  })

  test("of ten pixels by four thousand is a line", () => {
    const data = Uint8Array.from({ length: 40_000 }, (_, i) => i % 250)
    const { anchors, isBlank } = pictureOf(grey(10, 4000, data), PLAIN, 128, "area")
    expect(anchors.box).toEqual({ left: 63, top: 0, width: 1, height: 128 })
    expect(isBlank).toBe(false)
  })

  test("is stretched from black to white between black bars, the left half left", () => {
    const drawn = pictureOf(grey(4, 2, Int16Array.from([-10, 0, 10, 30, -10, 0, 10, 30])), PLAIN, 4, "area")
    const row = [0, 63, 127, 255]
    expect(reds(drawn)).toEqual([[0, 0, 0, 0], row, row, [0, 0, 0, 0]])
  })

  test("is turned the right way up also when it fills 0 to 255, and bars stay black", () => {
    const drawn = pictureOf(
      grey(4, 2, Uint8Array.from([0, 1, 254, 255, 0, 1, 254, 255])),
      { ...PLAIN, isInverted: true },
      4,
      "area",
    )
    expect(reds(drawn)).toEqual([
      [0, 0, 0, 0],
      [255, 254, 1, 0],
      [255, 254, 1, 0],
      [0, 0, 0, 0],
    ])
  })

  test("is windowed after it was made smaller", () => {
    // A window that nothing lies in, but what lies between.
    const map = (value: number) => (value === 128 ? 1 : 0)
    const data = Uint8Array.from({ length: 64 }, (_, i) => (i % 8 < 4 ? 8 : i % 2 === 0 ? 0 : 256 - 1))
    const flat = pictureOf(grey(8, 8, data), { map, isInverted: false }, 4, "area")
    expect(flat.isBlank).toBe(true)
    const near = { map: (value: number) => (value > 127 && value < 128 ? 1 : 0), isInverted: false }
    expect(reds(pictureOf(grey(8, 8, data), near, 4, "area"))[0]).toEqual([0, 0, 255, 255])
  })

  test("without contrast is black", () => {
    for (const value of [0, 7, 255]) {
      const { picture, isBlank } = pictureOf(grey(4, 4, new Uint8Array(16).fill(value)), PLAIN, 8, "bilinear")
      expect(isBlank).toBe(true)
      expect(picture.rgb).toEqual(new Uint8Array(8 * 8 * 3))
    }
  })

  test("shows what is a number in it", () => {
    const data = Float32Array.from([Number.NaN, 0, Number.POSITIVE_INFINITY, 1])
    expect(reds(pictureOf(grey(2, 2, data), PLAIN, 2, "area"))).toEqual([
      [0, 0],
      [255, 255],
    ])
  })

  test("of colours is stretched in all of them alike", () => {
    const data = Uint8Array.from([10, 20, 30, 10, 60, 110, 10, 20, 30, 10, 60, 110])
    const frame: DecodedFrame = { ...grey(2, 2, data), samples: 3, photometric: "RGB" }
    const { rgb } = pictureOf(frame, { map: () => 0, isInverted: true }, 2, "area").picture
    expect([...rgb.subarray(0, 6)]).toEqual([0, 25, 51, 0, 127, 255])
  })
})
