/** Row by row, what becomes of instances that are handed in. */
import { describe, expect, test } from "bun:test"
import { rmSync, writeFileSync } from "node:fs"
import {
  type AppendResult,
  CODObjectNotFoundError,
  HintMismatchError,
  Instance,
  InstanceValidationError,
  InvalidDicom,
  InvalidUid,
  TooLarge,
} from "../../../lib/cod/index.ts"
import { ChecksumMismatch, NotFound } from "../../../lib/storage/errors.ts"
import { crc32cBase64 } from "../../../lib/support/checksums.ts"
import { dicom, hintsOf, noise, nth, SERIES, STUDY, uid } from "./files.ts"
import { bucketSite, folderSite, readBack, type Site } from "./sites.ts"

/** How many came into which list, and the kinds of errors. */
function summary({ new: added, same, conflict, errors }: AppendResult) {
  const kinds: unknown[] = errors.map(({ error }) => (error as Error).constructor)
  return { new: added.length, same: same.length, conflict: conflict.length, errors: kinds }
}

const NOTHING = { new: 0, same: 0, conflict: 0, errors: [] as unknown[] }

/** A series that has the instances 1 and 2. */
async function twoStored(at = folderSite): Promise<Site> {
  const site = await at()
  await site.change((cod) => cod.append([site.files.nth(1), site.files.nth(2)]))
  return site
}

