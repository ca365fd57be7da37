import { expect, test } from "bun:test"
import { type AppendReport, hasFailed, renderAppend } from "../../../lib/operate/cod/append-render.ts"

const NOTHING: AppendReport = {
  dryRun: false,
  series: [],
  refused: [],
  notBegun: 0,
  unreadable: [],
  skipped: [],
}
const EMPTY = { uri: "gs://b/studies/1/series/2", new: [], same: [], conflict: [], errors: [] }
const file = "/a/1.dcm"

test("nothing to do is no failure, nor are files that are no DICOM", () => {
  expect(renderAppend(NOTHING)).toBe("0 instances stored")
  expect(hasFailed(NOTHING)).toBeFalse()
  expect(hasFailed({ ...NOTHING, skipped: [{ file, why: "it is no DICOM file" }] })).toBeFalse()
  expect(hasFailed({ ...NOTHING, series: [{ ...EMPTY, new: [{ file, key: "1" }] }] })).toBeFalse()
})

test.each([
  ["a conflict", { series: [{ ...EMPTY, conflict: [{ file, key: "1" }] }] }],
  ["an instance that is not stored", { series: [{ ...EMPTY, errors: [{ file, why: "it is cut off" }] }] }],
  [
    "a series that is refused",
    { refused: [{ uri: EMPTY.uri, files: [file], why: "held", hint: undefined }] },
  ],
  ["a series that was not begun", { notBegun: 1 }],
  ["a file that cannot be read", { unreadable: [{ file, why: "EACCES" }] }],
] as const)("%s is a failure", (_, part) => expect(hasFailed({ ...NOTHING, ...part })).toBeTrue())

test("a file is named once, and of thousands some are named", () => {
  const why = `${file} does not belong to it`
  const text = renderAppend({ ...NOTHING, series: [{ ...EMPTY, errors: [{ file, why }] }] })
  expect(text).toContain(`${file}    does not belong to it`)
  const skipped = Array.from({ length: 2000 }, (_, n) => ({
    file: `/a/${n}.txt`,
    why: "it is no DICOM file",
  }))
  const long = renderAppend({ ...NOTHING, skipped })
  expect(long.split("\n").length).toBeLessThan(30)
  expect(long).toContain("and 1,980 more; --json has them all")
  expect(long).toEndWith("0 instances stored, 2,000 files passed over")
})

test("names from outside cannot make a terminal do anything", () => {
  const odd = "\x1b[2J"
  const reason = { file: odd, why: odd }
  const refused = [{ uri: odd, files: [odd], why: odd, hint: odd }]
  const series = [{ ...EMPTY, uri: odd, errors: [reason], conflict: [{ file: odd, key: odd }] }]
  const report = { ...NOTHING, series, refused, skipped: [reason], unreadable: [reason] }
  expect(renderAppend(report)).not.toContain("\x1b")
})
