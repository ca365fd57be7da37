import { describe, expect, test } from "bun:test"
import { gunzipSync } from "node:zlib"
import fc from "fast-check"
import { InvalidCompression, TooLarge } from "../../../lib/cod/format/errors.ts"
import { gunzip, gzip, isGzip } from "../../../lib/cod/format/gzip.ts"
import {
  bunZstd,
  compress,
  decompress,
  nativeZstd,
  type Zstd,
  zstdEngine,
} from "../../../lib/cod/format/zstd.ts"

const MAX = 2 ** 20
const engines: Zstd[] = nativeZstd === undefined ? [bunZstd] : [bunZstd, nativeZstd]
const pieces = fc.array(fc.oneof(fc.uint8Array(), fc.constant(new Uint8Array(3000))), { maxLength: 4 })
const contents = pieces.map((all) => new Uint8Array(Buffer.concat(all)))

describe.each(engines)("zstd by $name", (zstd) => {
  test("gives back what it was given, and what any other wrote", () => {
    fc.assert(
      fc.property(contents, fc.constantFrom(...engines), fc.constantFrom(1, 3, 19), (bytes, other, level) => {
        expect(equal(zstd.decompress(other.compress(bytes, level), MAX), bytes)).toBe(true)
      }),
    )
  })

  test("writes the content's size into the frame, and no checksum", () => {
    const frame = zstd.compress(new Uint8Array(5797))
    expect(Buffer.from(frame.subarray(0, 7)).toString("hex")).toBe("28b52ffd60a515")
  })

  test("refuses a frame that says it holds more than the bound, without unpacking it", () => {
    const frame = zstd.compress(new Uint8Array(MAX + 1))
    expect(() => zstd.decompress(frame, MAX)).toThrow(TooLarge)
    const huge = Uint8Array.from([0x28, 0xb5, 0x2f, 0xfd, 0xe0, ...new Uint8Array(8).fill(255), 1, 0, 0])
    expect(() => zstd.decompress(huge, MAX)).toThrow(TooLarge)
    expect(zstd.decompress(zstd.compress(new Uint8Array(MAX)), MAX)).toHaveLength(MAX)
  })

  test("reads a frame that does not say how much it holds, up to the bound", () => {
    // By a streaming writer: 150,000 times "a", then as many times "b".
    const frame = Buffer.from(
      "28b52ffd00585400001061610100fbff39c002020002616c000010616202000cb62017f6f8e00a039f0462",
      "hex",
    )
    expect(zstd.decompress(frame, 300_000)).toHaveLength(300_000)
    expect(() => zstd.decompress(frame, 299_999)).toThrow(TooLarge)
    expect(() => zstd.decompress(frame.subarray(0, -1), MAX)).toThrow(InvalidCompression)
  })

  test("refuses a frame that lies about its size", () => {
    const frame = Buffer.from(zstd.compress(new Uint8Array(70_000)))
    const at = frame.indexOf(Buffer.from([0x70, 0x11, 0x01, 0x00]))
    for (const size of [0, 69_999, 70_001, MAX]) {
      frame.writeUInt32LE(size, at)
      expect(() => zstd.decompress(frame, MAX)).toThrow(InvalidCompression)
    }
  })

  test("refuses anything but one whole frame", () => {
    const frame = Buffer.from(zstd.compress(Buffer.from("some text, some text")))
    const skippable = Buffer.from("502a4d1800000000", "hex")
    const wrong = [
      Buffer.alloc(0),
      frame.subarray(0, 4),
      frame.subarray(0, -1),
      Buffer.concat([frame, frame]),
      Buffer.concat([frame, Buffer.alloc(1)]),
      Buffer.concat([skippable, frame]),
      skippable,
      Buffer.from("no frame at all"),
    ]
    for (const bytes of wrong) expect(() => zstd.decompress(bytes, MAX)).toThrow(InvalidCompression)
  })

  test("reads a frame with a checksum, and refuses it when that does not fit", () => {
    const frame = Buffer.from("28b52ffd24021100006162614ad092", "hex")
    expect(Buffer.from(zstd.decompress(frame, MAX)).toString()).toBe("ab")
    frame[frame.length - 1]! ^= 1
    expect(() => zstd.decompress(frame, MAX)).toThrow(InvalidCompression)
  })

  test("answers damaged frames with the content or an error of ours", () => {
    const frame = zstd.compress(Buffer.from(`{"vr": "UI", "Value": ["1.2.840"]}`.repeat(40)))
    fc.assert(
      fc.property(fc.nat(frame.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const damaged = Uint8Array.from(frame)
        damaged[at]! ^= change
        const outcome = attempt(() => zstd.decompress(damaged, MAX))
        expect(outcome === InvalidCompression || outcome === TooLarge || outcome instanceof Uint8Array).toBe(
          true,
        )
      }),
      { numRuns: 500 },
    )
  })
})

test("the addon is used where it was built", () => {
  expect(zstdEngine()).toBe((nativeZstd ?? bunZstd).name)
  expect(zstdEngine()).toMatch(/^(?:zstd-napi|Bun) \d+\.\d+\.\d+$/)
  expect(Buffer.from(decompress(compress(Buffer.from("x")), 1)).toString()).toBe("x")
})

describe("gzip", () => {
  test("gives back what it was given", () => {
    fc.assert(
      fc.property(contents, (bytes) => {
        const zipped = gzip(bytes)
        expect(isGzip(zipped)).toBe(true)
        expect(equal(gunzip(zipped, MAX), bytes)).toBe(true)
        expect(equal(gunzipSync(zipped), bytes)).toBe(true)
      }),
    )
  })

  test("gives nothing beyond the bound, whatever its trailer says", () => {
    const bomb = Buffer.from(gzip(new Uint8Array(4 * MAX)))
    for (const told of [4 * MAX, 10, 0xffffffff]) {
      bomb.writeUInt32LE(told, bomb.length - 4)
      expect(() => gunzip(bomb, MAX)).toThrow(TooLarge)
    }
    expect(gunzip(gzip(new Uint8Array(MAX)), MAX)).toHaveLength(MAX)
  })

  test("refuses what is cut short, damaged, or something else", () => {
    const zipped = Buffer.from(gzip(Buffer.from("text ".repeat(100))))
    const damaged = Buffer.from(zipped)
    damaged[damaged.length - 6]! ^= 1
    for (const bytes of [
      zipped.subarray(0, -1),
      zipped.subarray(0, 2),
      damaged,
      Buffer.from("{}"),
      Buffer.alloc(0),
    ]) {
      expect(() => gunzip(bytes, MAX)).toThrow(InvalidCompression)
    }
  })
})

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}

/** The result, or the class of what was thrown. */
function attempt<T>(action: () => T): T | unknown {
  try {
    return action()
  } catch (error) {
    return (error as Error).constructor
  }
}
