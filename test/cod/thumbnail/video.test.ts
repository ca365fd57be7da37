import { afterAll, describe, expect, test } from "bun:test"
import { mkdirSync, symlinkSync } from "node:fs"
import {
  FfmpegFailedError,
  FfmpegMissingError,
  InvalidThumbnailError,
  TooLarge,
} from "../../../lib/cod/errors.ts"
import { findFfmpeg, requireFfmpeg, runFfmpeg } from "../../../lib/cod/thumbnail/ffmpeg.ts"
import { decodeJpg, encodeJpg } from "../../../lib/cod/thumbnail/jpg.ts"
import { decodeMp4, encodeMp4 } from "../../../lib/cod/thumbnail/mp4.ts"
import type { Picture } from "../../../lib/cod/thumbnail/picture.ts"
import { readPpms } from "../../../lib/cod/thumbnail/ppm.ts"
import { Aborted } from "../../../lib/support/errors.ts"
import { failureOf } from "../../contract/bodies.ts"
import { tempDir } from "../../support/temp.ts"

const dir = tempDir("video")
afterAll(() => dir[Symbol.dispose]())

const SIZE = 64

/** A picture that is none of the others, nor itself turned or mirrored. */
function nth(n: number): Picture {
  const rgb = new Uint8Array(SIZE * SIZE * 3)
  for (let y = 0; y < SIZE; y += 1)
    for (let x = 0; x < SIZE; x += 1) rgb.set([x * 3, y * 2, 40 * n], (y * SIZE + x) * 3)
  return { size: SIZE, rgb }
}

async function* pictures(count: number): AsyncGenerator<Picture> {
  for (let n = 0; n < count; n += 1) yield nth(n)
}

function difference(a: Picture, b: Picture): number {
  return a.rgb.reduce((sum, value, i) => sum + Math.abs(value - b.rgb[i]!), 0) / a.rgb.length
}

describe.skipIf(findFfmpeg() === undefined)("a video", () => {
  test("has the pictures that it was made of, in their order", async () => {
    const path = dir.file("made.mp4")
    await encodeMp4(pictures(6), SIZE, path)
    const read = await decodeMp4(path, 6)
    for (const [n, picture] of read.entries()) expect(difference(picture, nth(n))).toBeLessThan(4)
    expect(read.length).toBe(6)
  })

  test("is one that browsers play, its table of contents ahead of its frames", async () => {
    const path = dir.file("played.mp4")
    await encodeMp4(pictures(2), SIZE, path)
    const bytes = Buffer.from(await Bun.file(path).bytes())
    expect(bytes.subarray(4, 8).toString()).toBe("ftyp")
    expect(bytes.indexOf("avc1")).toBeGreaterThan(0)
    expect(bytes.indexOf("moov")).toBeLessThan(bytes.indexOf("mdat"))
  })

  test("of other frames than the metadata tells is refused, and what is none", async () => {
    const path = dir.file("counted.mp4")
    await encodeMp4(pictures(3), SIZE, path)
    for (const frames of [2, 4])
      expect(await failureOf(decodeMp4(path, frames))).toBeInstanceOf(InvalidThumbnailError)
    await Bun.write(dir.file("none.mp4"), "#EXTM3U\nfile:///etc/passwd\n")
    expect(await failureOf(decodeMp4(dir.file("none.mp4"), 1))).toBeInstanceOf(InvalidThumbnailError)
  })

  test("fails as its pictures do", async () => {
    const failure = new RangeError("a picture failed")
    async function* failing() {
      yield nth(1)
      throw failure
    }
    expect(await failureOf(encodeMp4(failing(), SIZE, dir.file("failing.mp4")))).toBe(failure)
  })

  test("that cannot be written is an error with ffmpeg's own words", async () => {
    const failure = await failureOf(encodeMp4(pictures(2), SIZE, dir.file("nowhere", "x.mp4")))
    expect(failure).toBeInstanceOf(FfmpegFailedError)
    expect((failure as Error).message).toContain("No such file")
  })

  test("is ended when it is given up, and its pictures with it", async () => {
    const stop = new AbortController()
    let ended = false
    async function* endless() {
      try {
        for (let n = 0; ; n += 1) {
          if (n === 3) stop.abort()
          yield nth(n)
        }
      } finally {
        ended = true
      }
    }
    const failure = await failureOf(encodeMp4(endless(), SIZE, dir.file("stopped.mp4"), stop.signal))
    expect(failure).toBeInstanceOf(Aborted)
    expect(ended).toBe(true)
  })

  test("that takes too long is ended", async () => {
    const input = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", `${SIZE}x${SIZE}`, "-i", "pipe:0"]
    const work = { args: [...input, "-f", "null", "-"], timeoutMs: 200, output: async () => {} }
    // What it waits for never comes.
    const hanging: AsyncIterable<Uint8Array> = {
      [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }),
    }
    expect(await failureOf(runFfmpeg({ ...work, input: hanging }))).toBeInstanceOf(FfmpegFailedError)
  })
})

