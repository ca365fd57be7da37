import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import type { Extent } from "../../../lib/cod/thumbnail/geometry.ts"
import { type Raster, resized } from "../../../lib/cod/thumbnail/resize.ts"

/** Seven by five. */
const RASTER: Raster = {
  width: 7,
  height: 5,
  samples: 1,
  data: Array.from({ length: 35 }, (_, i) => (i * i * 37 + 11 * i) % 1000),
}

/** What OpenCV 4.13 makes of it, of floating point, INTER_LINEAR and INTER_AREA. */
const BILINEAR_3_2 = [458.5, 699, 525.5, 311, 656.5, 338]
const BILINEAR_10_4 = [
  ...[111.25, 104.5125, 114.4375, 157.6625, 330.2375, 494.9125, 645.4375, 844.0625, 682.2375, 397.75],
  ...[708.5, 576.6375, 427.3125, 311.2875, 649.6125, 698.7875, 446.3125, 485.6875, 389.6125, 255],
  ...[494.75, 375.2625, 397.9375, 735.1625, 714.2375, 560.4125, 323.6875, 378.8125, 298.4875, 176.25],
  ...[345, 375.3875, 463.8125, 641.7875, 786.6125, 648.5375, 277.5625, 523.4375, 408.8625, 161.5],
]
const AREA_3_2 = [349.4857, 496.1143, 509.0286, 427.0857, 615.3143, 326.9714]

function rounded(data: Float64Array): number[] {
  return [...data].map((value) => Math.round(value * 10_000) / 10_000)
}

describe("a picture", () => {
  test("is made smaller and larger by interpolation as OpenCV does it", () => {
    expect(rounded(resized(RASTER, { width: 3, height: 2 }, "bilinear").data)).toEqual(BILINEAR_3_2)
    expect(rounded(resized(RASTER, { width: 10, height: 4 }, "bilinear").data)).toEqual(BILINEAR_10_4)
  })

  test("is made smaller by area as OpenCV does it", () => {
    expect(rounded(resized(RASTER, { width: 3, height: 2 }, "area").data)).toEqual(AREA_3_2)
  })

  test("keeps its mean when it is made smaller by area, and colours stay apart", () => {
    const side = fc.integer({ min: 1, max: 24 })
    fc.assert(
      fc.property(
        side,
        side,
        side,
        side,
        fc.infiniteStream(fc.integer({ min: 0, max: 255 })),
        (w, h, a, b, of) => {
          const from = { width: Math.max(w, a), height: Math.max(h, b) }
          const red = Array.from({ length: from.width * from.height }, () => of.next().value as number)
          const data = red.flatMap((value) => [value, 7, 255 - value])
          const small = resized(
            { ...from, samples: 3, data },
            { width: Math.min(w, a), height: Math.min(h, b) },
            "area",
          )
          const mean = (values: readonly number[]) =>
            values.reduce((sum, value) => sum + value, 0) / values.length
          const channel = (c: number) => [...small.data].filter((_, i) => i % 3 === c)
          expect(mean(channel(0))).toBeCloseTo(mean(red), 6)
          for (const value of channel(1)) expect(value).toBeCloseTo(7, 9)
          expect(mean(channel(2))).toBeCloseTo(255 - mean(red), 6)
        },
      ),
    )
  })

  test("of a lower resolution lies where the whole one does", () => {
    const side = fc.integer({ min: 100, max: 300 })
    const slope = fc.double({ min: -3, max: 3, noNaN: true })
    fc.assert(
      fc.property(
        side,
        side,
        fc.integer({ min: 1, max: 3 }),
        slope,
        slope,
        (width, height, halvings, a, b) => {
          // A plane is what it was when it is halved by taking every other pixel of every other line.
          const plane = (extent: Extent, step: number) => ({
            ...extent,
            samples: 1 as const,
            data: Array.from({ length: extent.width * extent.height }, (_, i) => {
              return step * (a * (i % extent.width) + b * Math.floor(i / extent.width))
            }),
          })
          const step = 2 ** halvings
          const small = { width: Math.ceil(width / step), height: Math.ceil(height / step) }
          const halved = { ...plane(small, step), of: { width, height, halvings } }
          const to = { width: 6, height: 5 }
          const whole = resized(plane({ width, height }, 1), to, "area").data
          const low = resized(halved, to, "area").data
          // At the edges there is nothing to be averaged with.
          for (let y = 1; y < to.height - 1; y += 1) {
            for (let x = 1; x < to.width - 1; x += 1) {
              // Half of what it would be aside if it were taken for what it covers.
              const tolerance = 0.13 * step * (Math.abs(a) + Math.abs(b)) + 1e-6
              expect(Math.abs(low[y * 6 + x]! - whole[y * 6 + x]!)).toBeLessThan(tolerance)
            }
          }
        },
      ),
    )
  })

  test("of as many pixels is itself", () => {
    for (const resample of ["area", "bilinear"] as const)
      expect([...resized(RASTER, RASTER, resample).data]).toEqual(RASTER.data as number[])
  })
})
