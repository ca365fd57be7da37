import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import sharp from "sharp"
import { decodeFrame } from "../../../lib/cod/pixels/index.ts"
import * as encoders from "./encoders.ts"
import { pixelFile, SYNTAXES } from "./files.ts"

const LOSSLESS = [
  { name: "JPEG lossless", syntax: SYNTAXES.jpegLosslessSv1, encode: encoders.jpegLossless, colourBits: 16 },
  { name: "JPEG-LS", syntax: SYNTAXES.jpegLs, encode: encoders.jpegLs, colourBits: 16 },
  { name: "JPEG 2000", syntax: SYNTAXES.jpeg2000Lossless, encode: encoders.jpeg2000, colourBits: 8 },
  { name: "HTJ2K", syntax: SYNTAXES.htj2kLossless, encode: encoders.htj2k, colourBits: 8 },
] as const

/** Pictures of noise, of any width, height and depth, of colours up to so many bits. */
function picture(colourBits: number): fc.Arbitrary<encoders.Picture> {
  return fc
    .record({
      rows: fc.integer({ min: 1, max: 40 }),
      columns: fc.integer({ min: 1, max: 40 }),
      components: fc.constantFrom<1 | 3>(1, 3),
      bits: fc.integer({ min: 2, max: 16 }),
      seed: fc.integer(),
    })
    .map(({ seed, components, ...rest }) => {
      const shape = { ...rest, components: rest.bits > colourBits ? 1 : components }
      const noise = fc.sample(fc.nat(2 ** shape.bits - 1), {
        seed,
        numRuns: shape.rows * shape.columns * shape.components,
      })
      return { ...shape, data: shape.bits > 8 ? Uint16Array.from(noise) : Uint8Array.from(noise) }
    })
}

function fileOf({ bits, components, ...shape }: encoders.Picture, syntax: string, stream: Uint8Array) {
  return pixelFile({
    ...shape,
    samples: components,
    photometric: components === 3 ? "RGB" : "MONOCHROME2",
    allocated: bits > 8 ? 16 : 8,
    stored: bits,
    transferSyntax: syntax,
    fragments: [stream],
  })
}

describe("lossless codecs", () => {
  for (const { name, syntax, encode, colourBits } of LOSSLESS) {
    test(`${name}: what was encoded is decoded, whatever its size, depth and colours`, async () => {
      await fc.assert(
        fc.asyncProperty(picture(colourBits), async (original) => {
          const file = fileOf(original, syntax, await encode(original))
          const frame = await decodeFrame(file, 0)
          expect(frame.data).toEqual(original.data)
          expect(frame.samples).toBe(original.components)
          expect(frame.bitsStored).toBe(original.bits)
        }),
        { numRuns: 40 },
      )
    })

    test(`${name}: signed values that are stored as two's complement keep their signs`, async () => {
      const values = [-2048, -1, 0, 1, 2047, -77, 1234, 5]
      const data = Uint16Array.from(values, (value) => value & 0xfff)
      const shape = { rows: 2, columns: 4, components: 1, bits: 12 } as const
      const stream = await encode({ ...shape, data })
      const file = pixelFile({
        ...shape,
        allocated: 16,
        stored: 12,
        signed: true,
        transferSyntax: syntax,
        fragments: [stream],
      })
      expect((await decodeFrame(file, 0)).data).toEqual(Int16Array.from(values))
    })
  }

  test.each([2, 3, 4, 5, 6, 7])("JPEG lossless: the predictor %p", async (predictor) => {
    const encode = (original: encoders.Picture) => encoders.jpegLossless(original, predictor)
    const property = fc.asyncProperty(picture(16), async (original) => {
      const file = fileOf(original, SYNTAXES.jpegLossless, encode(original))
      expect((await decodeFrame(file, 0)).data).toEqual(original.data)
    })
    await fc.assert(property, { numRuns: 10 })
  })

  test.each([
    { name: "JPEG 2000", encode: encoders.jpeg2000 },
    { name: "HTJ2K", encode: encoders.htj2k },
  ])("$name: colours of more than 8 bits", async ({ encode }) => {
    const data = Uint8Array.of(79, 194, 156, 12, 13, 14, 200, 201, 203, 5, 6, 7)
    const shape = { rows: 2, columns: 2, components: 3 } as const
    const stream = await encode({ ...shape, bits: 8, data })
    // Their encoders cannot make it. With 12 bits in its header the stream means values around another middle.
    for (const component of [0, 1, 2]) stream[42 + 3 * component] = 11
    const expected = Uint16Array.from(data, (value) => value - 128 + 2048)
    const file = fileOf({ ...shape, bits: 12, data: expected }, SYNTAXES.jpeg2000Lossless, stream)
    expect((await decodeFrame(file, 0)).data).toEqual(expected)
  })

  for (const { name, encode, syntax } of LOSSLESS.slice(2)) {
    test(`${name}: a codestream may be signed itself`, async () => {
      const data = Int16Array.of(-32768, -1, 0, 32767)
      const shape = { rows: 1, columns: 4, components: 1, bits: 16, signed: true } as const
      const stream = await encode({ ...shape, data })
      const file = pixelFile({ ...shape, allocated: 16, transferSyntax: syntax, fragments: [stream] })
      expect((await decodeFrame(file, 0)).data).toEqual(data)
    })
  }

  test("JPEG-LS: planes are put side by side, of 8 bits and of more", async () => {
    for (const bits of [8, 12]) {
      const data = Array.from({ length: 3 * 12 }, (_, i) => i * 7)
      const original = {
        ...({ rows: 3, columns: 4, components: 3, bits } as const),
        data: bits > 8 ? Uint16Array.from(data) : Uint8Array.from(data),
      }
      const planes = Array.from({ length: 36 }, (_, i) => data[(i % 12) * 3 + Math.floor(i / 12)]!)
      const planar = { ...original, data: bits > 8 ? Uint16Array.from(planes) : Uint8Array.from(planes) }
      const stream = await encoders.jpegLs(planar, { planar: true })
      expect((await decodeFrame(fileOf(original, SYNTAXES.jpegLs, stream), 0)).data).toEqual(original.data)
    }
  })
})

