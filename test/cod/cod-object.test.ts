import { describe, expect, test } from "bun:test"
import { existsSync, mkdirSync, readdirSync } from "node:fs"
import {
  CODError,
  CODObject,
  CODObjectNotFoundError,
  type CODObjectOptions,
  CorruptInstanceError,
  FrameNotFoundError,
  Instance,
  InstanceNotFoundError,
  InvalidMetadata,
  InvalidUri,
  UidHashFuncMissingError,
  UnsortableSeriesError,
} from "../../lib/cod/index.ts"
import { fileNames } from "../../lib/cod/reading/extract.ts"
import { NotFound } from "../../lib/storage/errors.ts"
import { AppError, UsageError } from "../../lib/support/errors.ts"
import { failureOf } from "../contract/bodies.ts"
import { type GoldenCase, goldenCase } from "../support/golden.ts"
import { tempDir } from "../support/temp.ts"
import { changedSeries } from "./changed-series.ts"
import { openGolden } from "./golden-bucket.ts"
import { sha256 } from "./golden-series.ts"

const SEVERAL = goldenCase("several-instances")
const HASHED = goldenCase("hashed-uids")
const V1 = goldenCase("v1-metadata")

function optionsOf({ datastore, expected }: GoldenCase): CODObjectOptions {
  return { datastore, studyUid: expected.study_uid, seriesUid: expected.series_uid, lock: false }
}

describe("opening a series", () => {
  test("demands to know whether it is to be locked, and says why", async () => {
    const { lock: _, ...undecided } = optionsOf(SEVERAL)
    const error = (await failureOf(CODObject.open(undecided as CODObjectOptions))) as UsageError
    expect(error).toBeInstanceOf(UsageError)
    expect(error.message).toContain("lock")
    expect(error.hint).toContain("lock: false")
  })

  test.each(["yes", null, 0])("takes no lock %p for an answer", async (lock) => {
    const options = { ...optionsOf(SEVERAL), lock } as unknown as CODObjectOptions
    expect(await failureOf(CODObject.open(options))).toBeInstanceOf(UsageError)
  })

  test("fails where there is none", async () => {
    const options = { ...optionsOf(SEVERAL), seriesUid: "1.2.3.4.5.6" }
    expect(await failureOf(CODObject.open(options))).toBeInstanceOf(CODObjectNotFoundError)
  })

  test.each(["../..", "a/b", "..", ""])("refuses %p as a UID, whatever stands there", async (seriesUid) => {
    const error = await failureOf(CODObject.open({ ...optionsOf(SEVERAL), seriesUid }))
    expect(error).toBeInstanceOf(InvalidUri)
  })

  test("by the URI of whatever belongs to it is the same", async () => {
    const { datastore, studyUid, seriesUid } = optionsOf(SEVERAL)
    const series = `${datastore}/studies/${studyUid}/series/${seriesUid}`
    for (const end of [
      "",
      ".tar",
      "/metadata.json",
      "/index.sqlite",
      ".tar://instances/1.2.dcm",
      "/.cod.lock",
    ]) {
      await using cod = await CODObject.fromUri(`${series}${end}`, { lock: false })
      expect(cod.datastoreSeriesUri).toBe(series)
      expect(cod.tarUri).toBe(`${series}.tar`)
      expect(cod.metadataUri).toBe(`${series}/metadata.json`)
      expect(cod.indexUri).toBe(`${series}/index.sqlite`)
      expect(cod.errorLogUri).toBe(`${series}/error.log`)
      expect(`${cod}`).toBe(`CODObject(${series})`)
    }
  })

  test.each(["gs://bucket/studies/1.2", "/studies/1/series/2", "ftp://a/studies/1/series/2", ""])(
    "by the URI %p of no series is refused",
    async (uri) => {
      expect(await failureOf(CODObject.fromUri(uri, { lock: false }))).toBeInstanceOf(InvalidUri)
    },
  )

  test("needs a store that holds it", async () => {
    await using series = await changedSeries(SEVERAL)
    const { studyUid, seriesUid } = optionsOf(SEVERAL)
    const options = { store: series.store, studyUid, seriesUid, lock: false } as const
    await using cod = await CODObject.open(options)
    expect(cod.datastore).toBe(series.store.uri)
    const elsewhere = { ...options, datastore: "gs://elsewhere" }
    expect(await failureOf(CODObject.open(elsewhere))).toBeInstanceOf(UsageError)
  })

  test("leaves a store that was handed in open, and its temporary folder alone", async () => {
    await using series = await changedSeries(SEVERAL)
    using dir = tempDir("own")
    {
      await using cod = await series.open({ tempDir: dir.path })
      await cod.pullTar()
      expect(readdirSync(dir.path)).toHaveLength(1)
    }
    expect(readdirSync(dir.path)).toEqual([])
    await using again = await series.open()
    expect((await again.getMetadata()).instances.size).toBe(5)
  })
})

