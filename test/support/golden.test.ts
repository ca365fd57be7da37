import { describe, expect, test } from "bun:test"
import { type GoldenCase, goldenCase, goldenCases } from "./golden.ts"

describe("golden series", () => {
  test("every stored object has the bytes that were stored", () => {
    for (const golden of goldenCases()) expect(storedIn(golden)).toEqual(golden.expected.objects)
  })

  test("the copies have the bytes that were stored, whatever a checkout did to them", () => {
    const golden = goldenCase("error-log")
    expect(golden.keys.filter((key) => key.endsWith("error.log"))).toHaveLength(1)
    expect(storedIn(golden)).toEqual(golden.expected.objects)
  })

  test("all of them were written by one version of the package", () => {
    const cases = goldenCases()
    expect(cases.length).toBeGreaterThanOrEqual(17)
    for (const { expected } of cases) expect(expected.written_by).toBe("cloud-optimized-dicom 2.2.0")
  })
})

function storedIn({ keys, bytes, expected }: GoldenCase) {
  return Object.fromEntries(
    keys.map((key) => {
      const stored = bytes(key)
      const sha256 = new Bun.CryptoHasher("sha256").update(stored).digest("hex")
      return [key, { ...expected.objects[key], size: stored.length, sha256 }]
    }),
  )
}
