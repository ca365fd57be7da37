import { describe, expect, test } from "bun:test"
import { tagOf } from "../../../lib/operate/cod/tags.ts"
import { instanceTarget, listTarget, seriesTarget } from "../../../lib/operate/cod/target.ts"
import { examplesOf, VERBS, verbsInWords } from "../../../lib/operate/cod/verbs.ts"
import { UsageError } from "../../../lib/support/errors.ts"
import { explain } from "../../../lib/support/failure.ts"
import { failureOf } from "../../contract/bodies.ts"
import { verb } from "./started.ts"

const URI = "gs://bucket/cod/studies/1.2/series/3.4"
const PLACE = { datastore: "gs://bucket/cod", studyUid: "1.2", seriesUid: "3.4" }

describe("words of cod", () => {
  test.each([
    [[], {}, "no verb was given"],
    [["look", URI], {}, '"look" is no verb'],
    [["constructor", URI], {}, '"constructor" is no verb'],
    [["info"], {}, "info takes URI, not nothing"],
    [["info", URI, URI], {}, "info takes URI"],
    [["extract", URI], {}, "extract takes URI DIR"],
    [["tags"], {}, "tags takes URI#KEY [TAG...]"],
    [["info", `${URI}#1`], {}, "use cat or tags"],
    [["check", `${URI}#1`], {}, 'Leave out "#1"'],
    [["cat", URI], {}, `cod.ts ls ${URI} lists the keys`],
    [["cat", `${URI}#`], {}, `cod.ts ls ${URI} lists the keys`],
    [["info", URI], { frame: 1 }, "--frame is for cat and render, not for info"],
    [["cat", `${URI}#1`], { quick: true }, "--quick is for ls and check, not for cat"],
    [["tags", `${URI}#1`, "PatientID"], {}, "Keywords such as PatientID are not understood"],
    [["info", "folder/studies/1/series/2"], {}, "A local folder is written as file:///"],
    [["ls", "."], {}, "A local folder is written as file:///"],
    [["info", "gs:/bucket/studies/1/series/2"], {}, "It begins with gs://BUCKET"],
    [["info", "file://folder/studies/1/series/2"], {}, "file:///FOLDER"],
    [["info", "gs://bucket/studies/1"], {}, "DATASTORE/studies/STUDY_UID/series/SERIES_UID"],
    [["info", "gs://bucket/studies/../series/2"], {}, "is not understood"],
    [["ls", "gs://bucket/studies/.."], {}, "is not understood"],
    [["ls", "ftp://bucket"], {}, "is not understood"],
  ] as const)("%p %p are a usage error that says what was expected", async (words, options, hint) => {
    const error = await failureOf(verb(words, options))
    expect(error).toBeInstanceOf(UsageError)
    expect(explain(error)).toContain(hint)
  })

  test("cannot make a terminal do anything by what they are repeated in", async () => {
    for (const words of [["info", "gs://b\x1b[2J"], ["\x1b[2J"], ["tags", `${URI}#1`, "\x1b[2J"]]) {
      expect(explain(await failureOf(verb(words)))).not.toContain("\x1b")
    }
  })

  test("in the help stand within 80 columns, each verb with an example", () => {
    for (const line of verbsInWords().split("\n")) expect(line.length).toBeLessThanOrEqual(80)
    for (const name of Object.keys(VERBS)) expect(examplesOf("cod")).toContain(`${name} gs://`)
  })
})

describe("a series", () => {
  test.each([URI, `${URI}/`, `${URI}.tar`, `${URI}/metadata.json`, `${URI}.tar://instances/5.dcm`])(
    "is named by %s",
    (uri) => expect(seriesTarget(uri)).toEqual(PLACE),
  )
})

describe("an instance", () => {
  test.each([
    [`${URI}#5.6`, "5.6"],
    [`${URI}/#5.6`, "5.6"],
    [`${URI}.tar#5.6`, "5.6"],
    [`${URI}#a#b`, "a#b"],
    [`${URI}#a%23b%2F/../c `, "a%23b%2F/../c "],
    [`${URI}.tar://instances/5.6.dcm`, "5.6"],
    [`${URI}.tar://instances/5.6.dcm#7`, "7"],
  ])("is named by %s, and its key is %p", (uri, key) => {
    expect(instanceTarget(uri)).toEqual({ place: PLACE, key })
  })
})

describe("a listing", () => {
  const { datastore, studyUid } = PLACE
  test.each([
    [datastore, { kind: "datastore", datastore }],
    [`${datastore}/`, { kind: "datastore", datastore }],
    [`${datastore}/studies`, { kind: "datastore", datastore }],
    [`${datastore}/studies/1.2`, { kind: "study", datastore, studyUid }],
    [`${datastore}/studies/1.2/series/`, { kind: "study", datastore, studyUid }],
    [URI, { kind: "series", place: PLACE }],
    ["gs://bucket", { kind: "datastore", datastore: "gs://bucket" }],
    ["file:///a/studies/b/studies/1.2", { kind: "study", datastore: "file:///a/studies/b", studyUid }],
  ] as const)("of %s is of %p", (uri, target) => expect(listTarget(uri)).toEqual(target))
})

test.each(["0020000D", "0020000d", "0020,000D", "(0020,000d)", "(0020, 000D)"])("%p is a tag", (word) => {
  expect(tagOf(word)).toBe("0020000D")
})

test.each(["0020", "0020000", "00200000D", "0x0020000D", "0020.000D", "StudyInstanceUID", ""])(
  "%p is no tag",
  (word) => expect(() => tagOf(word)).toThrow(UsageError),
)