test("a series that was disposed of is not read any more, and makes no temporary files", async () => {
  using dir = tempDir("closed")
  const cod = await CODObject.open({ ...optionsOf(SEVERAL), tempDir: dir.path })
  const [key] = [...(await cod.getInstances()).keys()] as [string]
  const instance = await cod.getInstance(key)
  await cod.pullTar()
  await using pulled = await cod.getInstance(key)
  await cod[Symbol.asyncDispose]()
  const uses = [
    () => cod.openInstance(key),
    () => cod.openFrame(key, 1),
    () => cod.getMetadata(),
    () => cod.reload(),
    () => cod.getInstances(),
    () => cod.pullTar(),
    () => cod.extractLocally(),
    () => cod.integrityCheck(),
  ]
  for (const use of uses) expect(await failureOf(use())).toBeInstanceOf(UsageError)
  for (const moved of [instance, pulled]) expect(await failureOf(moved.open())).toBeInstanceOf(AppError)
  expect(readdirSync(dir.path)).toEqual([])
})

test("temporary files that cannot be made are an error of ours", async () => {
  using dir = tempDir("closed")
  await using cod = await CODObject.open({ ...optionsOf(SEVERAL), tempDir: dir.file("nowhere") })
  expect(await failureOf(cod.pullTar())).toBeInstanceOf(CODError)
})

