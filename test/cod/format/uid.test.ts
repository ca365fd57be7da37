import { describe, expect, test } from "bun:test"
import { InvalidUid } from "../../../lib/cod/format/errors.ts"
import { isPathSegment, requireUid, uidFault } from "../../../lib/cod/format/uid.ts"

describe("a UID", () => {
  test.each(["1.2.840.10008.1.2", "0.0", "2", `1.${"2".repeat(62)}`, "2.25.0"])("%s is one", (uid) => {
    expect(uidFault(uid)).toBeUndefined()
    expect(requireUid(uid)).toBe(uid)
  })

  test.each([
    "",
    ".",
    "1.",
    ".1",
    "1..2",
    "1.02",
    "00",
    "1.2a",
    "1.2 ",
    "1.2\u0000",
    "1.2\n",
    "1/2",
    "-1",
    "١.٢",
  ])("%j is none", (uid) => {
    expect(uidFault(uid)).toBe("syntax")
    expect(() => requireUid(uid)).toThrow(InvalidUid)
  })

  test("of more than 64 characters can be read, but not made", () => {
    const long = `1.${"2".repeat(63)}`
    expect(uidFault(long)).toBe("length")
    expect(() => requireUid(long)).toThrow(InvalidUid)
  })
})

test("a hashed UID may be any text that is safe in a path", () => {
  const hashes = ["a3f5+=", "x".repeat(251), "ünïcode ✓", "..a", "a b", "__proto__", "#?%2F"]
  expect(hashes.filter(isPathSegment)).toEqual(hashes)
})
