import { expect, test } from "bun:test"
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs"
import { pathToFileURL } from "node:url"
import { findSources } from "../../../lib/operate/cod/append-sources.ts"
import { dicom, nth, SERIES, uid } from "../../cod/writing/files.ts"
import { tempDir } from "../../support/temp.ts"
import { verb } from "./started.ts"

const NEVER = new AbortController().signal

test("whoever waits sees how many files were read, and how many of them are done with", async () => {
  using dir = tempDir()
  writeFileSync(dir.file("1.dcm"), nth(1))
  writeFileSync(dir.file("2.dcm"), nth(2))
  writeFileSync(dir.file("3.dcm"), dicom({ instance: uid(3), series: `${SERIES}.1` }))
  const words = ["append", pathToFileURL(dir.file("store")).href]
  const { exitCode, progress } = await verb([...words, ...[1, 2, 3].map((n) => dir.file(`${n}.dcm`))])
  expect(exitCode).toBe(0)
  expect(progress).toEqual(["3 files read", "+1", "+1", "+1", "end", "3 instances", "+2", "+1", "end"])
})

test("of the same instance twice the second one is there already, or in conflict", async () => {
  using dir = tempDir()
  writeFileSync(dir.file("1.dcm"), nth(1))
  writeFileSync(dir.file("other.dcm"), dicom({ instance: uid(1), comment: "other" }))
  const store = pathToFileURL(dir.file("store")).href
  const words = ["append", store, dir.file("1.dcm"), dir.file("1.dcm"), dir.file("other.dcm")]
  const { exitCode, document } = await verb(words)
  expect(exitCode).toBe(1)
  const entry = (name: string) => [{ file: dir.file(name), key: uid(1) }]
  expect(document).toMatchObject({
    series: [{ new: entry("1.dcm"), same: entry("1.dcm"), conflict: entry("other.dcm"), errors: [] }],
  })
})

test("links to files are followed, those to folders and to nothing are told, and nobody goes in circles", async () => {
  using dir = tempDir()
  writeFileSync(dir.file("real.dcm"), nth(1))
  mkdirSync(dir.file("folder"))
  symlinkSync("../real.dcm", dir.file("folder", "link.dcm"))
  symlinkSync("..", dir.file("folder", "up"))
  symlinkSync("nothing", dir.file("folder", "gone"))
  expect(await findSources([dir.path], NEVER)).toEqual({
    files: [dir.file("folder", "link.dcm"), dir.file("real.dcm")],
    skipped: [{ file: dir.file("folder", "up"), why: "it is a link to a folder" }],
    unreadable: [{ file: dir.file("folder", "gone"), why: "it cannot be read: ENOENT" }],
  })
})

test("a folder may be named by its URI, a file too short to be DICOM is none", async () => {
  using dir = tempDir()
  writeFileSync(dir.file("ä %.dcm"), nth(1))
  writeFileSync(dir.file("empty"), "")
  expect(await findSources([pathToFileURL(dir.path).href], NEVER)).toEqual({
    files: [dir.file("ä %.dcm")],
    skipped: [{ file: dir.file("empty"), why: "it is no DICOM file" }],
    unreadable: [],
  })
})