describe("an instance that is handed in", () => {
  test("is new when the series has none of its UID, and its bytes stay what they are", async () => {
    await using site = await folderSite()
    await site.change(async (cod) => {
      const result = await cod.append([site.files.nth(1), site.files.nth(2)])
      expect(summary(result)).toEqual({ ...NOTHING, new: 2 })
    })
    await using cod = await site.open({ lock: false })
    for (const n of [1, 2]) expect(await readBack(cod, uid(n))).toEqual(new Uint8Array(nth(n)))
    expect((await site.check()).findings).toEqual([])
  })

  test("is an error when its file is not there, and the others come in", async () => {
    await using site = await folderSite()
    await using cod = await site.open()
    const missing = new Instance({ dicomUri: `${site.temp.path}/none.dcm` })
    const remote = new Instance({ dicomUri: `${site.store.uri}/none.dcm`, store: site.store })
    const result = await cod.append([missing, site.files.nth(1), remote])
    expect(summary(result)).toEqual({ ...NOTHING, new: 1, errors: [NotFound, NotFound] })
    expect(result.errors.map(({ instance }) => instance)).toEqual([missing, remote])
  })

  test("is packed from a local copy of it, and remembered by where it is from", async () => {
    await using site = await folderSite()
    const localCopy = `${site.temp.path}/copy.dcm`
    writeFileSync(localCopy, nth(1))
    const dicomUri = "gs://raw/1.dcm"
    await site.change((cod) => cod.append([new Instance({ dicomUri, localCopy, hints: hintsOf(nth(1), 1) })]))
    await using cod = await site.open({ lock: false })
    expect(await readBack(cod, uid(1))).toEqual(new Uint8Array(nth(1)))
    expect((await cod.getInstance(uid(1))).record).toMatchObject({ originalPath: dicomUri })
    expect((await site.check()).findings).toEqual([])
  })

  test("is refused by the store when its local copy is damaged, and nothing is stored", async () => {
    await using site = await folderSite()
    const localCopy = `${site.temp.path}/copy.dcm`
    const damaged = Buffer.from(nth(1))
    damaged[damaged.length - 1]! ^= 1
    writeFileSync(localCopy, damaged)
    await using cod = await site.open()
    const copied = new Instance({ dicomUri: "gs://raw/1.dcm", localCopy, hints: hintsOf(nth(1), 1) })
    expect(summary(await cod.append([copied]))).toEqual({ ...NOTHING, new: 1 })
    expect(cod.sync()).rejects.toThrow(ChecksumMismatch)
    expect(site.open({ lock: false })).rejects.toThrow(CODObjectNotFoundError)
  })

  test("is an error when its local copy is another file", async () => {
    await using site = await folderSite()
    const localCopy = `${site.temp.path}/copy.dcm`
    writeFileSync(localCopy, nth(2))
    await using cod = await site.open()
    const copied = new Instance({ dicomUri: "gs://raw/1.dcm", localCopy, hints: hintsOf(nth(1), 1) })
    expect(summary(await cod.append([copied]))).toEqual({ ...NOTHING, errors: [HintMismatchError] })
  })

  test("is an error when it is larger than one may be, by its hint alone", async () => {
    await using site = await folderSite()
    await using cod = await site.open()
    const hinted = new Instance({ dicomUri: "/nowhere.dcm", hints: { size: 2_000 } })
    const result = await cod.append([hinted, site.files.nth(1, 5_000)], { maxInstanceBytes: 1_000 })
    expect(summary(result)).toEqual({ ...NOTHING, errors: [TooLarge, TooLarge] })
    expect(cod.isChanged).toBeFalse()
  })

  test("is an error when it is no DICOM file, or lacks a UID", async () => {
    await using site = await folderSite()
    await using cod = await site.open()
    const text = site.files.of(Buffer.from("nothing of the kind"))
    const nameless = site.files.of(dicom({ instance: "" }))
    const result = await cod.append([text, nameless])
    expect(summary(result)).toEqual({ ...NOTHING, errors: [InvalidDicom, InstanceValidationError] })
  })

  test("is an error when it is of another series or study", async () => {
    await using site = await folderSite()
    await using cod = await site.open()
    const result = await cod.append([
      site.files.of(dicom({ series: "1.2.3.4.5.6" })),
      site.files.of(dicom({ study: "1.2.3.4.5.6" })),
      new Instance({ dicomUri: "/nowhere.dcm", hints: { ...hintsOf(nth(1), 1), seriesUid: "1.2.3" } }),
    ])
    const foreign = InstanceValidationError
    expect(summary(result)).toEqual({ ...NOTHING, errors: [foreign, foreign, foreign] })
  })

  test("is an error when it has a hash function and the series is not hashed", async () => {
    await using site = await folderSite()
    await using cod = await site.open()
    const result = await cod.append([site.files.of(nth(1), { uidHashFunc: (uid) => uid })])
    expect(summary(result)).toEqual({ ...NOTHING, errors: [InstanceValidationError] })
  })

  for (const name of ["1.2/../../3", "..", "1.2\x013"]) {
    test(`is an error when its UID would lead out of its place: ${name}`, async () => {
      await using site = await folderSite()
      await using cod = await site.open()
      const result = await cod.append([site.files.of(dicom({ instance: name }))])
      expect(summary(result)).toEqual({ ...NOTHING, errors: [InvalidUid] })
      expect(cod.isChanged).toBeFalse()
    })
  }

  test("is an error when its real UID is longer than one may be", async () => {
    const long = dicom({ instance: `1.${"2".repeat(63)}` })
    await using site = await folderSite()
    await using cod = await site.open()
    expect(summary(await cod.append([site.files.of(long)]))).toEqual({ ...NOTHING, errors: [InvalidUid] })
    expect(cod.isChanged).toBeFalse()
  })

  test("is an error when a hint is wrong, whichever: nothing of it stays", async () => {
    await using site = await folderSite()
    await using cod = await site.open()
    const right = hintsOf(nth(1), 1)
    const wrong = [
      { ...right, size: right.size + 1 },
      { ...right, crc32c: "AAAAAA==" },
      { ...right, instanceUid: uid(9) },
    ]
    const result = await cod.append(wrong.map((hints) => site.files.of(nth(1), { hints })))
    expect(summary(result)).toEqual({ ...NOTHING, errors: wrong.map(() => HintMismatchError) })
    expect(cod.isChanged).toBeFalse()
    expect(await cod.getInstances()).toEqual(new Map())
  })

  test("is the same when it is there byte for byte", async () => {
    await using site = await twoStored()
    await using cod = await site.open()
    expect(summary(await cod.append([site.files.nth(2)]))).toEqual({ ...NOTHING, same: 1 })
    expect(cod.isChanged).toBeFalse()
  })

  test("is in conflict when it is there with other bytes: those stay, and where these came from is told", async () => {
    await using site = await twoStored(bucketSite)
    const other = dicom({ instance: uid(1), comment: "other" })
    await site.put("inbox/other.dcm", other)
    const dicomUri = `${site.store.uri}/inbox/other.dcm`
    await site.change(async (cod) => {
      const remote = new Instance({ dicomUri, store: site.store, tempDir: site.temp.path })
      const again = new Instance({ dicomUri, store: site.store, tempDir: site.temp.path })
      const result = await cod.append([remote, site.files.of(other), again])
      expect(summary(result)).toEqual({ ...NOTHING, conflict: 3 })
    })
    const { cod } = await site.document()
    // Once, and no local path.
    expect(cod.instances[uid(1)]!.diff_hash_dupe_paths).toEqual([dicomUri])
    expect(cod.instances[uid(2)]!.diff_hash_dupe_paths).toEqual([])
    await using stored = await site.open({ lock: false })
    expect(await readBack(stored, uid(1))).toEqual(new Uint8Array(nth(1)))
  })

  test("leaves no trace when a wrong hint makes a conflict of it", async () => {
    await using site = await twoStored()
    await site.put("inbox/one.dcm", nth(1))
    const dicomUri = `${site.store.uri}/inbox/one.dcm`
    await using cod = await site.open()
    const hints = { ...hintsOf(nth(1), 1), crc32c: "AAAAAA==" }
    const result = await cod.append([new Instance({ dicomUri, store: site.store, hints })])
    expect(summary(result)).toEqual({ ...NOTHING, errors: [HintMismatchError] })
    expect(cod.isChanged).toBeFalse()
  })

  test("is the same as one of the same pixels when that is asked for, and only then", async () => {
    await using site = await twoStored()
    await using cod = await site.open()
    const pixels = noise(300, 1)
    const retold = dicom({ instance: uid(1), pixels, comment: "retold" })
    const redrawn = dicom({ instance: uid(1), pixels: noise(300, 77) })
    const unseen = dicom({ instance: uid(1), pixels: undefined })
    const handIn = () => [retold, redrawn, unseen].map((bytes) => site.files.of(bytes))
    expect(summary(await cod.append(handIn()))).toEqual({ ...NOTHING, conflict: 3 })
    const result = await cod.append(handIn(), { treatMetadataDiffsAsSame: true })
    expect(summary(result)).toEqual({ ...NOTHING, same: 1, conflict: 2 })
  })

  test("is judged by pixels also against one that came with it", async () => {
    await using site = await folderSite()
    await using cod = await site.open()
    await cod.getInstances()
    const first = site.files.of(dicom({ comment: "first" }))
    const second = site.files.of(dicom({ comment: "second" }))
    const result = await cod.append([first, second], { treatMetadataDiffsAsSame: true })
    expect(summary(result)).toEqual({ ...NOTHING, new: 1, same: 1 })
  })

  test("meets the one of its UID that came before it in the same list", async () => {
    await using site = await folderSite()
    await using cod = await site.open()
    const bytes = nth(1)
    const other = dicom({ instance: uid(1), comment: "other" })
    const first = site.files.of(bytes)
    const result = await cod.append([first, site.files.of(bytes), first, site.files.of(other)])
    expect(summary(result)).toEqual({ ...NOTHING, new: 1, same: 2, conflict: 1 })
    expect(result.new).toEqual([first])
    expect(result.same).toContain(first)
  })

  test("is judged anew when the one before it turned out to be none", async () => {
    await using site = await folderSite()
    await using cod = await site.open()
    const lying = site.files.of(nth(1), { hints: { ...hintsOf(nth(1), 1), crc32c: "AAAAAA==" } })
    const honest = new Instance({ dicomUri: lying.dicomUri })
    const result = await cod.append([lying, honest])
    expect(summary(result)).toEqual({ ...NOTHING, new: 1, errors: [HintMismatchError] })
    expect(result.new).toEqual([honest])
  })

  test("is an error when its file was exchanged after it was looked at", async () => {
    await using site = await folderSite()
    await using cod = await site.open()
    const instance = site.files.nth(1)
    await instance.validate()
    writeFileSync(instance.dicomUri, nth(2))
    expect(summary(await cod.append([instance]))).toEqual({ ...NOTHING, errors: [HintMismatchError] })
    rmSync(instance.dicomUri)
    expect(summary(await cod.append([instance]))).toEqual({ ...NOTHING, errors: [NotFound] })
  })

  test("is taken with any preamble", async () => {
    await using site = await folderSite()
    const tiff = dicom({ preamble: Buffer.from("II*\0") })
    await site.change((cod) => cod.append([site.files.of(tiff), site.files.nth(2)]))
    expect((await site.check()).findings).toEqual([])
    await using cod = await site.open({ lock: false })
    expect(await readBack(cod, uid(1))).toEqual(new Uint8Array(tiff))
  })
})

