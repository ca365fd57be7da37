import { expect, test } from "bun:test"
import { openBodies, rotten } from "../../../lib/demo/cloud/bodies.ts"
import { crc32cBase64, md5Base64 } from "../../../lib/support/checksums.ts"

const KIB256 = 256 * 1024
const CONTENT = Uint8Array.from({ length: 3 * KIB256 + 5 }, (_, i) => (i * 13 + (i >> 9)) & 255)

function inPieces(length: number): Uint8Array[] {
  const pieces: Uint8Array[] = []
  for (let at = 0; at < CONTENT.length; at += length) pieces.push(CONTENT.slice(at, at + length))
  return pieces
}

test.each([false, true])("equal contents are one body, however they came in (discard: %p)", (discard) => {
  const bodies = openBodies({ discard })
  const whole = bodies.intern([CONTENT])
  expect(bodies.intern(inPieces(KIB256))).toBe(whole)
  expect(bodies.intern(inPieces(2 * KIB256))).toBe(whole)
  expect([whole.size, whole.md5, whole.crc32c]).toEqual([
    CONTENT.length,
    md5Base64(CONTENT),
    crc32cBase64(CONTENT),
  ])
})

test("contents that differ in one bit, or in length, are different bodies with their own hashes", () => {
  const bodies = openBodies()
  const other = CONTENT.slice()
  other[KIB256] = other[KIB256]! ^ 1
  for (const content of [CONTENT, other, CONTENT.slice(1), CONTENT.slice(0, -1), new Uint8Array()]) {
    const body = bodies.intern([content])
    expect([body.crc32c, body.md5]).toEqual([crc32cBase64(content), md5Base64(content)])
    expect(Buffer.compare(body.bytes, content)).toBe(0)
  }
})

test("pieces that are not yet known are kept as one", () => {
  const body = openBodies().intern(inPieces(KIB256))
  expect(Buffer.compare(body.bytes, CONTENT)).toBe(0)
})

test("what rots is one object, not every other of the same content", () => {
  const body = openBodies().keep(Buffer.from("uploaded in one request"))
  expect(rotten(body).bytes).not.toEqual(body.bytes)
  expect(Buffer.from(body.bytes).toString()).toBe("uploaded in one request")
})
