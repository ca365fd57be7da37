import { expect, test } from "bun:test"
import fc from "fast-check"
import { bytes, count, duration, plural, safe, table } from "../../lib/support/text.ts"

test("text from outside cannot move the cursor, forge a line or turn its direction", () => {
  expect(safe("a\nb\r\tc")).toBe("a\\nb\\r\\tc")
  expect(safe("\x1b[31mred\x07\x7f\u009b")).toBe("\\x1b[31mred\\x07\\x7f\\x9b")
  expect(safe("\u202egpj.exe\u2066\u2028\u200b\ufeff")).toBe("\\u202egpj.exe\\u2066\\u2028\\u200b\\ufeff")
  expect(safe("half \ud83d pair")).toBe("half \\ud83d pair")
})

test("ordinary text of any language stays as it is", () => {
  for (const text of ["Tórax 50% 'x'", "胸部", "صدر", "🩻", "a\\b"]) expect(safe(text)).toBe(text)
})

test("no text whatsoever keeps a control character, and a safe one stays the same", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      expect(safe(text)).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]/u)
      expect(safe(safe(text))).toBe(safe(text))
    }),
  )
})

test.each([
  [0, "0 B"],
  [999, "999 B"],
  [1000, "1.0 kB"],
  [1234, "1.2 kB"],
  [9_960, "10 kB"],
  [999_499, "999 kB"],
  [999_500, "1.0 MB"],
  [12_000_000, "12 MB"],
  [4_300_000_000, "4.3 GB"],
  [2e18, "2000 PB"],
])("%d bytes are %s", (n, text) => {
  expect(bytes(n)).toBe(text)
})

test.each([
  [0, "0 ms"],
  [850.4, "850 ms"],
  [999.6, "1.0 s"],
  [12_340, "12.3 s"],
  [59_960, "1 min 0 s"],
  [200_000, "3 min 20 s"],
  [3_599_600, "1 h 0 min"],
  [7_500_000, "2 h 5 min"],
  [86_399_000, "1 d 0 h"],
  [273_600_000, "3 d 4 h"],
])("%d ms are %s", (ms, text) => {
  expect(duration(ms)).toBe(text)
})

test("counts are grouped by thousands and agree with their noun", () => {
  expect(count(1_234_567)).toBe("1,234,567")
  expect([plural(1, "study", "studies"), plural(0, "study", "studies")]).toEqual(["1 study", "0 studies"])
  expect(plural(2000, "object")).toBe("2,000 objects")
})

test("a table aligns words left and numbers right, and keeps each row on its line", () => {
  const rows = [
    ["胸部", 1, "a\nb"],
    ["short", 12_345, undefined],
  ]
  expect(table(["study", "files", "note"], rows)).toBe(
    ["study   files  note", "胸部        1  a\\nb", "short  12,345"].join("\n"),
  )
  expect(table(["study", "files"], [])).toBe("study  files")
})