describe("an append", () => {
  test("of nothing changes nothing", async () => {
    await using site = await folderSite()
    await using cod = await site.open()
    expect(summary(await cod.append([]))).toEqual(NOTHING)
    expect(cod.isChanged).toBeFalse()
  })

  test("by which the series would become too large throws, and changes nothing", async () => {
    await using site = await twoStored()
    await using cod = await site.open()
    const before = await cod.getMetadata()
    const sizes = [...before.instances.values()].map((entry) => (entry.kind === "instance" ? entry.size : 0))
    const maxSeriesBytes = sizes.reduce((sum, size) => sum + size, 0) + nth(3, 2 << 20).length
    const tooMany = [site.files.nth(3, 2 << 20), site.files.nth(4)]
    await expect(cod.append(tooMany, { maxSeriesBytes })).rejects.toBeInstanceOf(TooLarge)
    expect(cod.isChanged).toBeFalse()
    expect([...(await cod.getMetadata()).instances.keys()]).toEqual([uid(1), uid(2)])
    // Nor does it keep the room of what it had taken in.
    expect([...new Bun.Glob("**/*").scanSync(site.temp.path)]).toEqual([])
    expect(summary(await cod.append([site.files.nth(3, 2 << 20)], { maxSeriesBytes }))).toEqual({
      ...NOTHING,
      new: 1,
    })
  })

  test("that is aborted throws, and changes nothing", async () => {
    await using site = await folderSite()
    await using cod = await site.open()
    const stop = new AbortController()
    const last = site.files.nth(2)
    const read = last.readWhole.bind(last)
    last.readWhole = (signal) => {
      stop.abort(new Error("enough"))
      return read(signal)
    }
    await expect(cod.append([site.files.nth(1), last], {}, stop.signal)).rejects.toThrow()
    expect(cod.isChanged).toBeFalse()
    expect((await cod.getInstances()).size).toBe(0)
  })

  test("begins when those before it have ended: of two at once the second finds what the first brought", async () => {
    await using site = await folderSite()
    await using cod = await site.open()
    const [first, second] = await Promise.all([
      cod.append([site.files.nth(1)]),
      cod.append([site.files.nth(1), site.files.nth(2)]),
    ])
    expect(summary(first)).toEqual({ ...NOTHING, new: 1 })
    expect(summary(second)).toEqual({ ...NOTHING, new: 1, same: 1 })
  })

  test("at once by a series that was stored before keeps what both bring", async () => {
    await using site = await twoStored()
    await site.change((cod) =>
      Promise.all([cod.append([site.files.nth(3)]), cod.append([site.files.nth(4)])]),
    )
    expect(Object.keys((await site.document()).cod.instances)).toEqual([1, 2, 3, 4].map(uid))
    expect((await site.check()).findings).toEqual([])
  })
})