describe("lossy codecs", () => {
  test("JPEG-LS is as near as it says", async () => {
    const data = Uint8Array.from({ length: 400 }, (_, i) => (i * i) % 251)
    const original = { rows: 20, columns: 20, components: 1, bits: 8, data } as const
    const stream = await encoders.jpegLs(original, { near: 3 })
    const decoded = (await decodeFrame(fileOf(original, SYNTAXES.jpegLsNear, stream), 0)).data
    expect(decoded).not.toEqual(data)
    expect(Math.max(...data.map((value, i) => Math.abs(value - decoded[i]!)))).toBeLessThanOrEqual(3)
  })

  test.each([false, true])(
    "JPEG of 8 bits is what another decoder makes of it, progressive %p",
    async (progressive) => {
      const [width, height] = [45, 37]
      const samples = Array.from({ length: width * height * 3 }, (_, i) => (i * 5 + ((i * i) >> 5)) & 255)
      const raw = { width, height, channels: 3 } as const
      const stream = await sharp(Buffer.from(samples), { raw }).jpeg({ progressive }).toBuffer()
      const expected = await sharp(stream).raw().toBuffer()
      const { data } = await decodeFrame(colourJpeg(height, width, stream, "YBR_FULL_422"), 0)
      expect(data).toEqual(new Uint8Array(expected))
    },
  )

  test.each([0, 2])("JPEG of 12 bits, with a restart every %p blocks", async (restart) => {
    const values = [0, 4095, 2048, 17, 1000, 3000]
    const stream = encoders.flatBlocks(12, 20, values, restart)
    const shape = { rows: 12, columns: 20, allocated: 16, stored: 12 }
    const file = pixelFile({ ...shape, transferSyntax: SYNTAXES.jpegExtended, fragments: [stream] })
    const { data } = await decodeFrame(file, 0)
    const expected = Array.from({ length: 240 }, (_, i) => {
      const [row, column] = [Math.floor(i / 20), i % 20]
      return values[Math.floor(row / 8) * 3 + Math.floor(column / 8)]!
    })
    expect(data).toEqual(Uint16Array.from(expected))
  })
})

describe("colours of JPEG", () => {
  const colour = [200, 50, 90] as const
  // Its Y, Cb and Cr.
  const stored = [99, 123, 200] as const
  const isNear = (pixels: ArrayLike<number>, expected: readonly number[]) =>
    Math.max(...expected.map((value, i) => Math.abs(pixels[i]! - value))) <= 3

  test.each([
    { said: "nothing", file: "YBR_FULL_422", expected: colour },
    { said: "nothing", file: "YBR_FULL", expected: colour },
    { said: "nothing", file: "RGB", expected: stored },
    { said: "JFIF", file: "RGB", expected: colour },
    { said: "JFIF", file: "YBR_FULL_422", expected: colour },
    { said: "Adobe RGB", file: "YBR_FULL_422", expected: stored },
  ])("where the stream says $said, and the file $file", async ({ said, file, expected }) => {
    const samples = Buffer.from(Array.from({ length: 64 * 3 }, (_, i) => colour[i % 3]!))
    const stream = await sharp(samples, { raw: { width: 8, height: 8, channels: 3 } })
      .jpeg({ quality: 100 })
      .toBuffer()
    const marked = Buffer.concat([stream.subarray(0, 2), SEGMENTS[said]!, stream.subarray(2)])
    const decoded = await decodeFrame(colourJpeg(8, 8, marked, file), 0)
    expect(isNear(decoded.data, expected)).toBe(true)
    expect(decoded.photometric).toBe("RGB")
  })
})

const SEGMENTS: Readonly<Record<string, Uint8Array>> = {
  nothing: new Uint8Array(),
  JFIF: Buffer.from("ffe000104a46494600010100000100010000", "hex"),
  "Adobe RGB": Buffer.from("ffee000e41646f626500640000000000", "hex"),
}

function colourJpeg(rows: number, columns: number, stream: Uint8Array, photometric: string) {
  const shape = { rows, columns, samples: 3, photometric } as const
  return pixelFile({ ...shape, transferSyntax: SYNTAXES.jpeg, fragments: [stream] })
}
