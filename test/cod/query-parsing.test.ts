import { describe, expect, test } from "bun:test"
import { readdirSync } from "node:fs"
import {
  Instance,
  InvalidQueryRow,
  instancesToSeries,
  Metrics,
  type QueryRow,
  queryResultToInstances,
  queryResultToSeries,
} from "../../lib/cod/index.ts"
import { NotFound } from "../../lib/storage/errors.ts"
import { UsageError } from "../../lib/support/errors.ts"
import { failureOf } from "../contract/bodies.ts"
import { goldenCase } from "../support/golden.ts"
import { tempDir } from "../support/temp.ts"
import { memorySource } from "./memory-source.ts"

const row = (study: string, series: string, ...names: string[]): QueryRow => ({
  study_uid: study,
  series_uid: series,
  files: names.map((name) => ({
    file_uri: `gs://in/${name}`,
    size: 5,
    crc32c: "AAAAAA==",
    instance_uid: name,
  })),
})

async function* oneByOne<T>(items: readonly T[]) {
  yield* items
}

describe("a query's result", () => {
  test("becomes instances with everything that it knows as hints, and nothing is fetched", async () => {
    const instances = await Array.fromAsync(queryResultToInstances(oneByOne([row("1", "2", "3", "4")])))
    expect(instances.map(({ dicomUri, dependencies, hints }) => ({ dicomUri, dependencies, hints }))).toEqual(
      ["3", "4"].map((name) => ({
        dicomUri: `gs://in/${name}`,
        dependencies: [`gs://in/${name}`],
        hints: { size: 5, crc32c: "AAAAAA==", instanceUid: name, seriesUid: "2", studyUid: "1" },
      })),
    )
  })

  test("may lack everything but the files, and have large numbers as text", async () => {
    const rows = [{ files: [{ file_uri: "gs://in/a", size: "9007199254740991", crc32c: null }] }]
    const [instance] = await Array.fromAsync(queryResultToInstances(rows))
    expect(await instance!.size({ trustHints: true })).toBe(Number.MAX_SAFE_INTEGER)
    expect(instance!.hints.seriesUid).toBeUndefined()
  })

  test.each([
    {},
    { files: "gs://in/a" },
    { files: [{}] },
    { files: [null] },
    { files: [{ file_uri: "gs://in/a", size: "many" }] },
    { files: [{ file_uri: "gs://in/a", size: -1 }] },
    null,
  ])("of another shape is refused: %j", async (strange) => {
    const rows = [strange as unknown as QueryRow]
    expect(await failureOf(Array.fromAsync(queryResultToInstances(rows)))).toBeInstanceOf(InvalidQueryRow)
  })

  test("is grouped by series, whatever order it comes in", async () => {
    const rows = [
      row("2", "1", "a"),
      row("1", "9", "b", "c"),
      row("2", "1", "d"),
      row("1", "10", "e", "f", "g"),
    ]
    const groups = await Array.fromAsync(queryResultToSeries(oneByOne(rows)))
    const told = groups.map(({ studyUid, seriesUid, hashedUids, instances }) => [
      studyUid,
      seriesUid,
      hashedUids,
      instances.map(({ hints }) => hints.instanceUid),
    ])
    expect(told).toEqual([
      ["1", "10", false, ["e", "f", "g"]],
      ["1", "9", false, ["b", "c"]],
      ["2", "1", false, ["a", "d"]],
    ])
  })

  test("is grouped under hashed UIDs where there is a hash function", async () => {
    const uidHashFunc = (uid: string) => `h${uid}`
    const [group] = await Array.fromAsync(queryResultToSeries([row("1", "2", "3")], { uidHashFunc }))
    expect(group).toMatchObject({ studyUid: "h1", seriesUid: "h2", hashedUids: true })
  })

  test.each([
    [[row("1", "2", "a", "b")], 0],
    [[row("1", "2", "a"), row("1", "3", "b")], 1],
    [[row("1", "2", "a", "b"), row("1", "3", "c", "d")], 0],
    [[row("1", "2", "a")], 0],
  ])("that is poorly grouped is warned of (%#)", async (rows, warnings) => {
    const warned: string[] = []
    await Array.fromAsync(queryResultToSeries(rows, { onWarning: (message) => warned.push(message) }))
    expect(warned).toHaveLength(warnings)
    for (const message of warned) expect(message).toStartWith("POOR GROUPING")
  })
})