describe("the instances of a series", () => {
  test("are put in order once, however many are asked for by their place", async () => {
    await using cod = await CODObject.open(optionsOf(SEVERAL))
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
    for (const index of [0, 1, 2]) await cod.getInstanceByIndex(index)
    await cod.getInstances()
    expect(looks).toBe(Object.keys(SEVERAL.expected.instances).length)
  })

  const numbered = (numbers: readonly unknown[]) => async () => {
    const series = await changedSeries(V1)
    await series.changeMetadata(({ cod }) => {
      for (const [i, { metadata }] of Object.values(cod.instances).entries()) {
        const tags = metadata as Record<string, unknown>
        tags["00200013"] = numbers[i]
      }
    })
    return series
  }
  const keys = Object.keys(V1.expected.instances) as [string, string, string]
  const value = (...Value: unknown[]) => ({ vr: "IS", Value })

  test("stand in the order of their numbers, equal ones as they are stored", async () => {
    await using series = await numbered([value(7), value(-1), value(7)])()
    await using cod = await series.open()
    expect([...(await cod.getInstances()).keys()]).toEqual([keys[1], keys[0], keys[2]])
    expect((await cod.getInstanceByIndex(0)).record!.key).toBe(keys[1])
  })

  test.each([
    ["without a value", { vr: "IS" }],
    ["with an empty value", value()],
    ["with a null", value(null)],
    ["with text", value("first")],
  ])("are not put in order by a number %s", async (_, number) => {
    await using series = await numbered([value(3), number, value(1)])()
    await using cod = await series.open()
    expect(await failureOf(cod.getInstances())).toBeInstanceOf(UnsortableSeriesError)
    expect(await failureOf(cod.getInstanceByIndex(0))).toBeInstanceOf(UnsortableSeriesError)
    expect([...(await cod.getInstances({ strictSorting: false })).keys()]).toEqual([...keys])
  })

  test("stand in a new order when somebody wrote the series", async () => {
    await using series = await numbered([value(1), value(2), value(3)])()
    await using cod = await series.open()
    expect([...(await cod.getInstances()).keys()]).toEqual([...keys])
    await series.changeMetadata(({ cod }) => {
      const tags = cod.instances[keys[2]]!.metadata as Record<string, unknown>
      tags["00200013"] = value(0)
    })
    await cod.reload()
    expect([...(await cod.getInstances()).keys()]).toEqual([keys[2], keys[0], keys[1]])
  })

  test("that are not there are said to be missing", async () => {
    await using cod = await CODObject.open(optionsOf(SEVERAL))
    expect(await failureOf(cod.getInstance("1.2.3"))).toBeInstanceOf(InstanceNotFoundError)
    expect(await failureOf(cod.getInstance("__proto__"))).toBeInstanceOf(InstanceNotFoundError)
    expect(await failureOf(cod.getInstanceByIndex(5))).toBeInstanceOf(InstanceNotFoundError)
    expect(await failureOf(cod.getInstanceByIndex(-1))).toBeInstanceOf(InstanceNotFoundError)
    expect(await failureOf(cod.openInstance("1.2.3"))).toBeInstanceOf(InstanceNotFoundError)
  })

  test("are opened by key, by place and by themselves", async () => {
    await using cod = await CODObject.open(optionsOf(SEVERAL))
    const [key] = SEVERAL.expected.order as [string]
    const other = new Instance({ dicomUri: "gs://never/asked.dcm", hints: { instanceUid: key } })
    for (const which of [key, 0, await cod.getInstance(key), other]) {
      await using view = await cod.openInstance(which)
      expect(sha256(await view.bytes())).toBe(SEVERAL.expected.instances[key]!.sha256)
    }
  })

  test("that nobody understands leave the others as they are", async () => {
    await using series = await changedSeries(SEVERAL)
    const [key, ...others] = Object.keys(SEVERAL.expected.instances) as [string, ...string[]]
    await series.changeMetadata(({ cod }) => {
      cod.instances[key]!.version = "9.9"
    })
    await using cod = await series.open()
    expect(await failureOf(cod.getInstance(key))).toBeInstanceOf(InvalidMetadata)
    expect([...(await cod.getInstances()).keys()].toSorted()).toEqual(others.toSorted())
    const { extracted, failed } = await cod.extractLocally()
    expect(extracted.map((one) => one.key).toSorted()).toEqual(others.toSorted())
    expect(failed.map((one) => one.key)).toEqual([key])
  })
})

describe("a hashed series", () => {
  const uidHashFunc = (uid: string) => {
    const found = Object.entries(HASHED.expected.instances).find(
      ([, { instance_uid }]) => instance_uid === uid,
    )
    return found?.[0] ?? `hash of ${uid}`
  }

  test("has its instances by hashed UID, and the real ones inside", async () => {
    await using cod = await CODObject.open({ ...optionsOf(HASHED), uidHashFunc })
    expect((await cod.getMetadata()).hashedUids).toBe(true)
    for (const [key, expected] of Object.entries(HASHED.expected.instances)) {
      const instance = await cod.getInstance(key)
      expect(await instance.instanceUid()).toBe(expected.instance_uid)
      expect(await instance.hashedInstanceUid()).toBe(key)
      const elsewhere = new Instance({
        dicomUri: "gs://never/asked.dcm",
        hints: { instanceUid: expected.instance_uid },
        uidHashFunc,
      })
      for (const which of [instance, elsewhere]) {
        await using view = await cod.openInstance(which)
        expect(sha256(await view.bytes())).toBe(expected.sha256)
      }
    }
  })

  test("is read without the function that hashed it", async () => {
    await using cod = await CODObject.open(optionsOf(HASHED))
    const [instance] = [...(await cod.getInstances()).values()] as [Instance]
    await using view = await cod.openInstance(instance)
    expect(view.size).toBe(await instance.size())
    expect(await failureOf(instance.hashedInstanceUid())).toBeInstanceOf(UidHashFuncMissingError)
  })
})

