import { describe, expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import { CODObject } from "../../../lib/cod/index.ts"
import { changedSeries } from "../../cod/changed-series.ts"
import { type GoldenCase, goldenCase, goldenCases } from "../../support/golden.ts"
import { tempDir } from "../../support/temp.ts"
import { verb } from "./started.ts"

const uriOf = ({ datastore, expected }: GoldenCase) =>
  `${datastore}/studies/${expected.study_uid}/series/${expected.series_uid}`

describe("info, ls, extract, check and a contact sheet of a golden series tell nothing of its patient:", () => {
  for (const golden of goldenCases()) {
    test(golden.name, async () => {
      const secrets = await patientOf(golden)
      using dir = tempDir()
      const out = dir.file("sheet.html")
      await verb(["contact-sheet", uriOf(golden)], { out })
      const sheet = readFileSync(out, "utf8").replaceAll(/base64,[^"]*/g, "")
      for (const secret of secrets) expect(sheet).not.toContain(secret)
      for (const words of [["info"], ["ls"], ["check"], ["extract", dir.path]]) {
        const [name = "", ...rest] = words
        const { exitCode, document, text } = await verb([name, uriOf(golden), ...rest])
        expect(exitCode).toBe(0)
        for (const secret of secrets) expect(`${JSON.stringify(document)}\n${text}`).not.toContain(secret)
      }
    })
  }
})

/** Names, ids and dates of group 0010, as far as they are long enough to be no part of another word. */
async function patientOf(golden: GoldenCase): Promise<string[]> {
  await using series = await CODObject.fromUri(uriOf(golden), { lock: false })
  const instances = await series.getInstances({ strictSorting: false })
  const values = [...instances.values()].flatMap(({ record }) =>
    Object.entries(record!.tags())
      .filter(([tag]) => tag.startsWith("0010"))
      .flatMap(([, { Value = [] }]) => Value.flatMap((value) => textsIn(value))),
  )
  const isInPath = (text: string) => uriOf(golden).includes(text)
  return [...new Set(values)].filter((text) => text.length > 4 && !isInPath(text))
}

function textsIn(value: unknown): string[] {
  if (typeof value === "string") return [value]
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(textsIn) : []
}

describe("for people", () => {
  test("info has a line for each thing there is to say", async () => {
    const { text } = await verb(["info", uriOf(goldenCase("thumbnail-mp4"))])
    const lines = text.split("\n").map((line) => line.split(/ {2,}/))
    expect(Object.fromEntries(lines)).toEqual({
      series: uriOf(goldenCase("thumbnail-mp4")),
      UIDs: "real",
      instances: "4, 16 kB; the tar has 31 kB",
      frames: "7",
      "pixel data": "in 3 of them",
      "transfer syntax": "Explicit VR Little Endian",
      metadata: "version 2.0",
      thumbnail: "thumbnail.mp4",
      "other fields": "none",
      locks: "none",
    })
  })

  test("info counts where a series is mixed", async () => {
    const { text } = await verb(["info", uriOf(goldenCase("transcoded-on-ingest"))])
    expect(text).toMatch(/^transfer syntax +3 JPEG 2000 Lossless, 1 .*, 1 /m)
  })

  test("info says which thumbnail nobody names, and which is gone", async () => {
    const left = await verb(["info", uriOf(goldenCase("rewritten-smaller"))])
    expect(left.text).toContain("thumbnail.mp4 (the metadata does not name it)")
    await using series = await changedSeries(goldenCase("thumbnail-mp4"))
    await series.remove(`${series.keys.folder}thumbnail.mp4`)
    expect((await verb(["info", series.uri])).text).toContain("thumbnail.mp4 (not there)")
  })

  test("info says which entries cannot be understood", async () => {
    await using series = await changedSeries(goldenCase("several-instances"))
    await series.changeMetadata(({ cod }) => {
      Object.values(cod.instances)[0]!.version = "7.0"
    })
    const { text, document } = await verb<{ instances: number; unreadable: unknown[] }>(["info", series.uri])
    expect(document).toMatchObject({
      instances: 5,
      unreadable: [{ problem: expect.stringContaining("version is unknown") }],
    })
    expect(text).toContain("Entries of the metadata that cannot be understood")
    const listed = await verb<{ problem?: string }[]>(["ls", series.uri])
    expect(listed.document.map(({ problem }) => problem !== undefined)).toEqual([
      false,
      false,
      false,
      false,
      true,
    ])
    expect(listed.text).toContain("version is unknown")
  })

  test("an error log does nothing to their terminal", async () => {
    await using series = await changedSeries(goldenCase("several-instances"))
    await series.put(`${series.keys.folder}error.log`, Buffer.from("first\r\n\x1b[2Jsecond\n"))
    const { text, document } = await verb<{ error_log: string }>(["info", series.uri])
    expect(text).toEndWith("refuse the series\n  first\n  \\x1b[2Jsecond")
    expect(document.error_log).toBe("first\r\n\x1b[2Jsecond\n")
  })

  test("extract shows how far it is, and how files are called whose keys are no safe names", async () => {
    await using series = await changedSeries(goldenCase("several-instances"))
    await series.changeMetadata(({ cod }) => {
      const [entry] = Object.values(cod.instances)
      cod.instances = { "1.2": entry!, "..%": entry! }
    })
    using dir = tempDir()
    const { text, progress } = await verb(["extract", series.uri, dir.path])
    expect(progress).toEqual(["2 instances", "+1", "+1", "end"])
    expect(text).toMatch(/^\.\.% +key-[0-9a-f]{40}\.dcm$/m)
    expect(text).not.toMatch(/^1\.2 /m)
  })

  test("a quick ls reads nothing but the listing", async () => {
    await using series = await changedSeries(goldenCase("several-instances"))
    await series.put(series.keys.metadata, Buffer.from("garbage"))
    const { text, document } = await verb(["ls", series.store.uri], { quick: true })
    expect(document).toMatchObject([{ instances: null, metadata: "unread", tar_bytes: 20480 }])
    expect(text).toMatch(/^study +series +tar\n.* {2}20 kB\n\n1 study, 1 series, 20 kB$/)
    expect((await verb(["ls", series.store.uri])).text).toContain("metadata.json is unreadable")
  })

  test("ls of a datastore has studies, of a study series alone", async () => {
    const golden = goldenCase("several-instances")
    const datastore = await verb(["ls", golden.datastore])
    const study = await verb(["ls", `${golden.datastore}/studies/${golden.expected.study_uid}`])
    expect(datastore.text.split("\n")[0]).toMatch(/^study +series +instances +tar$/)
    expect(study.text.split("\n")[0]).toMatch(/^series +instances +tar$/)
    expect(datastore.text).toEndWith("1 study, 1 series, 5 instances, 20 kB")
    expect(study.text).toEndWith("\n1 series, 5 instances, 20 kB")
  })
})
