import { afterAll, describe, expect, test } from "bun:test"
import type { StoredTags } from "../../lib/cod/index.ts"
import {
  CODObjectNotFoundError,
  FrameNotFoundError,
  handleRequest,
  InstanceNotFoundError,
  InvalidMetadata,
  InvalidUri,
  MetadataCache,
  retrieveSeries,
  retrieveStudy,
  TooLarge,
} from "../../lib/cod/index.ts"
import { openFileStore } from "../../lib/storage/file.ts"
import { failureOf } from "../contract/bodies.ts"
import { type GoldenCase, goldenCase } from "../support/golden.ts"
import { tempDir } from "../support/temp.ts"
import { changedSeries } from "./changed-series.ts"
import { openGolden } from "./golden-bucket.ts"
import { sha256 } from "./golden-series.ts"
import { watched } from "./watched.ts"

const bucket = await openGolden()
afterAll(() => bucket.stop())

const SEVERAL = goldenCase("several-instances")
const study = ({ expected }: GoldenCase, datastore: string) => `${datastore}/studies/${expected.study_uid}`
const series = (golden: GoldenCase, datastore: string) =>
  `${study(golden, datastore)}/series/${golden.expected.series_uid}`

describe("a request", () => {
  test("for a series is answered with all instances, in order", async () => {
    const answer = (await handleRequest(`${series(SEVERAL, SEVERAL.datastore)}/metadata`)) as StoredTags[]
    const uids = answer.map((tags) => tags["00080018"]!.Value![0])
    expect(uids).toEqual([...SEVERAL.expected.order])
  })

  test("for an instance is answered with its attributes", async () => {
    const [key, { metadata_tags }] = Object.entries(SEVERAL.expected.instances)[0]!
    const uri = `${series(SEVERAL, SEVERAL.datastore)}/instances/${key}/metadata`
    expect(Object.keys(await handleRequest(uri))).toHaveLength(metadata_tags)
  })

  test.each(["multiframe-native", "multiframe-encapsulated"])(
    "for frames of %s is answered with each of them",
    async (name) => {
      const golden = goldenCase(name)
      const { store, datastore } = bucket.put(golden)
      for (const [key, { frames_sha256 }] of Object.entries(golden.expected.instances)) {
        if (frames_sha256 === null) continue
        const numbers = frames_sha256.map((_, i) => i + 1).toReversed()
        const uri = `${series(golden, datastore)}/instances/${key}/frames/${numbers.join(",")}`
        const frames = (await handleRequest(uri, { store })) as Uint8Array[]
        expect(frames.map(sha256)).toEqual([...frames_sha256].toReversed())
      }
    },
  )

  test("for a study is answered for all its series", async () => {
    using dir = tempDir("study")
    using store = openFileStore(dir.path)
    const put = (key: string, bytes: Uint8Array) =>
      store.write(key, bytes, { ifGeneration: "absent", contentType: "application/json" })
    const metadata = SEVERAL.bytes(SEVERAL.keys.find((key) => key.endsWith("metadata.json"))!)
    await put("studies/1.2/series/3/metadata.json", metadata)
    await put("studies/1.2/series/4/metadata.json", metadata)
    await put("studies/1.2/series/5.tar", new Uint8Array(10_240))
    await put("studies/1.2.3/series/6/metadata.json", metadata)
    const answer = (await handleRequest(`${store.uri}/studies/1.2/metadata`, { store })) as StoredTags
    expect(Object.keys(answer).toSorted()).toEqual([
      ...["00080020", "00080030", "00080050", "00080061", "00080090", "00081030", "00100010", "00100020"],
      ...["00100030", "00100040", "0020000D", "00201206", "00201208"],
    ])
    expect(answer["0020000D"]!.Value).toEqual([SEVERAL.expected.study_uid])
    expect(answer["00201206"]!.Value).toEqual([2])
    expect(answer["00201208"]!.Value).toEqual([10])
    expect(answer["00080030"]).toBeNull()
  })

  test("for several frames reads the metadata once", async () => {
    const golden = goldenCase("multiframe-native")
    const { store, datastore } = bucket.put(golden)
    const seen = watched(store)
    const [key] = Object.keys(golden.expected.instances)
    await handleRequest(`${series(golden, datastore)}/instances/${key}/frames/1,2,3`, { store: seen })
    expect(seen.reads(".json")).toHaveLength(1)
    expect(seen.reads(".tar")).toHaveLength(3)
  })

  test.each([
    "D/studies/1.2",
    "D/studies/1.2/series/3",
    "D/studies/1.2/series/3/instances/4",
    "D/studies/1.2/frames/1",
    "D/studies/1.2/series/3/frames/1",
    "D/studies/1.2/series/3/instances/4/frames/1/metadata",
    "D/studies/1.2/series/3/instances/4/frames/0",
    "D/studies/1.2/series/3/instances/4/frames/a",
    "D/studies/1.2/series/3/instances/4/frames/1,",
    "D/studies/../series/3/metadata",
    "D/studies/1.2/instances/4/metadata",
    "D/series/3/metadata",
    "http://server/studies/1.2/metadata?includefield=all",
    "",
  ])("%p is none", async (uri) => {
    expect(
      await failureOf(handleRequest(uri.replace("D", "gs://golden"), { store: bucket.store })),
    ).toBeInstanceOf(InvalidUri)
  })

  test("for what is not there says so", async () => {
    const { store, datastore } = bucket.put(SEVERAL)
    const fails = (uri: string) => failureOf(handleRequest(uri, { store }))
    const [key] = Object.keys(SEVERAL.expected.instances)
    const there = series(SEVERAL, datastore)
    expect(await fails(`${datastore}/studies/1.2/metadata`)).toBeInstanceOf(CODObjectNotFoundError)
    expect(await fails(`${study(SEVERAL, datastore)}/series/1.2/metadata`)).toBeInstanceOf(
      CODObjectNotFoundError,
    )
    expect(await fails(`${there}/instances/1.2/metadata`)).toBeInstanceOf(InstanceNotFoundError)
    expect(await fails(`${there}/instances/${key}/frames/2`)).toBeInstanceOf(FrameNotFoundError)
  })
})