describe("instances without hints", () => {
  const golden = goldenCase("several-instances")
  const [, expected] = Object.entries(golden.expected.instances)[0]!

  test("are asked, and those that cannot be had are told and left out", async () => {
    using dir = tempDir("query")
    const tar = golden.bytes(golden.keys.find((key) => key.endsWith(".tar"))!)
    const { start_byte, size } = expected
    await Bun.write(dir.file("good.dcm"), tar.slice(start_byte, start_byte + size))
    await Bun.write(dir.file("bad.dcm"), "no DICOM")
    const files = ["none", "good", "bad"].map((name) => ({ file_uri: dir.file(`${name}.dcm`) }))
    const skipped: (readonly [string, unknown])[] = []
    const metrics = new Metrics()
    const groups = await Array.fromAsync(
      queryResultToSeries([{ files }], {
        metrics,
        onSkipped: ({ dicomUri }, error) => skipped.push([dicomUri, error]),
      }),
    )
    expect(groups).toMatchObject([{ studyUid: expected.study_uid, seriesUid: expected.series_uid }])
    const errors = new Map(skipped)
    expect([...errors.keys()].toSorted()).toEqual([dir.file("bad.dcm"), dir.file("none.dcm")])
    expect(errors.get(dir.file("none.dcm"))).toBeInstanceOf(NotFound)
    expect(metrics.snapshot().instancesNotFound).toBe(1)
  })

  test("end it all when nobody is told of one that cannot be had", async () => {
    using dir = tempDir("query")
    const rows = [{ files: [{ file_uri: dir.file("none.dcm") }] }]
    expect(await failureOf(Array.fromAsync(queryResultToSeries(rows)))).toBeInstanceOf(NotFound)
  })

  test("leave no file behind, but stay where their owner had them fetched; several are asked at a time", async () => {
    using dir = tempDir("query")
    const { size, start_byte } = expected
    const bytes = golden
      .bytes(golden.keys.find((key) => key.endsWith(".tar"))!)
      .slice(start_byte, start_byte + size)
    const names = ["a", "b", "c", "bad"]
    const objects = new Map(names.map((name) => [name, name === "bad" ? new Uint8Array(9) : bytes]))
    const memory = memorySource("gs://in", objects)
    // Nobody is answered before all three are asked.
    const all = Promise.withResolvers<void>()
    const asked = new Set<string>()
    const store = {
      ...memory,
      async read(...[key, options]: Parameters<typeof memory.read>) {
        if (key !== "a" && asked.add(key).size === 3) all.resolve()
        if (key !== "a") await all.promise
        return await memory.read(key, options)
      },
    }
    const instances = names.map(
      (name) => new Instance({ dicomUri: `gs://in/${name}`, store, tempDir: dir.path }),
    )
    await instances[0]!.fetch()
    const [group] = await Array.fromAsync(instancesToSeries(instances, { onSkipped: () => {} }))
    expect(group!.instances).toEqual(instances.slice(0, 3))
    expect(instances.map(({ isMoved }) => isMoved)).toEqual([true, false, false, false])
    expect(readdirSync(dir.path)).toHaveLength(1)
    for (const instance of instances) await instance[Symbol.asyncDispose]()
  })

  test("of one series must have one hash function", async () => {
    const hints = { studyUid: "1", seriesUid: "2" }
    const instances = [
      new Instance({ dicomUri: "a", hints, uidHashFunc: (uid) => uid }),
      new Instance({ dicomUri: "b", hints }),
    ]
    expect(await failureOf(Array.fromAsync(instancesToSeries(instances)))).toBeInstanceOf(UsageError)
  })
})
