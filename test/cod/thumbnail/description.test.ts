import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import { InvalidThumbnailError, NotInThumbnailError } from "../../../lib/cod/errors.ts"
import {
  frameAt,
  indicesOf,
  instancesIn,
  type ThumbnailDescription,
  thumbnailBlock,
} from "../../../lib/cod/thumbnail/description.ts"
import { placed } from "../../../lib/cod/thumbnail/geometry.ts"
import { readDescription } from "../../../lib/cod/thumbnail/read-description.ts"
import { goldenCase } from "../../support/golden.ts"

const DATASTORE = "gs://bucket/archive"

const FRAMES = [
  { key: "1.2", frame: 0, anchors: placed({ width: 552, height: 686 }, 128) },
  { key: "1.3", frame: 0, anchors: placed({ width: 16, height: 16 }, 128) },
  { key: "1.3", frame: 1, anchors: placed({ width: 16, height: 16 }, 128) },
]

const OURS: ThumbnailDescription = {
  kind: "mp4",
  uri: `${DATASTORE}/studies/1/series/2/thumbnail.mp4`,
  size: 128,
  crc32c: "AAAAAA==",
  frames: FRAMES,
  instances: instancesIn(FRAMES, (key) => `crc of ${key}`),
}

const BLOCK = JSON.parse(JSON.stringify(thumbnailBlock(OURS))) as Record<string, unknown>

describe("the field thumbnail", () => {
  test("has corners of the last pixels, and the names that the Python package reads", () => {
    expect(BLOCK).toEqual({
      version: "1.0",
      uri: OURS.uri,
      size: 128,
      crc32c: "AAAAAA==",
      thumbnail_index_to_instance_frame: [
        ["1.2", 0],
        ["1.3", 0],
        ["1.3", 1],
      ],
      instances: {
        "1.2": {
          crc32c: "crc of 1.2",
          frames: [{ thumbnail_index: 0, anchors: anchors(552, 686, [0, 13], [127, 114]) }],
        },
        "1.3": {
          crc32c: "crc of 1.3",
          frames: [1, 2].map((thumbnail_index) => ({
            thumbnail_index,
            anchors: anchors(16, 16, [0, 0], [127, 127]),
          })),
        },
      },
    })
  })

  test("is read as it was written", () => {
    expect(readDescription(BLOCK, DATASTORE)).toEqual(OURS)
  })

  for (const name of ["thumbnail-jpg", "thumbnail-mp4"]) {
    test(`of the Python package is read, its corners one pixel further: ${name}`, () => {
      const { metadata_fields, instances, order } = goldenCase(name).expected
      const description = readDescription(metadata_fields.thumbnail, DATASTORE)!
      const shown = order.filter((key) => instances[key]!.has_pixeldata)
      expect([...description.instances.keys()]).toEqual(shown)
      const frames = shown.flatMap((key) => {
        return Array.from({ length: instances[key]!.number_of_frames }, (_, frame) => ({ key, frame }))
      })
      expect(description.frames.map(({ key, frame }) => ({ key, frame }))).toEqual(frames)
      expect(description.size).toBe(128)
      for (const { anchors: found } of description.frames) expect(found).toEqual(placed(found.original, 128))
    })
  }

  test("of an old kind names its file from the datastore, and only a version makes corners inclusive", () => {
    const uri = "studies/1/series/2/thumbnail.jpg"
    const one = { frames: [{ thumbnail_index: 0, anchors: anchors(16, 16, [0, 0], [127, 127]) }] }
    const read = (version?: string) =>
      readDescription({ version, uri, instances: { "1.2": one } }, DATASTORE)!
    expect(read("1.0")).toMatchObject({ uri: `${DATASTORE}/${uri}`, kind: "jpg", size: 128 })
    expect(read("1.0").frames[0]!.anchors.box).toEqual({ left: 0, top: 0, width: 128, height: 128 })
    expect(read().frames[0]!.anchors.box).toEqual({ left: 0, top: 0, width: 127, height: 127 })
  })

  test("says what is shown where, from either end, and nothing beyond", () => {
    expect(frameAt(OURS, 2)).toBe(FRAMES[2]!)
    expect(frameAt(OURS, -3)).toBe(FRAMES[0]!)
    expect(indicesOf(OURS, "1.3")).toEqual([1, 2])
    for (const index of [3, -4, 0.5, Number.NaN])
      expect(() => frameAt(OURS, index)).toThrow(NotInThumbnailError)
    expect(() => indicesOf(OURS, "1.4")).toThrow(NotInThumbnailError)
  })

  test("that is none is refused, whatever it is", () => {
    for (const none of [undefined, null]) expect(readDescription(none, DATASTORE)).toBeUndefined()
    const paths = fc.constantFrom(
      "uri",
      "size",
      "instances",
      "version",
      "thumbnail_index_to_instance_frame",
      "1.2",
      "1.3",
    )
    const deep = fc.constantFrom(
      "frames",
      "thumbnail_index",
      "anchors",
      "original_size",
      "width",
      "thumbnail_bottom_right",
      "col",
    )
    fc.assert(
      fc.property(fc.oneof(paths, deep), fc.jsonValue(), (name, value) => {
        const text = JSON.stringify(BLOCK, (key, kept: unknown) => (key === name ? value : kept))
        try {
          const read = readDescription(JSON.parse(text), DATASTORE)!
          for (const {
            anchors: { box },
          } of read.frames)
            expect(Math.min(box.width, box.height)).toBeGreaterThan(0)
          for (const at of read.frames.keys()) expect(frameAt(read, at).frame).toBeGreaterThanOrEqual(0)
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidThumbnailError)
        }
      }),
    )
    for (const value of [1, "x", [], [[]], { uri: "x.jpg" }, { uri: "x.png", instances: {} }])
      expect(() => readDescription(value, DATASTORE)).toThrow(InvalidThumbnailError)
  })
})

function anchors(width: number, height: number, first: readonly number[], last: readonly number[]): object {
  return {
    original_size: { width, height },
    thumbnail_upper_left: { row: first[0], col: first[1] },
    thumbnail_bottom_right: { row: last[0], col: last[1] },
    scale_factor: width / (last[1]! - first[1]! + 1),
  }
}
