import { afterAll, describe, expect, test } from "bun:test"
import { existsSync, readdirSync } from "node:fs"
import { pathToFileURL } from "node:url"
import {
  CODError,
  HintMismatchError,
  type Hints,
  Instance,
  InstanceNotFoundError,
  InstanceValidationError,
  InvalidDicom,
  InvalidUri,
  MetadataCache,
  Metrics,
  TooLarge,
  UidHashFuncMissingError,
} from "../../lib/cod/index.ts"
import { NotFound } from "../../lib/storage/errors.ts"
import { crc32cBase64 } from "../../lib/support/checksums.ts"
import { Aborted, UsageError } from "../../lib/support/errors.ts"
import { failureOf } from "../contract/bodies.ts"
import { goldenCase } from "../support/golden.ts"
import { tempDir } from "../support/temp.ts"
import { openGolden } from "./golden-bucket.ts"
import { watched } from "./watched.ts"

const bucket = await openGolden()
afterAll(() => bucket.stop())

const GOLDEN = goldenCase("several-instances")
const [KEY, EXPECTED] = Object.entries(GOLDEN.expected.instances)[0]!
const TAR = GOLDEN.keys.find((key) => key.endsWith(".tar"))!
const BYTES = GOLDEN.bytes(TAR).slice(EXPECTED.start_byte, EXPECTED.start_byte + EXPECTED.size)
const RIGHT: Hints = {
  size: EXPECTED.size,
  crc32c: EXPECTED.crc32c,
  instanceUid: EXPECTED.instance_uid,
  seriesUid: EXPECTED.series_uid,
  studyUid: EXPECTED.study_uid,
}

/** The same DICOM file in all places where one can be. */
async function places() {
  const dir = tempDir("instance")
  const local = dir.file("a b.dcm")
  const tar = dir.file("any.tar")
  await Bun.write(local, BYTES)
  await Bun.write(tar, GOLDEN.bytes(TAR))
  bucket.cloud.put(bucket.bucket, "incoming/a.dcm", BYTES)
  bucket.cloud.put(bucket.bucket, "incoming/any.tar", GOLDEN.bytes(TAR))
  const { datastore } = bucket.put(GOLDEN)
  const store = watched(bucket.store)
  return {
    dir,
    store,
    remote: "gs://golden/incoming/a.dcm",
    uris: {
      "a local path": local,
      "a local file's URI": pathToFileURL(local).href,
      "a remote object": "gs://golden/incoming/a.dcm",
      "a local tar": `${tar}://instances/${KEY}.dcm`,
      "a remote tar": `gs://golden/incoming/any.tar://instances/${KEY}.dcm`,
      "a remote series": `${datastore}/${TAR}://instances/${KEY}.dcm`,
      "a local series": `${GOLDEN.datastore}/${TAR}://instances/${KEY}.dcm`,
    },
    [Symbol.dispose]: dir[Symbol.dispose],
  }
}

type Place = keyof Awaited<ReturnType<typeof places>>["uris"]
const PLACES: readonly Place[] = [
  "a local path",
  "a local file's URI",
  "a remote object",
  "a local tar",
  "a remote tar",
  "a remote series",
  "a local series",
]