test("what hints tell of size, CRC32C and UIDs settles a duplicate without asking for anything", async () => {
  await using site = await bucketSite()
  await site.change((cod) => cod.append([site.files.nth(1), site.files.nth(2)]))
  await using cod = await site.open()
  site.cloud!.log.clear()
  const hinted = [1, 2].map(
    (n) => new Instance({ dicomUri: `gs://series/inbox/${n}.dcm`, hints: hintsOf(nth(n), n) }),
  )
  expect(summary(await cod.append(hinted))).toEqual({ ...NOTHING, same: 2 })
  expect(site.cloud!.log.counters.requests).toBe(0)
  await cod.sync()
  expect(site.cloud!.log.counters.requests).toBe(0)
})

test("small remote files are read once each, the next one while one is packed", async () => {
  await using site = await bucketSite()
  const keys = [1, 2, 3].map((n) => `inbox/${n}.dcm`)
  for (const [i, key] of keys.entries()) await site.put(key, nth(i + 1))
  await using cod = await site.open()
  site.cloud!.log.clear()
  const instances = keys.map((key) => new Instance({ dicomUri: `gs://series/${key}`, store: site.store }))
  expect(summary(await cod.append(instances))).toEqual({ ...NOTHING, new: 3 })
  const asked = site.cloud!.log.find({ verb: "GET" }).map(({ key }) => key)
  expect(asked.toSorted()).toEqual([...keys, site.keys.tar].toSorted())
  // Where the first one is to go is asked when that is being packed.
  expect(asked.indexOf(keys[1]!)).toBeLessThan(asked.indexOf(site.keys.tar))
})

