import { describe, expect, test } from "bun:test"
import type { LedgerObject } from "../../../lib/ledger/objects.ts"
import { originKeyOf } from "../../../lib/pipeline/copy/source-of.ts"
import { InvalidSource } from "../../../lib/pipeline/errors.ts"

const STUDY = { organizationId: "org", studyId: "study" }

const keyOf = (source: string | null, originUri = "s3://hospital-pacs") =>
  originKeyOf(STUDY, { path: "dicom_files/s/i.dcm", source } as LedgerObject, originUri)

describe("the origin's key of an object", () => {
  test("is the destination's where the PACS names none", () => {
    expect(keyOf(null)).toBe("org/study/dicom_files/s/i.dcm")
  })

  test.each([
    ["archive/2019/i", "archive/2019/i"],
    ["s3://hospital-pacs/archive/2019/i", "archive/2019/i"],
    ["s3://hospital-pacs/with space/ü 100%.dcm", "with space/ü 100%.dcm"],
    ["a..b/c.dcm", "a..b/c.dcm"],
    ["'; drop table pacs_images; --", "'; drop table pacs_images; --"],
    ["%2e%2e/escaped", "%2e%2e/escaped"],
    ['🫁/"quoted".dcm', '🫁/"quoted".dcm'],
  ])("is what the PACS names: %p", (source, key) => {
    expect(keyOf(source)).toBe(key)
  })

  test("lies below the origin's prefix where it has one", () => {
    expect(keyOf("s3://bucket/pacs/a", "s3://bucket/pacs")).toBe("a")
    expect(() => keyOf("s3://bucket/other/a", "s3://bucket/pacs")).toThrow(InvalidSource)
  })

  test.each([
    ["s3://another-bucket/a.dcm", "it lies outside s3://hospital-pacs"],
    ["s3://hospital-pacs-2/a.dcm", "it lies outside s3://hospital-pacs"],
    ["gs://hospital-pacs/a.dcm", "it lies outside s3://hospital-pacs"],
    ["file:///data/a.dcm", "it lies outside s3://hospital-pacs"],
    ["s3://hospital-pacs/", "it is empty"],
    ["", "it is empty"],
    ["/var/lib/pacs/a.dcm", "it is an absolute local path"],
    ["C:\\pacs\\a.dcm", "it is an absolute local path"],
    ["\\\\server\\share\\a.dcm", "it is an absolute local path"],
    ["../secrets/a.dcm", "it leaves its folder"],
    ["a/../../b.dcm", "it leaves its folder"],
    ["s3://hospital-pacs/a/./b.dcm", "it leaves its folder"],
    ["a\nb.dcm", "it holds a control character"],
    ["a\u0000b.dcm", "it holds a control character"],
    ["a\u009bb.dcm", "it holds a control character"],
  ])("cannot be %p", (source, reason) => {
    expect(() => keyOf(source)).toThrow(
      new InvalidSource(`file_path cannot be a key of the origin: ${reason}`, {}),
    )
  })
})