describe("an instance in", () => {
  test.each(PLACES)("%s is opened, validated and asked", async (name) => {
    using place = await places()
    const store = name.includes("remote") ? place.store : undefined
    await using instance = new Instance({ dicomUri: place.uris[name], store, hints: RIGHT })
    await using view = await instance.open()
    expect(await view.bytes()).toEqual(BYTES)
    await instance.validate()
    expect(await instance.size()).toBe(EXPECTED.size)
    expect(await instance.crc32c()).toBe(EXPECTED.crc32c)
    expect(await instance.instanceUid()).toBe(EXPECTED.instance_uid)
    expect(await instance.seriesUid()).toBe(EXPECTED.series_uid)
    expect(await instance.studyUid()).toBe(EXPECTED.study_uid)
    expect(await instance.hasPixeldata()).toBe(true)
    expect((await instance.metadata())["00080018"]!.Value).toEqual([EXPECTED.instance_uid])
    expect(instance.originalPath).toBe(place.uris[name])
  })

  test.each(["a remote tar", "a remote series"] as const)(
    "%s costs no more of the tar than its bytes",
    async (name) => {
      using place = await places()
      await using instance = new Instance({ dicomUri: place.uris[name], store: place.store })
      await using _ = await instance.open()
      const { start_byte: start, size } = EXPECTED
      expect(place.store.reads(".tar").at(-1)!.range).toEqual({ start, end: start + size })
      const others = place.store.reads(".tar").slice(0, -1)
      // The headers of a tar that nobody describes; a series says where its instances lie.
      expect(others.length > 0).toBe(name === "a remote tar")
    },
  )
})

test.each(["a remote tar", "a remote series"] as const)(
  "whatever is asked of an instance in %s, its bytes are read once",
  async (name) => {
    using place = await places()
    await using instance = new Instance({ dicomUri: place.uris[name], store: place.store })
    await instance.size()
    await instance.metadata()
    await instance.pixeldataHash()
    await instance.hasPixeldata()
    await using _ = await instance.open()
    const { start_byte: start, size } = EXPECTED
    const whole = place.store.reads(".tar").filter(({ range }) => range?.start === start)
    expect(whole.map(({ range }) => range)).toEqual([{ start, end: start + size }])
    expect(place.store.reads("metadata.json")).toHaveLength(name === "a remote series" ? 1 : 0)
  },
)

test("instances of one remote series share its metadata when they share a cache", async () => {
  using place = await places()
  const shared = { store: place.store, metadataCache: new MetadataCache(), metrics: new Metrics() }
  const uri = place.uris["a remote series"]
  for (const key of Object.keys(GOLDEN.expected.instances)) {
    await using instance = new Instance({ ...shared, dicomUri: uri.replace(KEY, key) })
    await instance.size()
  }
  expect(place.store.reads("metadata.json")).toHaveLength(1)
  expect(shared.metrics.snapshot()).toMatchObject({ instancesRead: 5, metadataCacheHits: 4 })
})

test("an aborted open opens nothing, wherever the file is", async () => {
  using place = await places()
  await using instance = new Instance({ dicomUri: place.uris["a local path"] })
  const error = await failureOf(instance.open(AbortSignal.abort(new Aborted())))
  expect(error).toBeInstanceOf(Aborted)
})