test("of what is fetched no more is on the disk than what is new", async () => {
  await using site = await bucketSite()
  const large = [1, 2, 3].map((n) => nth(n, 2 << 20))
  for (const [i, bytes] of large.entries()) await site.put(`inbox/${i}.dcm`, bytes)
  const remote = (i: number) =>
    new Instance({ dicomUri: `gs://series/inbox/${i}.dcm`, store: site.store, tempDir: site.temp.path })
  const onDisk = () =>
    [...new Bun.Glob("**/*").scanSync(site.temp.path)].reduce(
      (sum, name) => sum + Bun.file(site.temp.file(name)).size,
      0,
    )
  await using cod = await site.open()
  await cod.append([remote(0), remote(1)])
  expect(onDisk()).toBe(large[0]!.length + large[1]!.length)
  await cod.append([remote(0), remote(1)])
  expect(onDisk()).toBe(large[0]!.length + large[1]!.length)
  await cod.remove([uid(1)])
  expect(onDisk()).toBe(large[1]!.length)
  await cod.sync()
  expect(onDisk()).toBe(0)
})

test("an instance says where it was, what depends on it, and what its bytes are", async () => {
  await using site = await folderSite()
  const bytes = nth(1)
  const instance = site.files.of(bytes, { dependencies: ["gs://elsewhere/1.dcm"] })
  await site.change((cod) => cod.append([instance]))
  const { cod, ...fields } = await site.document()
  expect(fields).toMatchObject({ study_uid: STUDY, series_uid: SERIES })
  expect(cod.instances[uid(1)]).toMatchObject({
    instance_uid: uid(1),
    series_uid: SERIES,
    study_uid: STUDY,
    has_pixeldata: true,
    uri: `${site.store.uri}/studies/${STUDY}/series/${SERIES}.tar://instances/${uid(1)}.dcm`,
    headers: { start_byte: 1536, end_byte: 1536 + bytes.length },
    offset_tables: {},
    crc32c: crc32cBase64(bytes),
    size: bytes.length,
    original_path: instance.originalPath,
    dependencies: ["gs://elsewhere/1.dcm"],
    diff_hash_dupe_paths: [],
    version: "2.0",
    modified_datetime: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/),
  })
})
