import { afterAll, describe, expect, test } from "bun:test"
import fc from "fast-check"
import { CODObjectNotFoundError } from "../../lib/cod/errors.ts"
import { listSeries, listStudies, seriesInfo } from "../../lib/cod/index.ts"
import { compareKeys } from "../../lib/storage/keys.ts"
import type { ObjectInfo, ObjectSource } from "../../lib/storage/store.ts"
import { failureOf } from "../contract/bodies.ts"
import { goldenCase } from "../support/golden.ts"
import { changedSeries } from "./changed-series.ts"
import { openGolden } from "./golden-bucket.ts"

const bucket = await openGolden()
afterAll(() => bucket.stop())

/** A store in which nothing but keys can be had. */
function listed(keys: readonly string[]): ObjectSource {
  const infos = keys
    .toSorted(compareKeys)
    .map((key): ObjectInfo => ({ key, size: 10, generation: "1", metadata: {} }))
  const nothing = () => Promise.reject(new Error("only listed"))
  return {
    uri: "gs://listed",
    head: nothing,
    read: nothing,
    async *list(prefix) {
      yield* infos.filter(({ key }) => key.startsWith(prefix))
    },
  }
}

const OBJECTS = [".tar", "/metadata.json", "/index.sqlite", "/error.log", "/.cod.lock", "/.gradient.lock"]

describe("listing", () => {
  test("finds every series with its objects once, however their UIDs begin", async () => {
    const uid = fc
      .stringMatching(/^[0-9.u]{1,4}$/)
      .filter((text) => !/^\.+$/.test(text) && !text.endsWith(".tar"))
    const series = fc.record({ study: uid, series: uid, objects: fc.subarray(OBJECTS, { minLength: 1 }) })
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(series, { selector: ({ study, series }) => `${study}/${series}` }),
        async (all) => {
          const keys = all.flatMap(({ study, series, objects }) =>
            objects.map((object) => `studies/${study}/series/${series}${object}`),
          )
          const found = await Array.fromAsync(listSeries({ datastore: "gs://listed", store: listed(keys) }))
          const told = found.map(({ place, objects, locks }) => [
            `${place.studyUid}/${place.seriesUid}`,
            [...objects.keys()].toSorted(),
            locks.length,
          ])
          const wanted = all.map(({ study, series, objects }) => [
            `${study}/${series}`,
            objects.map((object) => object.slice(1)).toSorted(),
            objects.filter((object) => object.endsWith("lock")).length,
          ])
          expect(told.toSorted()).toEqual(wanted.toSorted())
        },
      ),
    )
  })

  test("of one study does not find another whose UID begins so", async () => {
    const keys = [
      "studies/1.2/series/5.tar",
      "studies/1.2.3/series/6.tar",
      "studies/1.2/series/7/metadata.json",
    ]
    const store = listed([...keys, "studies/1.2/notes.txt", "other/1.tar"])
    const found = await Array.fromAsync(listSeries({ datastore: "gs://listed", store, studyUid: "1.2" }))
    expect(found.map(({ place }) => place.seriesUid)).toEqual(["5", "7"])
  })

  test("counts the series of each study", async () => {
    const keys = ["1/series/2", "1/series/3", "10/series/2"].flatMap((series) => [
      `studies/${series}.tar`,
      `studies/${series}/metadata.json`,
    ])
    const store = listed([...keys, "studies/1/series/3/.cod.lock", "studies/10/series/2/error.log"])
    expect(await Array.fromAsync(listStudies({ datastore: "gs://listed", store }))).toEqual([
      { studyUid: "1", series: 2, bytes: 50, locked: 1, withErrorLog: 0 },
      { studyUid: "10", series: 1, bytes: 30, locked: 0, withErrorLog: 1 },
    ])
  })

  test("takes the keys of a bucket as they come", async () => {
    const golden = goldenCase("several-instances")
    const { store, datastore } = bucket.put(golden)
    const [series, ...others] = await Array.fromAsync(listSeries({ datastore, store }))
    expect(others).toEqual([])
    expect(series!.place).toEqual({
      datastore,
      studyUid: golden.expected.study_uid,
      seriesUid: golden.expected.series_uid,
    })
    const sizes = Object.values(golden.expected.objects).map(({ size }) => size)
    expect([...series!.objects.values()].toSorted()).toEqual(sizes.toSorted())
  })
})

describe("what there is to say of a series", () => {
  const infoOf = async (name: string) => {
    const golden = goldenCase(name)
    const { store, datastore } = bucket.put(golden)
    const { study_uid, series_uid } = golden.expected
    const info = await seriesInfo(`${datastore}/studies/${study_uid}/series/${series_uid}`, { store })
    return { info, golden }
  }

  test("comes from its metadata", async () => {
    const { info, golden } = await infoOf("multiframe-encapsulated")
    const instances = Object.values(golden.expected.instances)
    const sum = (of: (instance: (typeof instances)[number]) => number) =>
      instances.reduce((total, instance) => total + of(instance), 0)
    expect(info).toMatchObject({
      instances: 8,
      unreadable: [],
      hashedUids: false,
      instanceBytes: sum(({ size }) => size),
      frames: sum(({ number_of_frames }) => number_of_frames),
      withPixeldata: sum(({ has_pixeldata }) => Number(has_pixeldata)),
      metadataVersions: { "2.0": 8 },
      locks: [],
      thumbnails: [],
    })
    for (const { transfer_syntax: syntax } of instances) {
      const count = instances.filter(({ transfer_syntax }) => transfer_syntax === syntax).length
      expect(info.transferSyntaxes[syntax]).toBe(count)
    }
    expect(info.errorLog).toBeUndefined()
    expect(info.tarBytes).toBeGreaterThan(info.instanceBytes)
  })

  test("names its locks, its error log, its thumbnail and its fields", async () => {
    expect((await infoOf("hanging-cod-lock")).info.locks).toEqual([".cod.lock"])
    expect((await infoOf("hanging-gradient-lock")).info.locks).toEqual([".gradient.lock"])
    const { info: failed, golden } = await infoOf("error-log")
    const log = golden.bytes(golden.keys.find((key) => key.endsWith("error.log"))!)
    expect(failed.errorLog).toBe(new TextDecoder().decode(log))
    const { info: shown } = await infoOf("thumbnail-mp4")
    expect(shown.thumbnails).toEqual([shown.describedThumbnail!])
    expect(shown.fields).toContain("thumbnail")
    expect((await infoOf("v1-metadata")).info.metadataVersions).toEqual({ "1.0": 3 })
    expect((await infoOf("hashed-uids")).info.hashedUids).toBe(true)
  })

  test("leaves out what nobody understands, and names it", async () => {
    await using series = await changedSeries(goldenCase("several-instances"))
    const [bad, worse] = Object.keys(goldenCase("several-instances").expected.instances) as [string, string]
    await series.changeMetadata(({ cod }) => {
      cod.instances[bad]!.version = "9"
      cod.instances[worse]!.metadata = "AAAA"
    })
    const info = await seriesInfo(series.uri, { store: series.store })
    expect(info.unreadable.map(({ key }) => key)).toEqual([bad])
    expect(info.transferSyntaxes).toMatchObject({ unknown: 1 })
    expect(info.instances).toBe(5)
  })

  test("is nothing where there is none", async () => {
    const nowhere = seriesInfo("gs://golden/studies/1.2/series/3.4", { store: bucket.store })
    expect(await failureOf(nowhere)).toBeInstanceOf(CODObjectNotFoundError)
  })
})