describe("where the bytes are", () => {
  test("changes when they are fetched, and where they came from does not", async () => {
    using place = await places()
    const { store, remote, dir } = place
    await using instance = new Instance({ dicomUri: remote, store, tempDir: dir.path })
    expect(instance.dicomUri).toBe(remote)
    await instance.fetch()
    expect(instance.dicomUri).toStartWith(dir.path)
    expect(instance.originalPath).toBe(remote)
    expect(await Bun.file(instance.dicomUri).bytes()).toEqual(BYTES)
    await instance.validate()
    expect(store.reads()).toHaveLength(1)
  })

  test("is found out once by all who ask at the same time", async () => {
    using place = await places()
    const { store, remote } = place
    await using instance = new Instance({ dicomUri: remote, store })
    const facts = await Promise.all([
      instance.size(),
      instance.crc32c(),
      instance.instanceUid(),
      instance.fetch(),
    ])
    expect(facts.slice(0, 3)).toEqual([EXPECTED.size, EXPECTED.crc32c, EXPECTED.instance_uid])
    expect(store.reads()).toHaveLength(1)
  })

  test("is the first place again after the temporary files are gone", async () => {
    using place = await places()
    const { store, remote, dir } = place
    const before = readdirSync(dir.path)
    const instance = new Instance({ dicomUri: remote, store, tempDir: dir.path })
    await instance.fetch()
    const path = instance.dicomUri
    await instance.cleanup()
    expect(existsSync(path)).toBe(false)
    expect(readdirSync(dir.path)).toEqual(before)
    expect(instance.dicomUri).toBe(remote)
  })

  test("is found anew after that, but not once the instance was disposed of", async () => {
    using place = await places()
    const { store, remote, dir } = place
    const before = readdirSync(dir.path)
    const instance = new Instance({ dicomUri: remote, store, tempDir: dir.path })
    await instance.fetch()
    await instance.cleanup()
    await instance.fetch()
    expect(instance.dicomUri).not.toBe(remote)
    await instance[Symbol.asyncDispose]()
    expect(await failureOf(instance.fetch())).toBeInstanceOf(UsageError)
    expect(readdirSync(dir.path)).toEqual(before)
  })

  test("of a local file is where it was: it is neither fetched nor deleted", async () => {
    using place = await places()
    const dicomUri = place.uris["a local path"]
    const instance = new Instance({ dicomUri })
    await instance.fetch()
    expect(instance.dicomUri).toBe(dicomUri)
    await instance.cleanup()
    expect(existsSync(dicomUri)).toBe(true)
  })

  test("of a file whose name begins with a scheme's letters is on this machine", async () => {
    using place = await places()
    const path = place.dir.file("httpfoo.dcm")
    await Bun.write(path, BYTES)
    await using instance = new Instance({ dicomUri: path })
    expect(await instance.size()).toBe(EXPECTED.size)
  })

  test("fetched from a remote tar is a temporary file as well", async () => {
    using place = await places()
    await using instance = new Instance({ dicomUri: place.uris["a remote series"], store: place.store })
    await instance.fetch()
    expect(await Bun.file(instance.dicomUri).bytes()).toEqual(BYTES)
  })

  test("is refused when the temporary files would grow too large, and nothing of it stays", async () => {
    using place = await places()
    const { store, remote, dir } = place
    await using instance = new Instance({ dicomUri: remote, store, tempDir: dir.path, maxTempBytes: 1000 })
    expect(await failureOf(instance.fetch())).toBeInstanceOf(TooLarge)
    const folder = readdirSync(dir.path).find((name) => name.startsWith("cod-"))!
    expect(readdirSync(dir.file(folder))).toEqual([])
  })
})

describe("hints", () => {
  const WRONG: Hints = { size: 1, crc32c: "AAAAAA==", instanceUid: "1.2", seriesUid: "1.3", studyUid: "1.4" }

  test("are believed where that is asked for, and nothing is read", async () => {
    using place = await places()
    await using instance = new Instance({ dicomUri: place.remote, store: place.store, hints: WRONG })
    const belief = { trustHints: true }
    expect([
      await instance.size(belief),
      await instance.crc32c(belief),
      await instance.instanceUid(belief),
      await instance.seriesUid(belief),
      await instance.studyUid(belief),
    ]).toEqual([1, "AAAAAA==", "1.2", "1.3", "1.4"])
    expect(place.store.calls).toEqual([])
  })

  test("that are missing are found out, hints or no hints", async () => {
    using place = await places()
    await using instance = new Instance({
      dicomUri: place.remote,
      store: place.store,
      hints: { size: EXPECTED.size },
    })
    expect(await instance.crc32c({ trustHints: true })).toBe(EXPECTED.crc32c)
  })

  test.each(Object.keys(WRONG) as (keyof Hints)[])(
    "that say a wrong %s are found out by who reads",
    async (field) => {
      using place = await places()
      const hints = { ...RIGHT, [field]: WRONG[field] }
      for (const read of [
        (instance: Instance) => instance.open(),
        (instance: Instance) => instance.validate(),
        (instance: Instance) => instance.size(),
      ]) {
        await using instance = new Instance({ dicomUri: place.uris["a local path"], hints })
        const error = await failureOf(read(instance))
        expect(error).toBeInstanceOf(HintMismatchError)
        expect((error as HintMismatchError).field).toBe(field)
      }
    },
  )
})

