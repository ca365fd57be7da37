import { expect, test } from "bun:test"
import fc from "fast-check"
import {
  base64ToHex,
  crc32c,
  crc32cBase64,
  crc32cCombine,
  crc32cFromBase64,
  crc32cOfFile,
  crc32cToBase64,
  crc32cWithout,
  EMPTY_CRC32C,
  hexToBase64,
  md5Base64,
  md5OfFile,
} from "../../lib/support/checksums.ts"
import { tempDir } from "./temp.ts"

const text = (value: string) => new TextEncoder().encode(value)

test("CRC32C is that of RFC 3720, appendix B.4", () => {
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa)
  expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43)
  expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe(0x46dd794e)
})

test("CRC32C is written as GCS documents it: base64 of big-endian bytes", () => {
  expect(crc32cBase64(text("123456789"))).toBe(Buffer.from([0xe3, 0x06, 0x92, 0x83]).toString("base64"))
  expect(crc32cBase64(new Uint8Array())).toBe(EMPTY_CRC32C)
})

test("pieces give the CRC32C of the whole", () => {
  const whole = text("a body that came in three pieces")
  const pieces = [whole.subarray(0, 1), whole.subarray(1, 20), whole.subarray(20)]
  expect(pieces.reduce((value, piece) => crc32c(piece, value), 0)).toBe(crc32c(whole))
})

test("the CRC32C of two runs of bytes gives that of both after one another, and goes back", () => {
  const bytes = fc.uint8Array({ maxLength: 3000 })
  fc.assert(
    fc.property(bytes, bytes, (first, second) => {
      const whole = crc32cBase64(Buffer.concat([first, second]))
      expect(crc32cCombine(crc32cBase64(first), crc32cBase64(second), second.length)).toBe(whole)
      expect(crc32cWithout(whole, second)).toBe(crc32cBase64(first))
    }),
  )
})

test("what stands around nothing, or beside it, keeps its CRC32C", () => {
  const digits = crc32cBase64(text("123456789"))
  expect(digits).toBe("4waSgw==")
  expect(crc32cCombine(digits, EMPTY_CRC32C, 0)).toBe(digits)
  expect(crc32cCombine(EMPTY_CRC32C, digits, 9)).toBe(digits)
  expect(crc32cWithout(digits, new Uint8Array())).toBe(digits)
  expect(crc32cWithout(digits, text("123456789"))).toBe(EMPTY_CRC32C)
})

test("runs of bytes may be longer than any 32 bits count", () => {
  // Zeros double: 2^44 of them are made of 2^20 by combining, and by one step over all.
  const first = text("before so many zeros")
  let length = 1 << 20
  let zeros = crc32cBase64(new Uint8Array(length))
  let stepwise = crc32cCombine(crc32cBase64(first), zeros, length)
  for (; length < 2 ** 44; length *= 2) {
    stepwise = crc32cCombine(stepwise, zeros, length)
    zeros = crc32cCombine(zeros, zeros, length)
  }
  expect(crc32cCombine(crc32cBase64(first), zeros, length)).toBe(stepwise)
})

test("base64 goes back to the number, and what is no CRC32C is refused", () => {
  for (const value of [0, 1, 0x7fffffff, 0x80000000, 0xffffffff]) {
    expect(crc32cFromBase64(crc32cToBase64(value))).toBe(value)
  }
  for (const wrong of ["", "AAAA", "AAAAAAA=", "????????", "AAAAAA"])
    expect(() => crc32cFromBase64(wrong)).toThrow(RangeError)
})

test("MD5 goes between S3's hexadecimal digits and GCS's base64", () => {
  expect(md5Base64(text("abc"))).toBe("kAFQmDzST7DWlj99KOF/cg==")
  expect(hexToBase64("900150983CD24FB0D6963F7D28E17F72")).toBe("kAFQmDzST7DWlj99KOF/cg==")
  expect(base64ToHex("kAFQmDzST7DWlj99KOF/cg==")).toBe("900150983cd24fb0d6963f7d28e17f72")
  for (const wrong of ["9", "9x", "0x90"]) expect(() => hexToBase64(wrong)).toThrow(RangeError)
})

test.each([0, 1, 1 << 20, (1 << 20) + 1, 3_000_001])(
  "a file of %d bytes has the checksums of its bytes",
  async (size) => {
    using dir = tempDir()
    const bytes = Uint8Array.from({ length: size }, (_, i) => (i * 31) >> 3)
    await Bun.write(dir.file("body"), bytes)
    expect(await crc32cOfFile(dir.file("body"))).toBe(crc32cBase64(bytes))
    expect(await md5OfFile(dir.file("body"))).toBe(md5Base64(bytes))
  },
)

test("a part of a file has the MD5 of that part, also over its end", async () => {
  using dir = tempDir()
  await Bun.write(dir.file("body"), "0123456789")
  expect(await md5OfFile(dir.file("body"), { start: 3, end: 7 })).toBe(md5Base64(text("3456")))
  expect(await md5OfFile(dir.file("body"), { start: 8, end: 20 })).toBe(md5Base64(text("89")))
  expect(await md5OfFile(dir.file("body"), { start: 4, end: 4 })).toBe(md5Base64(new Uint8Array()))
})

test("an aborted signal ends the reading of a file", async () => {
  using dir = tempDir()
  await Bun.write(dir.file("body"), new Uint8Array(4 << 20))
  const reason = new Error("enough")
  await expect(crc32cOfFile(dir.file("body"), AbortSignal.abort(reason))).rejects.toBe(reason)
})
