import { describe, expect, test } from "bun:test"
import { existsSync } from "node:fs"
import { join } from "node:path"
import type { DicomFile } from "../../../lib/cod/format/dicom/index.ts"
import { decodeFrame, greyScaleOf } from "../../../lib/cod/pixels/index.ts"
import { framesOf } from "../../../lib/cod/thumbnail/instance-frames.ts"
import { pictureOf } from "../../../lib/cod/thumbnail/picture.ts"
import { phantomPixels } from "../../../lib/demo/phantom-image.ts"
import { jpeg2000 } from "../pixels/encoders.ts"
import { pixelFile, SYNTAXES } from "../pixels/files.ts"
import { realFile } from "../pixels/oracle.ts"

const PLAN = { size: 128, resample: "area" } as const

/** Mean absolute difference of samples of 8 bits between a thumbnail of all pixels and one of as many as are enough. */
const ALIKE = 1

const REAL = [
  "RG3_J2KR.dcm",
  "RG3_J2KI.dcm",
  "series_US/US_02.dcm",
  "series_US/US_03.dcm",
  "HTJ2KLossless_08_RGB.dcm",
]

async function drawn(file: DicomFile) {
  const { value } = await framesOf({ key: "1", frames: 1, extent: undefined, file }, PLAN).next()
  if (value === undefined) throw new TypeError("no frame")
  return value
}

async function requireAlike(file: DicomFile) {
  const { picture, anchors } = await drawn(file)
  const decoded = await decodeFrame(file, 0)
  const whole = pictureOf(decoded, greyScaleOf(file, 0), PLAN.size, PLAN.resample)
  expect(anchors).toEqual(whole.anchors)
  expect(picture.rgb).not.toEqual(whole.picture.rgb)
  let sum = 0
  for (const [i, value] of picture.rgb.entries()) sum += Math.abs(value - whole.picture.rgb[i]!)
  expect(sum / picture.rgb.length).toBeLessThan(ALIKE)
}

async function fileOf(rows: number, columns: number, bits: 8 | 12, data: Uint8Array | Uint16Array) {
  const stream = await jpeg2000({ rows, columns, components: 1, bits, data })
  const allocated = bits === 12 ? 16 : 8
  return pixelFile({
    ...{ rows, columns, allocated, stored: bits },
    ...{ transferSyntax: SYNTAXES.jpeg2000Lossless, fragments: [stream] },
  })
}

describe("a thumbnail of JPEG 2000, of fewer pixels than there are,", () => {
  test("shows what one of all of them shows: chests", async () => {
    for (const view of ["PA", "LATERAL"] as const) {
      const [rows, columns] = [701, 583]
      const data = phantomPixels({ seed: 9, view, rows, columns, instanceNumber: 1 })
      await requireAlike(await fileOf(rows, columns, 12, data))
    }
  })

  const real = existsSync(join(import.meta.dir, "../../../../shared/dicom")) ? test : test.skip
  for (const name of REAL) {
    real(`shows what one of all of them shows: ${name}`, async () => {
      await requireAlike(realFile(name))
    })
  }

  test("is black only where every pixel is alike", async () => {
    const data = new Uint8Array(512 * 512)
    expect(await drawn(await fileOf(512, 512, 8, data))).toMatchObject({ isBlack: true, error: undefined })
    // Too little for its surroundings to be brighter.
    data[201 * 512 + 201] = 1
    const { isBlack, picture } = await drawn(await fileOf(512, 512, 8, data))
    expect(isBlack).toBe(false)
    expect(Math.max(...picture.rgb)).toBe(255)
  })
})
