import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import { PointOutsideError } from "../../../lib/cod/errors.ts"
import { toOriginal, toThumbnail } from "../../../lib/cod/thumbnail/coordinates.ts"
import { placed } from "../../../lib/cod/thumbnail/geometry.ts"

const side = fc.integer({ min: 1, max: 5000 })
const share = fc.double({ min: 0, max: 1, noNaN: true })
const ANCHORS = placed({ width: 816, height: 614 }, 128)

describe("a point", () => {
  test("goes to the thumbnail and back", () => {
    fc.assert(
      fc.property(side, side, share, share, (width, height, right, down) => {
        const anchors = placed({ width, height }, 128)
        const point = { x: right * width, y: down * height }
        const shown = toThumbnail(anchors, point)
        // What a rounding brings beyond the edge is outside.
        fc.pre(
          shown.x <= anchors.box.left + anchors.box.width && shown.y <= anchors.box.top + anchors.box.height,
        )
        const back = toOriginal(anchors, shown)
        expect(back.x).toBeCloseTo(point.x, 6)
        expect(back.y).toBeCloseTo(point.y, 6)
      }),
    )
  })

  test("at a corner of the frame is at that corner of its part of the thumbnail", () => {
    expect(toThumbnail(ANCHORS, { x: 0, y: 0 })).toEqual({ x: 0, y: 16 })
    expect(toThumbnail(ANCHORS, { x: 816, y: 614 })).toEqual({ x: 128, y: 112 })
    expect(toOriginal(ANCHORS, { x: 64, y: 64 })).toEqual({ x: 408, y: 307 })
  })

  test("outside is refused", () => {
    for (const point of [
      { x: -0.1, y: 5 },
      { x: 5, y: 614.1 },
      { x: 817, y: 0 },
      { x: Number.NaN, y: 0 },
    ])
      expect(() => toThumbnail(ANCHORS, point)).toThrow(PointOutsideError)
    for (const point of [
      { x: 64, y: 15 },
      { x: 64, y: 113 },
      { x: -1, y: 64 },
    ])
      expect(() => toOriginal(ANCHORS, point)).toThrow(PointOutsideError)
  })
})