describe("hashed UIDs", () => {
  test("are those of the function that was handed in", async () => {
    using place = await places()
    const uidHashFunc = (uid: string) => `9.${uid}`
    await using instance = new Instance({ dicomUri: place.uris["a local path"], uidHashFunc })
    expect(await instance.hashedInstanceUid()).toBe(`9.${EXPECTED.instance_uid}`)
    expect(await instance.hashedSeriesUid()).toBe(`9.${EXPECTED.series_uid}`)
    expect(await instance.hashedStudyUid()).toBe(`9.${EXPECTED.study_uid}`)
  })

  test("are refused without one, before anything is read", async () => {
    using place = await places()
    const instance = new Instance({ dicomUri: place.remote, store: place.store })
    for (const ask of [instance.hashedInstanceUid(), instance.hashedSeriesUid(), instance.hashedStudyUid()]) {
      expect(await failureOf(ask)).toBeInstanceOf(UidHashFuncMissingError)
    }
    expect(place.store.calls).toEqual([])
  })
})

describe("the hash of the pixels", () => {
  test("is that of the element's value, whatever else the file says", async () => {
    using place = await places()
    const path = place.uris["a local path"]
    const hashOf = async () => {
      await using instance = new Instance({ dicomUri: path })
      return await instance.pixeldataHash()
    }
    const before = await hashOf()
    const at = Buffer.from(BYTES).indexOf(Buffer.from([0xe0, 0x7f, 0x10, 0x00]))
    expect(before).toBe(crc32cBase64(BYTES.subarray(at + 12)))
    const other = BYTES.slice()
    other[10] = 1
    await Bun.write(path, other)
    expect(await hashOf()).toBe(before!)
    other[other.length - 1]! ^= 1
    await Bun.write(path, other)
    expect(await hashOf()).not.toBe(before!)
  })
})

describe("what cannot be opened", () => {
  const refused = async (dicomUri: string, work: (instance: Instance) => Promise<unknown>) => {
    await using instance = new Instance({
      dicomUri,
      store: dicomUri.startsWith("gs:") ? bucket.store : undefined,
    })
    return await failureOf(work(instance))
  }
  const open = (instance: Instance) => instance.open()

  test("because it is not there", async () => {
    using place = await places()
    expect(await refused(place.dir.file("none.dcm"), open)).toBeInstanceOf(NotFound)
    expect(await refused("gs://golden/none.dcm", open)).toBeInstanceOf(NotFound)
    expect(await refused(`${place.dir.file("any.tar")}://instances/1.dcm`, open)).toBeInstanceOf(
      InstanceNotFoundError,
    )
  })

  test("because it is a folder, or a pipe that nobody writes to", async () => {
    using place = await places()
    const pipe = place.dir.file("pipe.dcm")
    expect(Bun.spawnSync(["mkfifo", pipe]).exitCode).toBe(0)
    for (const path of [place.dir.path, pipe]) expect(await refused(path, open)).toBeInstanceOf(CODError)
  })

  test("because it names a tar within a tar", async () => {
    expect(await refused("/a.tar://b.tar://c.dcm", open)).toBeInstanceOf(InvalidUri)
  })

  test("because it is no DICOM", async () => {
    using place = await places()
    const path = place.dir.file("text.dcm")
    await Bun.write(path, "no DICOM at all")
    expect(await refused(path, (instance) => instance.validate())).toBeInstanceOf(InvalidDicom)
  })

  test("because it lacks a UID", async () => {
    using place = await places()
    const path = place.dir.file("nameless.dcm")
    const at = Buffer.from(BYTES).indexOf(Buffer.from([0x20, 0x00, 0x0e, 0x00]))
    const nameless = BYTES.slice()
    // (0020,000F) is no attribute that anybody knows.
    nameless[at + 2] = 0x0f
    await Bun.write(path, nameless)
    const error = await refused(path, (instance) => instance.validate())
    expect(error).toBeInstanceOf(InstanceValidationError)
    expect((error as Error).message).toContain("seriesUid")
  })
})
