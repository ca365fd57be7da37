import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import { CODError, TooLarge, UndecodableFrameError } from "../../../lib/cod/errors.ts"
import { parseDicom } from "../../../lib/cod/format/dicom/index.ts"
import { describePixels, renderFrame } from "../../../lib/cod/pixels/index.ts"
import { explicit, item } from "../format/dicom/build.ts"
import * as encoders from "./encoders.ts"
import { pixelFile, pixelFileBytes, SYNTAXES, text, words } from "./files.ts"

const shape = { rows: 24, columns: 20, components: 1, bits: 12 } as const
const data = Uint16Array.from({ length: 480 }, (_, i) => (i * i * 7) % 4096)
const bytes = Uint8Array.from(data)
const grey = { ...shape, data }
const colours = { rows: 8, columns: 20, components: 3, bits: 8, data: bytes } as const

// Some of them keep CharLS busy for ever: time is what this test is made of.
const limits = { milliseconds: 100, memoryBytes: 256 * 2 ** 20, frameBytes: 2 ** 20 }

const STREAMS = [
  { name: "RLE", syntax: SYNTAXES.rle, picture: grey, stream: rle },
  { name: "JPEG", syntax: SYNTAXES.jpeg, picture: colours, stream: jpeg },
  { name: "JPEG of 12 bits", syntax: SYNTAXES.jpegExtended, picture: grey, stream: jpeg12 },
  { name: "JPEG lossless", syntax: SYNTAXES.jpegLossless, picture: grey, stream: encoders.jpegLossless },
  { name: "JPEG-LS", syntax: SYNTAXES.jpegLs, picture: grey, stream: encoders.jpegLs },
  { name: "JPEG-LS of colours", syntax: SYNTAXES.jpegLs, picture: colours, stream: encoders.jpegLs },
  { name: "JPEG 2000", syntax: SYNTAXES.jpeg2000, picture: grey, stream: encoders.jpeg2000 },
  { name: "JPEG 2000 of colours", syntax: SYNTAXES.jpeg2000, picture: colours, stream: encoders.jpeg2000 },
  { name: "HTJ2K", syntax: SYNTAXES.htj2kLossless, picture: grey, stream: encoders.htj2k },
] as const

describe("damaged frames", () => {
  for (const { name, syntax, picture, stream } of STREAMS) {
    test(`${name}: 400 of them are pictures or errors of ours, and each is the only one that suffers`, async () => {
      const whole = await stream(picture as encoders.Picture)
      // Beside an empty fragment nothing tells how many frames the others are: then both frames suffer.
      const some = damaged(whole).filter(({ length }) => length > 0)
      const property = fc.asyncProperty(some, async (broken) => {
        const { bits, components } = picture
        const file = pixelFile({
          ...picture,
          samples: components,
          photometric: components === 3 ? "RGB" : "MONOCHROME2",
          allocated: bits > 8 ? 16 : 8,
          stored: bits,
          frames: 2,
          transferSyntax: syntax,
          fragments: [broken, whole],
        })
        const outcome = await renderFrame(file, 0, { limits }).catch((error: unknown) => error)
        if (outcome instanceof Error) {
          expect(outcome instanceof UndecodableFrameError || outcome instanceof TooLarge).toBe(true)
        }
        expect((await renderFrame(file, 1)).rows).toBe(picture.rows)
      })
      await fc.assert(property, { numRuns: 400 })
    })
  }
})

test("an empty frame, and one of a few bytes, are errors of ours in each syntax", async () => {
  for (const syntax of Object.values(SYNTAXES)) {
    const isNative = ["1.2.840.10008.1.2", SYNTAXES.bigEndian, SYNTAXES.deflated].includes(syntax)
    if (isNative || syntax === SYNTAXES.mpeg4) continue
    for (const fragment of [Uint8Array.of(0, 0), words(0xd8ff, 0xffff), words(0x4fff, 0x51ff, 0)]) {
      const file = pixelFile({ rows: 4, columns: 4, transferSyntax: syntax, fragments: [fragment] })
      await expect(renderFrame(file, 0)).rejects.toBeInstanceOf(UndecodableFrameError)
    }
  }
})

test.each([
  { rows: 40_000, columns: 1 },
  { rows: 32_000, columns: 32_000 },
  { rows: 1, columns: 1, frames: 2_000_000 },
])("%p is too large", (large) => {
  expect(() => describePixels(pixelFile({ ...large, pixels: words(0) }))).toThrow(TooLarge)
})

