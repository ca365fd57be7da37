/** What pydicom says wrongly, or cannot say: each a row of the table in the README. */
import { expect, test } from "bun:test"
import { deflateRawSync } from "node:zlib"
import { dicomJson, parseDicom } from "../../../../lib/cod/format/dicom/index.ts"
import { DEFLATED, dicomFile, explicit, item } from "./build.ts"

function json(...elements: Uint8Array[]) {
  return dicomJson(parseDicom(dicomFile(elements)), { uri: "URI" })
}

test("NaN and the infinities are null", () => {
  const floats = Buffer.alloc(12)
  for (const [index, value] of [Number.NaN, Number.POSITIVE_INFINITY, 1].entries())
    floats.writeFloatLE(value, 4 * index)
  const double = Buffer.alloc(8)
  double.writeDoubleLE(Number.NEGATIVE_INFINITY)
  expect(
    json(
      explicit(0x00091010, "FL", floats),
      explicit(0x00091011, "FD", double),
      explicit(0x00091012, "DS", "1e999 "),
    ),
  ).toMatchObject({
    "00091010": { vr: "FL", Value: [null, null, 1] },
    "00091011": { vr: "FD", Value: [null] },
    "00091012": { vr: "DS", Value: [null] },
  })
})

test("the head of a bulk value in a sequence of defined length is its own", () => {
  const value = Buffer.alloc(800, "bulk")
  const sequence = explicit(0x00081140, "SQ", item(explicit(0x00091010, "OB", value)))
  const head = "bulk".repeat(128)
  expect(json(sequence)["00081140"]).toEqual({
    vr: "SQ",
    Value: [{ "00091010": { vr: "OB", BulkDataURI: { uri: "URI", head } } }],
  })
})

test("the head of a bulk value in a deflated file is that of the inflated value", () => {
  const pixels = explicit(0x7fe00010, "OB", Buffer.alloc(800, "bulk"))
  const file = parseDicom(dicomFile([deflateRawSync(pixels)], DEFLATED))
  const head = "bulk".repeat(128)
  expect(dicomJson(file, { uri: "URI" })["7FE00010"]).toEqual({ vr: "OB", BulkDataURI: { uri: "URI", head } })
})

test("the escape sequence of GB 2312 is no part of the text", () => {
  const charset = explicit(0x00080005, "CS", "\\ISO 2022 IR 58")
  const name = explicit(0x00100010, "PN", "Zhang=\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab")
  expect(json(charset, name)["00100010"]).toEqual({
    vr: "PN",
    Value: [{ Alphabetic: "Zhang", Ideographic: "张^小东" }],
  })
})

test("characters that manufacturers added to a character set are read", () => {
  const charset = explicit(0x00080005, "CS", "\\ISO 2022 IR 87")
  const circledOne = explicit(0x00100020, "LO", "\x1b$B-!\x1b(B")
  expect(json(charset, circledOne)["00100020"]).toEqual({ vr: "LO", Value: ["①"] })
})

test("an invalid element of group 0002 is left out alone", () => {
  const bytes = dicomFile([])
  const meta = explicit(0x00020099, "US", "a")
  const file = parseDicom(Buffer.concat([bytes, meta]))
  expect(Object.keys(dicomJson(file, { uri: "URI" }))).toEqual(["00020000", "00020010"])
})

test("UIDs that are none are kept at the end", () => {
  const tags = json(explicit(0x0020000d, "UI", "1.02"), explicit(0x00081155, "UI", "1.02"))
  expect(Object.keys(tags)).toEqual(["00020000", "00020010", "0020000D"])
  expect(tags["0020000D"]).toEqual({ vr: "UI", Value: ["1.02"] })
})
