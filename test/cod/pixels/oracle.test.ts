import { describe, expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { rawFrame } from "../../../lib/cod/pixels/decode.ts"
import { decodeElsewhere } from "../../../lib/cod/pixels/decoder-processes.ts"
import { encapsulatedFrame } from "../../../lib/cod/pixels/frame-bytes.ts"
import { decodeFrame, describePixels } from "../../../lib/cod/pixels/index.ts"
import { withoutTransform } from "../../../lib/cod/pixels/jpeg-header.ts"
import { oracleFiles, realFile, sha256 } from "./oracle.ts"

const files = oracleFiles()
const shared = files.length === 0 ? test.skip : test

// The codec makes RGB of these at once; other decoders hand out what is stored.
const coloursOfJpeg = ["examples_ybr_color.dcm", "derived_US_ybr422_30f_EOT.dcm"]

describe("real files", () => {
  for (const { name, frames, hashes, transferSyntax } of files) {
    if (coloursOfJpeg.includes(name)) continue
    test(`${name}, ${transferSyntax}: every frame is what other decoders make of it`, async () => {
      const file = realFile(name)
      for (let frame = 0; frame < frames; frame += 1) {
        expect(hashes[frame]).toContain(sha256((await rawFrame(file, frame)).data))
      }
    })
  }

  for (const { name, frames, hashes } of files.filter((file) => coloursOfJpeg.includes(file.name))) {
    test(`${name}: before they are RGB the colours are what other decoders make of them`, async () => {
      const file = realFile(name)
      const description = describePixels(file)!
      for (let frame = 0; frame < frames; frame += 1) {
        const stream = withoutTransform(withoutJfif(encapsulatedFrame(file, description, frame)))
        const request = { codec: "jpeg", stream, memoryBytes: 2 ** 30 } as const
        const answer = await decodeElsewhere(request, { milliseconds: 10_000 })
        if (!("decoded" in answer)) throw new TypeError(JSON.stringify(answer))
        const { bytes } = answer.decoded
        expect(hashes[frame]).toContain(sha256(bytes))
        expect((await decodeFrame(file, frame)).data).toEqual(rgbOf(bytes))
      }
    })
  }

  shared("are one of each transfer syntax of the README's table, and no other", () => {
    const readme = readFileSync(join(import.meta.dir, "../../../lib/cod/README.md"), "utf8")
    const rows = readme.split("\n").filter((line) => /^\| `1\.2\.840/.test(line))
    const told = rows.flatMap((row) => {
      const uid = /^\| `([\d.]+)`/.exec(row)?.[1]
      const compared = /real files: (\d+)/.exec(row)?.[1]
      return compared === undefined ? [] : [`${uid}: ${compared}`]
    })
    const counted = Object.entries(Object.groupBy(files, ({ transferSyntax }) => transferSyntax)).map(
      ([uid, of]) => `${uid}: ${of?.length}`,
    )
    expect(told.toSorted()).toEqual(counted.toSorted())
  })
})

/** Without the segment that says that colours are YCbCr. */
function withoutJfif(stream: Uint8Array): Uint8Array {
  const end = 4 + stream[4]! * 256 + stream[5]!
  return new Uint8Array(Buffer.concat([stream.subarray(0, 2), stream.subarray(end)]))
}

/** ITU-R BT.601 in full range, once more and by its matrix. */
function rgbOf(ybr: Uint8Array): Uint8Array {
  const rgb = new Uint8ClampedArray(ybr.length)
  for (let i = 0; i < ybr.length; i += 3) {
    const [y, b, r] = [ybr[i]!, ybr[i + 1]! - 128, ybr[i + 2]! - 128]
    rgb.set([y + 1.402 * r, y - 0.344136286 * b - 0.714136286 * r, y + 1.772 * b].map(Math.round), i)
  }
  return new Uint8Array(rgb.buffer)
}
