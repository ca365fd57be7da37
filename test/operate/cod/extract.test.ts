import { describe, expect, test } from "bun:test"
import { existsSync, readdirSync } from "node:fs"
import type { ExtractReport } from "../../../lib/operate/cod/extract-files.ts"
import { UsageError } from "../../../lib/support/errors.ts"
import { changedSeries } from "../../cod/changed-series.ts"
import { failureOf } from "../../contract/bodies.ts"
import { goldenCase } from "../../support/golden.ts"
import { tempDir } from "../../support/temp.ts"
import { verb } from "./started.ts"

const SEVERAL = goldenCase("several-instances")
const { study_uid, series_uid, instances: INSTANCES } = SEVERAL.expected
const URI = `${SEVERAL.datastore}/studies/${study_uid}/series/${series_uid}`
const [KEY, SECOND] = Object.keys(INSTANCES) as [string, string]

const extract = (uri: string, folder: string) => verb<ExtractReport>(["extract", uri, folder])

describe("cod extract", () => {
  test.each([
    ["another size", new Uint8Array(4)],
    ["the same size", new Uint8Array(INSTANCES[KEY]!.size)],
  ])("never writes over another file of %s, and gets the others", async (_, mine) => {
    using dir = tempDir()
    await Bun.write(dir.file(`${KEY}.dcm`), mine)
    const { exitCode, document } = await extract(URI, dir.path)
    expect(exitCode).toBe(1)
    expect(document).toMatchObject({ uri: URI, folder: dir.path, instances: 5, present: [] })
    expect(document.written).toHaveLength(4)
    const problem = `${KEY}.dcm is there with other bytes, and stays as it is`
    expect(document.failed).toEqual([{ key: KEY, problem }])
    expect(await Bun.file(dir.file(`${KEY}.dcm`)).bytes()).toEqual(mine)
    expect(readdirSync(dir.path)).toHaveLength(5)
  })

  test("goes on where it was stopped", async () => {
    using dir = tempDir()
    const first = await extract(URI, dir.path)
    await Bun.file(dir.file(`${KEY}.dcm`)).delete()
    const { exitCode, document } = await extract(URI, dir.path)
    expect(exitCode).toBe(0)
    expect(document.written).toEqual(first.document.written.filter(({ key }) => key === KEY))
    expect(document.present).toHaveLength(4)
  })

  test("leaves out what is damaged or not understood, and gets the others", async () => {
    await using series = await changedSeries(SEVERAL)
    await series.changeMetadata(({ cod }) => {
      cod.instances[KEY]!.crc32c = "AAAAAA=="
      cod.instances[SECOND]!.version = "7.0"
    })
    using dir = tempDir()
    const { exitCode, document, text } = await extract(series.uri, dir.path)
    expect(exitCode).toBe(1)
    expect(document.written).toHaveLength(3)
    expect(document.failed.map(({ key }) => key).toSorted()).toEqual([KEY, SECOND].toSorted())
    expect(readdirSync(dir.path)).toHaveLength(3)
    expect(text).toContain("its CRC32C is")
    expect(text).toEndWith("; 2 instances not extracted")
  })

  test("writes nothing outside of its folder, whatever the keys are", async () => {
    await using series = await changedSeries(SEVERAL)
    using dir = tempDir()
    const keys = ["../../escaped", dir.file("escaped"), ".hidden", "a/b", "A", "a"]
    await series.changeMetadata(({ cod }) => {
      const entry = cod.instances[KEY]!
      cod.instances = Object.fromEntries(keys.map((key) => [key, entry]))
    })
    const folder = dir.file("a", "b")
    const { written, failed } = (await extract(series.uri, folder)).document
    expect(written.length + failed.length).toBe(keys.length)
    expect(written.length).toBeGreaterThan(1)
    expect(readdirSync(folder)).toHaveLength(written.length)
    expect(readdirSync(dir.path)).toEqual(["a"])
    expect(readdirSync(dir.file("a"))).toEqual(["b"])
    expect(existsSync(dir.file("escaped.dcm"))).toBe(false)
    const names = readdirSync(folder).map((name) => name.toLowerCase())
    expect(new Set(names).size).toBe(written.length)
  })

  test("into what is no folder is a usage error", async () => {
    using dir = tempDir()
    await Bun.write(dir.file("file"), "")
    const error = await failureOf(extract(URI, dir.file("file")))
    expect(error).toBeInstanceOf(UsageError)
    expect(String(error)).toContain("cannot be used as a folder")
  })
})