test("a field beside the instances is what somebody put there", async () => {
  const golden = goldenCase("custom-fields")
  await using cod = await CODObject.open(optionsOf(golden))
  for (const [name, value] of Object.entries(golden.expected.metadata_fields)) {
    expect(await cod.getMetadataField(name)).toEqual(value)
  }
  expect(await cod.getMetadataField("none")).toBeUndefined()
  expect(await cod.getMetadataField("constructor")).toBeUndefined()
})

test("a series with an error log is read like any other", async () => {
  const golden = goldenCase("error-log")
  await using cod = await CODObject.open(optionsOf(golden))
  await using view = await cod.openInstance(0)
  expect(view.size).toBe(Object.values(golden.expected.instances)[0]!.size)
})

describe("pulling the tar", () => {
  test("moves all instances there, and nothing more is asked of the store", async () => {
    await using series = await changedSeries(SEVERAL)
    await using cod = await series.open()
    const instances = await cod.getInstances()
    const path = await cod.pullTar()
    series.store.calls.length = 0
    for (const [key, instance] of instances) {
      expect(instance.dicomUri).toBe(`${path}://instances/${key}.dcm`)
      await using view = await cod.openInstance(key)
      expect(sha256(await view.bytes())).toBe(SEVERAL.expected.instances[key]!.sha256)
    }
    expect(series.store.calls).toEqual([])
  })

  test("moves their frames there, too", async () => {
    const golden = goldenCase("multiframe-encapsulated")
    await using series = await changedSeries(golden)
    await using cod = await series.open()
    await cod.pullTar()
    series.store.calls.length = 0
    const [key, { frames_sha256 }] = Object.entries(golden.expected.instances).find(
      ([, instance]) => instance.frames_sha256 !== null,
    )!
    for (const [i, hash] of frames_sha256!.entries()) {
      await using view = await cod.openFrame(key, i + 1)
      expect(sha256(await view.bytes())).toBe(hash)
    }
    expect(await failureOf(cod.openFrame(key, 99))).toBeInstanceOf(FrameNotFoundError)
    expect(series.store.calls).toEqual([])
  })

  test("of a series without one fails, and leaves no file", async () => {
    await using series = await changedSeries(SEVERAL)
    await series.changeMetadata(({ cod }) => {
      cod.instances = {}
    })
    await series.remove(series.keys.tar)
    await using cod = await series.open()
    expect(await failureOf(cod.pullTar())).toBeInstanceOf(NotFound)
  })
})