test("limits can be set", async () => {
  const file = pixelFile({ rows: 2, columns: 2, pixels: words(1, 2) })
  for (const tight of [{ dimension: 1 }, { frameBytes: 3 }, { frames: 0 }]) {
    await expect(renderFrame(file, 0, { limits: tight })).rejects.toBeInstanceOf(TooLarge)
  }
  expect(
    (await renderFrame(file, 0, { limits: { dimension: 2, frameBytes: 4, frames: 1 } })).data,
  ).toHaveLength(4)
})

test("files with damaged descriptions, tables and pixels are pictures or errors of ours", async () => {
  const lut = [explicit(0x00283002, "US", words(2, 0, 8)), explicit(0x00283006, "OW", words(0, 255))]
  const others = [
    ...[0x00281101, 0x00281102, 0x00281103].map((tag) => explicit(tag, "US", words(4, 0, 16))),
    ...[0x00281221, 0x00281222, 0x00281223].map((tag) => explicit(tag, "OW", words(0, 1, 9, 1, 3, 90))),
    text(0x00281050, "DS", "40\\1"),
    text(0x00281051, "DS", "80\\2"),
    explicit(0x00283000, "SQ", item(Buffer.concat(lut))),
    explicit(0x00283010, "SQ", item(Buffer.concat(lut))),
  ]
  const shape = { rows: 4, columns: 4, frames: 2, pixels: new Uint8Array(96).fill(3), others }
  const files = [
    pixelFileBytes(shape),
    pixelFileBytes({ ...shape, photometric: "PALETTE COLOR" }),
    pixelFileBytes({ ...shape, samples: 3, photometric: "YBR_FULL_422" }),
  ]
  const property = fc.asyncProperty(
    fc.constantFrom(...files).chain(damaged),
    fc.nat(1),
    async (bytes, frame) => {
      const render = async () => await renderFrame(parseDicom(bytes), frame, { limits })
      const outcome = await render().catch((error: unknown) => error)
      if (outcome instanceof Error) expect(outcome).toBeInstanceOf(CODError)
    },
  )
  await fc.assert(property, { numRuns: 2000 })
})

/** The stream with some of its bytes changed, cut off, taken out or doubled; the first ones are headers. */
function damaged(stream: Uint8Array): fc.Arbitrary<Uint8Array> {
  const place = fc.oneof(fc.nat(stream.length - 1), fc.nat(Math.min(160, stream.length - 1)))
  const change = fc.record({
    kind: fc.constantFrom("set", "set", "set", "flip", "cut", "remove", "double"),
    at: place,
    length: fc.integer({ min: 1, max: 12 }),
    byte: fc.oneof(fc.constantFrom(0, 0xff, 0x7f, 0x80), fc.nat(255)),
  })
  return fc.array(change, { minLength: 1, maxLength: 4 }).map((changes) => {
    let broken = Array.from(stream)
    for (const { kind, at, length, byte } of changes) {
      if (kind === "set") broken[at] = byte
      if (kind === "flip") broken[at] = (broken[at] ?? 0) ^ (1 << (byte & 7))
      if (kind === "cut") broken = broken.slice(0, at + 1)
      if (kind === "remove") broken.splice(at, length)
      if (kind === "double") broken.splice(at, 0, ...broken.slice(at, at + length))
    }
    return Uint8Array.from(broken, (value) => value ?? 0)
  })
}

/** Runs of literals: a segment of high bytes, one of low ones. */
function rle({ data: samples }: encoders.Picture): Uint8Array {
  const packed = [8, 0].map((shift) => {
    const plane = Array.from(samples, (sample) => (sample >> shift) & 255)
    const runs = Array.from({ length: Math.ceil(plane.length / 100) }, (_, i) =>
      plane.slice(100 * i, 100 * i + 100),
    )
    return runs.flatMap((run) => [run.length - 1, ...run])
  })
  const header = new Uint8Array(
    Uint32Array.from({ length: 16 }, (_, i) => [2, 64, 64 + packed[0]!.length][i] ?? 0).buffer,
  )
  return Uint8Array.from([...header, ...packed.flat()])
}

async function jpeg({ data: samples, rows: height, columns: width }: encoders.Picture): Promise<Uint8Array> {
  const { default: sharp } = await import("sharp")
  return await sharp(Buffer.from(samples), { raw: { width, height, channels: 3 } })
    .jpeg()
    .toBuffer()
}

function jpeg12(): Uint8Array {
  return encoders.flatBlocks(24, 20, [1, 4000, 3, 2048, 77, 500, 6, 1000, 3000])
}
