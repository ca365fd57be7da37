import { describe, expect, test } from "bun:test"
import { dicomPath, objectKey, receiptKey, reportPath, studyPrefix } from "../../lib/pipeline/layout.ts"

const STUDY = { organizationId: "org", studyId: "study" }

describe("keys at the destination", () => {
  test("of everything of a study begin with the study's prefix, and the receipt's does not", () => {
    expect(studyPrefix(STUDY)).toBe("org/study/")
    expect(objectKey(STUDY, "metadata.json")).toBe("org/study/metadata.json")
    expect(objectKey(STUDY, reportPath("r"))).toBe("org/study/reports/r.txt")
    expect(receiptKey(STUDY)).toBe("_receipts/org/study.json")
  })

  test.each([
    [1, "0001_i"],
    [0, "0000_i"],
    [9999, "9999_i"],
    [10_000, "10000_i"],
    [-1, "-001_i"],
    [-12_345, "-12345_i"],
    [undefined, "i"],
  ])(
    "of an image with instance number %p end with %p.dcm, as Python's :04d has it",
    (instanceNumber, name) => {
      expect(dicomPath({ seriesId: "s", imageId: "i", instanceNumber })).toBe(`dicom_files/s/${name}.dcm`)
    },
  )
})
