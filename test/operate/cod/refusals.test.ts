import { afterAll, expect, test } from "bun:test"
import { existsSync } from "node:fs"
import { pathToFileURL } from "node:url"
import type { VerbOptions } from "../../../lib/operate/cod/verbs.ts"
import { AppError, UsageError } from "../../../lib/support/errors.ts"
import { explain } from "../../../lib/support/failure.ts"
import { SERIES, STUDY } from "../../cod/writing/files.ts"
import { failureOf } from "../../contract/bodies.ts"
import { tempDir } from "../../support/temp.ts"
import { verb } from "./started.ts"

const dir = tempDir()
afterAll(() => dir[Symbol.dispose]())

const nowhere = dir.file("nowhere")
const datastore = pathToFileURL(nowhere).href
const uri = `${datastore}/studies/${STUDY}/series/${SERIES}`

const WRONG: readonly [readonly string[], Partial<VerbOptions>, string][] = [
  [["append", `${datastore}/studies/${STUDY}`, "."], {}, "is a study"],
  [["append", uri, "/no/such/file"], {}, "/no/such/file cannot be read: there is no such file or folder"],
  [["append", uri, "https://example.org/1.dcm"], {}, "gs://, s3:// or file:///"],
  [["append", "s3://bucket/cod", "."], {}, "S3 is only ever read"],
  [["append", uri], {}, "append takes URI FILE..."],
  [["remove", uri], {}, "remove takes URI KEY..."],
  [["truncate", uri], {}, "truncate takes URI KEY..."],
  [["error-log", uri], { clear: true, message: "x" }, "do not go together"],
  [["error-log", uri], { message: " " }, "expected a text"],
  [["field", uri, "cod", "1"], {}, "would replace a part of the format"],
  [["field", uri, "tar_record", "1"], {}, "written by the library itself"],
  [["field", uri, "note", "abc"], {}, "A text stands in quotes"],
  [["field", uri], { remove: true }, "field --remove takes URI NAME"],
  [["field", uri, "note", "1"], { remove: true }, "field --remove takes URI NAME"],
  [["field", uri, "note", "1", "2"], {}, "field takes URI [NAME [JSON]]"],
  [["unlock", uri], { generation: "1" }, "--why TEXT"],
  [["unlock", uri], { generation: "1", why: " " }, "--why TEXT"],
  [["unlock", uri], { why: "x" }, "--generation G"],
  [["info", uri], { dryRun: true }, "--dry-run is for append, remove,"],
  [["extract", uri, "."], { dryRun: true }, "not for extract"],
  [["unlock", uri], { dropLost: true }, "--drop-lost is for repair, not for unlock"],
  [["error-log", uri], { lockNames: [".cod.lock"] }, "--lock-names is for thumbnail, append, remove,"],
  [["thumbnail", uri], { lockNames: [".cod.lock"] }, "with --make only"],
  [["thumbnail", `${uri}#1`], {}, "this is for a whole series"],
  [["render", uri], { out: "x.png" }, "expected URI#KEY"],
  [["render", `${uri}#1`], {}, "render needs --out FILE"],
]

test.each(WRONG)("%p %p is a usage error that says what was expected", async (words, options, hint) => {
  const error = await failureOf(verb(words, options))
  expect(error).toBeInstanceOf(UsageError)
  expect(explain(error)).toContain(hint)
})

const ABSENT: readonly [readonly string[], Partial<VerbOptions>][] = [
  [["remove", uri, "1"], {}],
  [["remove", uri, "1"], { dryRun: true }],
  [["truncate", uri, "1"], {}],
  [["upgrade", uri], {}],
  [["repair", uri], {}],
  [["repair", uri], { dryRun: true }],
  [["field", uri], {}],
  [["field", uri, "note", "1"], {}],
  [["field", uri, "note"], { remove: true }],
  [["error-log", uri], {}],
  [["error-log", uri], { clear: true }],
  [["error-log", uri], { message: "x" }],
  [["unlock", uri], { generation: "1", why: "x" }],
  [["thumbnail", uri], {}],
  [["thumbnail", uri], { make: true }],
  [["render", `${uri}#1`], { out: dir.file("x.png") }],
]

test.each(ABSENT)("%p %p of a series that does not exist makes none", async (words, options) => {
  const error = await failureOf(verb(words, options))
  expect(error).toBeInstanceOf(AppError)
  expect(explain(error)).toContain(`there is no series at ${uri}`)
  expect(existsSync(nowhere)).toBeFalse()
})
