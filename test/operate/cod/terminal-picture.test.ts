import { describe, expect, test } from "bun:test"
import sharp from "sharp"
import { CODObject } from "../../../lib/cod/index.ts"
import { terminalPicture } from "../../../lib/operate/cod/terminal-picture.ts"
import type { PictureProtocol } from "../../../lib/support/terminal-pictures.ts"
import { type GoldenCase, goldenCase } from "../../support/golden.ts"

const JPG = goldenCase("thumbnail-jpg")
const MP4 = goldenCase("thumbnail-mp4")
const ESC = "\x1b"

/** Sequences begin with an escape and end with the string terminator, those of iTerm2 with a bell. */
const KITTY = new RegExp(`${ESC}_G([^;${ESC}]*);([A-Za-z0-9+/=]*)${ESC}\\\\`, "g")
const ITERM = new RegExp(`^${ESC}\\]1337;File=([^:]*):([A-Za-z0-9+/=]*)\x07$`)
const SIXELS = new RegExp(`^${ESC}P[\\d;]*q([^${ESC}]*)${ESC}\\\\$`)

/** A thumbnail's pictures as its library reads them, and what is written to the terminal. */
async function shown({ datastore, expected }: GoldenCase, protocol: PictureProtocol) {
  const uri = `${datastore}/studies/${expected.study_uid}/series/${expected.series_uid}`
  await using series = await CODObject.fromUri(uri, { lock: false })
  const file = await series.getThumbnailFile()
  const { signal } = new AbortController()
  const { sequence, shown } = (await terminalPicture(protocol, file, signal))!
  return { sequence, shown, pictures: (await series.getThumbnail()).pictures }
}

interface Raster {
  readonly width: number
  readonly height: number
  readonly rgb: Uint8Array
}

async function rasterOf(png: Uint8Array): Promise<Raster> {
  expect((await sharp(png).metadata()).format).toBe("png")
  const { data, info } = await sharp(png).removeAlpha().raw().toBuffer({ resolveWithObject: true })
  return { width: info.width, height: info.height, rgb: data }
}

/** A square out of a picture. */
function square({ width, rgb }: Raster, left: number, size: number): Buffer {
  const rows = Array.from({ length: size }, (_, y) => {
    const start = (y * width + left) * 3
    return rgb.subarray(start, start + size * 3)
  })
  return Buffer.concat(rows)
}

function difference(a: Uint8Array, b: Uint8Array): number {
  expect(a.length).toBe(b.length)
  return a.reduce((sum, value, at) => sum + Math.abs(value - b[at]!), 0) / a.length
}

/** The pieces of kitty's graphics protocol put together: control data of each, and the payload. */
function kitty(sequence: string) {
  const pieces = [...sequence.matchAll(KITTY)]
  expect(pieces.map(([piece]) => piece).join("")).toBe(sequence)
  const controls = pieces.map(([, keys]) => Object.fromEntries(keys!.split(",").map((key) => key.split("="))))
  const payloads = pieces.map(([, , payload]) => payload!)
  return { controls, payloads, png: Buffer.from(payloads.join(""), "base64") }
}

/** Sixels as the VT340 draws them: colours in percent, bands of six rows. */
function sixels(sequence: string): Raster {
  const [, body] = SIXELS.exec(sequence)!
  const [raster, , , columns, rows] = /^"(\d+);(\d+);(\d+);(\d+)/.exec(body!)!
  const [width, height] = [Number(columns), Number(rows)]
  const rgb = new Uint8Array(width * height * 3)
  const colors = new Map<number, number[]>()
  let [x, band, color] = [0, 0, 0]
  const draw = (bits: number, times: number) => {
    for (let n = 0; n < times; n++, x++) {
      for (let row = 0; row < 6; row++) {
        if ((bits >> row) & 1) rgb.set(colors.get(color)!, ((band * 6 + row) * width + x) * 3)
      }
    }
  }
  for (const [word] of body!.slice(raster!.length).matchAll(/#[\d;]+|!\d+[?-~]|[$\-?-~]/g)) {
    if (word === "$") x = 0
    else if (word === "-") [x, band] = [0, band + 1]
    else if (word.startsWith("#")) {
      const [number, model, ...percent] = word.slice(1).split(";").map(Number)
      color = number!
      if (model === 2)
        colors.set(
          color,
          percent.map((value) => Math.round(value * 2.55)),
        )
    } else draw(word.at(-1)!.charCodeAt(0) - 63, word.length === 1 ? 1 : Number(word.slice(1, -1)))
  }
  return { width, height, rgb }
}

describe("kitty", () => {
  test("is sent a PNG in pieces of its size, each but the last said to have more behind it", async () => {
    const { sequence, pictures, shown: numbers } = await shown(MP4, "kitty")
    const { controls, payloads, png } = kitty(sequence)
    expect(controls.length).toBeGreaterThan(1)
    expect(controls[0]).toEqual({ a: "T", f: "100", q: "2", m: "1" })
    for (const control of controls.slice(1, -1)) expect(control).toEqual({ q: "2", m: "1" })
    expect(controls.at(-1)).toEqual({ q: "2", m: "0" })
    for (const payload of payloads) expect(payload.length).toBeLessThanOrEqual(4096)
    for (const payload of payloads.slice(0, -1)) expect(payload.length % 4).toBe(0)
    const raster = await rasterOf(png)
    expect([raster.width, raster.height]).toEqual([4 * 128 + 3 * 4, 128])
    expect(numbers).toEqual([1, 3, 4, 6])
    for (const [n, number] of numbers.entries()) {
      expect(square(raster, n * 132, 128).equals(pictures[number - 1]!.rgb)).toBeTrue()
    }
  })
})

describe("iTerm2", () => {
  test("is sent one file that says how long it is, to be shown in line", async () => {
    const { sequence, pictures, shown: numbers } = await shown(JPG, "iterm")
    const [, keys, payload] = ITERM.exec(sequence)!
    const png = Buffer.from(payload!, "base64")
    expect(keys!.split(";").toSorted()).toEqual(["inline=1", `size=${png.length}`])
    const { rgb } = await rasterOf(png)
    expect(Buffer.from(rgb).equals(pictures[0]!.rgb)).toBeTrue()
    expect(numbers).toEqual([1])
  })
})

describe("sixels", () => {
  test("draw the picture as far as percents of 256 colours can", async () => {
    const { sequence, pictures } = await shown(JPG, "sixel")
    const raster = sixels(sequence)
    expect([raster.width, raster.height]).toEqual([128, 128])
    expect(difference(square(raster, 0, 128), pictures[0]!.rgb)).toBeLessThan(3)
  })

  test("draw frames side by side", async () => {
    const { sequence, pictures, shown: numbers } = await shown(MP4, "sixel")
    const raster = sixels(sequence)
    for (const [n, number] of numbers.entries()) {
      expect(difference(square(raster, n * 132, 128), pictures[number - 1]!.rgb)).toBeLessThan(6)
    }
  })
})

test("what cannot be decoded is no picture", async () => {
  const { datastore, expected } = JPG
  const uri = `${datastore}/studies/${expected.study_uid}/series/${expected.series_uid}`
  await using series = await CODObject.fromUri(uri, { lock: false })
  const file = { ...(await series.getThumbnailFile()), bytes: Buffer.from(`${ESC}[2J`) }
  expect(await terminalPicture("kitty", file, new AbortController().signal)).toBeUndefined()
})