describe("what cannot be read", () => {
  const damagedSeries = async () => {
    const damaged = await changedSeries(SEVERAL)
    const [unreadable, garbled] = Object.keys(SEVERAL.expected.instances) as [string, string]
    await damaged.changeMetadata(({ cod: { instances } }) => {
      instances[unreadable]!.version = "7.0"
      instances[garbled]!.metadata = "AAAA"
    })
    return { damaged, keys: [unreadable, garbled] }
  }

  test("of a series is left out and told, be it the entry or what it says", async () => {
    const { damaged, keys } = await damagedSeries()
    await using _ = damaged
    const skipped: string[] = []
    const onSkipped = (key: string) => skipped.push(key)
    const answer = await handleRequest(`${damaged.uri}/metadata`, { store: damaged.store, onSkipped })
    expect(answer).toHaveLength(3)
    expect(skipped.toSorted()).toEqual(keys.toSorted())
  })

  test("fails the answer when nobody is told", async () => {
    const { damaged } = await damagedSeries()
    await using _ = damaged
    const answer = handleRequest(`${damaged.uri}/metadata`, { store: damaged.store })
    expect(await failureOf(answer)).toBeInstanceOf(InvalidMetadata)
  })

  test("counts as an instance of the study all the same", async () => {
    const { damaged } = await damagedSeries()
    await using _ = damaged
    const uri = `${study(SEVERAL, damaged.store.uri)}/metadata`
    const answer = (await handleRequest(uri, { store: damaged.store, onSkipped: () => {} })) as StoredTags
    expect(answer["00201208"]!.Value).toEqual([5])
    expect(answer["0020000D"]!.Value).toEqual([SEVERAL.expected.study_uid])
  })
})

test("a study costs the attributes of one instance of each series", async () => {
  await using changed = await changedSeries(SEVERAL)
  const shared = { store: changed.store, metadataCache: new MetadataCache() }
  await using cod = await changed.open(shared)
  let looks = 0
  for (const record of (await cod.getMetadata()).instances.values()) {
    if (record.kind !== "instance") continue
    const { tags } = record
    const counted = () => {
      looks += 1
      return tags.call(record)
    }
    Object.assign(record, { tags: counted })
  }
  await retrieveStudy({ datastore: changed.store.uri, studyUid: SEVERAL.expected.study_uid }, shared)
  expect(looks).toBe(1)
})

test("more frames than anybody asks for are refused before anything is read", async () => {
  const { store, datastore } = bucket.put(SEVERAL)
  const seen = watched(store)
  const [key] = Object.keys(SEVERAL.expected.instances)
  const uri = `${series(SEVERAL, datastore)}/instances/${key}/frames/${"1,".repeat(10_000)}1`
  expect(await failureOf(handleRequest(uri, { store: seen }))).toBeInstanceOf(TooLarge)
  expect(seen.calls).toEqual([])
})

test("of a series that is consumed one by one no more is read than is asked for", async () => {
  const { expected, datastore } = SEVERAL
  const place = { datastore, studyUid: expected.study_uid, seriesUid: expected.series_uid }
  const [first] = expected.order
  for await (const tags of retrieveSeries(place)) {
    expect(tags["00080018"]!.Value![0]).toBe(first!)
    break
  }
})