describe("extracting", () => {
  test("makes one file an instance, and moves the instances there", async () => {
    using dir = tempDir("extract")
    await using series = await changedSeries(SEVERAL)
    await using cod = await series.open()
    const { extracted, failed } = await cod.extractLocally(dir.file("new", "folder"))
    expect(failed).toEqual([])
    for (const { key, path } of extracted) {
      expect(path).toBe(dir.file("new", "folder", `${key}.dcm`))
      expect(sha256(await Bun.file(path).bytes())).toBe(SEVERAL.expected.instances[key]!.sha256)
      expect((await cod.getInstance(key)).dicomUri).toBe(path)
    }
    expect(readdirSync(dir.file("new", "folder"))).toHaveLength(5)
  })

  test("replaces what is there, and leaves what it cannot have", async () => {
    using dir = tempDir("extract")
    await using series = await changedSeries(SEVERAL)
    const [good, bad] = Object.keys(SEVERAL.expected.instances) as [string, string]
    await series.changeTar((tar) => {
      tar[SEVERAL.expected.instances[bad]!.start_byte + 5]! ^= 1
      return tar
    })
    await Bun.write(dir.file(`${good}.dcm`), "old")
    await using cod = await series.open()
    const { extracted, failed } = await cod.extractLocally(dir.path)
    expect(extracted).toHaveLength(4)
    expect(failed).toEqual([{ key: bad, error: expect.any(CorruptInstanceError) }])
    expect(sha256(await Bun.file(dir.file(`${good}.dcm`)).bytes())).toBe(
      SEVERAL.expected.instances[good]!.sha256,
    )
    expect(existsSync(dir.file(`${bad}.dcm`))).toBe(false)
    expect(readdirSync(dir.path)).toHaveLength(4)
  })

  test("deletes no file of anybody else, whatever it is called", async () => {
    using dir = tempDir("extract")
    await using cod = await CODObject.open(optionsOf(SEVERAL))
    const [key, failing] = Object.keys(SEVERAL.expected.instances) as [string, string]
    await Bun.write(dir.file(`${key}.dcm.part`), "somebody's")
    mkdirSync(dir.file(`${failing}.dcm`))
    const { extracted, failed } = await cod.extractLocally(dir.path)
    expect(await Bun.file(dir.file(`${key}.dcm.part`)).text()).toBe("somebody's")
    expect(failed.map(({ key }) => key)).toEqual([failing])
    expect(readdirSync(dir.path)).toHaveLength(extracted.length + 2)
  })

  test("without a folder goes into temporary files, which go with the series", async () => {
    await using series = await changedSeries(SEVERAL)
    const paths: string[] = []
    {
      await using cod = await series.open()
      const { extracted } = await cod.extractLocally()
      paths.push(...extracted.map(({ path }) => path))
      expect(paths.every((path) => existsSync(path))).toBe(true)
    }
    expect(paths).toHaveLength(5)
    expect(paths.some((path) => existsSync(path))).toBe(false)
  })

  test("gives every key a file name of its own, safe on every file system", () => {
    const keys = [
      "1.2.3",
      "../../etc/passwd",
      "..",
      "",
      "Ab",
      "aB",
      "a:b",
      ".hidden",
      "x".repeat(300),
      "é",
      "con\0",
    ]
    const names = [...fileNames(keys).values()]
    expect(names[0]).toBe("1.2.3.dcm")
    for (const name of names) expect(name).toMatch(/^[A-Za-z0-9_-][A-Za-z0-9._-]{0,160}\.dcm$/)
    expect(new Set(names.map((name) => name.toLowerCase())).size).toBe(keys.length)
  })
})

describe("an instance of a series in a bucket", () => {
  test("is fetched into the series' temporary files, and goes with them", async () => {
    using dir = tempDir("fetched")
    const bucket = await openGolden()
    try {
      const { store, datastore } = bucket.put(SEVERAL)
      const [first, second] = SEVERAL.expected.order as [string, string]
      {
        await using cod = await CODObject.open({ ...optionsOf(SEVERAL), datastore, store, tempDir: dir.path })
        const [one, other] = [await cod.getInstance(first), await cod.getInstance(second)]
        await one.fetch()
        await other.fetch()
        const { dicomUri: path } = one
        expect(path).toStartWith(dir.path)
        expect(sha256(await Bun.file(path).bytes())).toBe(SEVERAL.expected.instances[first]!.sha256)
        await one.cleanup()
        expect(existsSync(path)).toBe(false)
        expect(one.dicomUri).toBe(`${cod.tarUri}://instances/${first}.dcm`)
        expect(existsSync(other.dicomUri)).toBe(true)
      }
      expect(readdirSync(dir.path)).toEqual([])
    } finally {
      await bucket.stop()
    }
  })
})