describe("ffmpeg", () => {
  test("is the one in PATH, if there is one", () => {
    const program = findFfmpeg() ?? "/bin/true"
    mkdirSync(dir.file("bin"))
    symlinkSync(program, dir.file("bin", "ffmpeg"))
    expect(findFfmpeg(dir.file("bin"))).toBe(dir.file("bin", "ffmpeg"))
  })

  test("is nowhere where neither PATH nor a package has it", () => {
    expect(findFfmpeg(dir.file("nowhere"), dir.path)).toBeUndefined()
    expect(() => requireFfmpeg(dir.file("nowhere"), dir.path)).toThrow(FfmpegMissingError)
  })
})

describe("a JPEG", () => {
  test("has the picture that it was made of", async () => {
    expect(difference(await decodeJpg(await encodeJpg(nth(3))), nth(3))).toBeLessThan(2)
  })

  test("that is none, is cut off, or is not square is refused", async () => {
    const bytes = await encodeJpg(nth(3))
    const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')
    for (const none of [svg, bytes.subarray(0, 300), new Uint8Array(), Uint8Array.of(0xff, 0xd8)])
      expect(await failureOf(decodeJpg(none))).toBeInstanceOf(InvalidThumbnailError)
  })
})

describe("pictures that come through a pipe", () => {
  const ppm = (side: number, fill: number, other = side) =>
    Buffer.concat([Buffer.from(`P6\n${side} ${other}\n255\n`), Buffer.alloc(side * other * 3, fill)])
  async function* inPieces(bytes: Uint8Array, length: number) {
    for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length)
  }

  test("are the same however they are cut", async () => {
    const bytes = Buffer.concat([ppm(5, 1), ppm(2, 2), ppm(1, 3)])
    for (const length of [1, 3, 7, 40, 1000]) {
      const read = await readPpms(inPieces(bytes, length), { side: 64, count: 10, bytes: 1 << 20 })
      expect(read.map(({ size, rgb }) => [size, rgb.length, rgb[0]])).toEqual([
        [5, 75, 1],
        [2, 12, 2],
        [1, 3, 3],
      ])
    }
  })

  test("are refused when they are too large, not square, cut off or something else", async () => {
    const wrong = [
      ppm(65, 1),
      ppm(4, 1, 5),
      ppm(4, 1).subarray(0, -1),
      Buffer.from("P5\n1 1\n255\n0"),
      Buffer.concat([ppm(1, 1), ppm(1, 1)]),
    ]
    for (const bytes of wrong)
      expect(
        await failureOf(readPpms(inPieces(bytes, 10), { side: 64, count: 1, bytes: 1 << 20 })),
      ).toBeInstanceOf(InvalidThumbnailError)
  })

  test("are too large together before all of them are held", async () => {
    const endless = async function* () {
      for (;;) yield ppm(8, 1)
    }
    const limits = { side: 64, count: Number.POSITIVE_INFINITY, bytes: 4000 }
    expect(await failureOf(readPpms(endless(), limits))).toBeInstanceOf(TooLarge)
  })
})
