/** What is changed is seen here at once, by others when it is synced, and never half. */
import { describe, expect, test } from "bun:test"
import { readIndex } from "../../../lib/cod/format/index/read.ts"
import {
  CleanOpOnUnlockedCODObjectError,
  InstanceNotFoundError,
  InvalidMetadata,
  MetadataFieldExistsError,
  repair,
  TarValidationError,
  UnsyncedStateError,
} from "../../../lib/cod/index.ts"
import { ChecksumMismatch, PreconditionFailed, Unavailable } from "../../../lib/storage/errors.ts"
import { dicom, noise, nth, uid } from "./files.ts"
import { bucketSite, folderSite, readBack, SITES, type Site } from "./sites.ts"
import { stopping } from "./stopping.ts"

const bytesOf = (n: number) => new Uint8Array(nth(n))

/** A series that has the instances 1 to 3. */
async function threeStored(site: Site): Promise<void> {
  await site.change((cod) => cod.append([1, 2, 3].map((n) => site.files.nth(n))))
}

for (const [where, openSite] of Object.entries(SITES)) {
  describe(`a series in ${where}`, () => {
    test("is appended to, truncated and appended to again, and is sound each time", async () => {
      await using site = await openSite()
      await threeStored(site)
      await site.change((cod) => cod.remove([uid(2)]))
      expect(Object.keys((await site.document()).cod.instances)).toEqual([uid(1), uid(3)])
      await site.change(async (cod) => {
        await cod.append([site.files.nth(2), site.files.nth(4)])
        await cod.truncate([uid(2), uid(3)])
      })
      expect((await site.check()).findings).toEqual([])
      await using cod = await site.open({ lock: false })
      expect([...(await cod.getMetadata()).instances.keys()]).toEqual([uid(3), uid(2)])
      for (const n of [2, 3]) expect(await readBack(cod, uid(n))).toEqual(bytesOf(n))
      expect(await site.locks()).toEqual([])
    })

    test("of which all instances are removed is an empty tar, and can be appended to", async () => {
      await using site = await openSite()
      await threeStored(site)
      await site.change((cod) => cod.remove([1, 2, 3].map(uid)))
      expect(await site.bytes(site.keys.tar)).toEqual(new Uint8Array(10_240))
      expect((await site.check()).findings).toEqual([])
      await site.change((cod) => cod.append([site.files.nth(4)]))
      expect((await site.check()).findings).toEqual([])
      await using cod = await site.open({ lock: false })
      expect(await readBack(cod, uid(4))).toEqual(bytesOf(4))
    })
  })
}

describe("what was added and not synced", () => {
  test("is read, whole and by frames, like what is stored; small and large, in memory and in files", async () => {
    await using site = await folderSite()
    await threeStored(site)
    await using cod = await site.open()
    const small = dicom({ instance: uid(4), pixels: noise(600, 4), frames: 3 })
    const large = dicom({ instance: uid(5), pixels: noise(3 << 20, 5), frames: 3 })
    await cod.append([small, large].map((bytes) => site.files.of(bytes)))
    const expectAll = async () => {
      for (const n of [1, 2, 3]) expect(await readBack(cod, uid(n))).toEqual(bytesOf(n))
      for (const bytes of [small, large]) {
        const key = uid(bytes === small ? 4 : 5)
        expect(Buffer.compare(await readBack(cod, key), bytes)).toBe(0)
        const size = bytes === small ? 200 : 1 << 20
        for (const frame of [1, 2, 3]) {
          await using view = await cod.openFrame(key, frame)
          const pixels = noise(3 * size, bytes === small ? 4 : 5)
          expect(Buffer.compare(await view.bytes(), pixels.subarray((frame - 1) * size, frame * size))).toBe(
            0,
          )
        }
      }
    }
    const before = await cod.getInstance(uid(5))
    await expectAll()
    await cod.sync()
    await expectAll()
    // An instance that was asked for before is read from where it is now.
    await using view = await before.open()
    expect(Buffer.compare(await view.bytes(), large)).toBe(0)
    await cod.release()
  })

  test("is nothing that can be pulled, checked or handed on", async () => {
    await using site = await folderSite()
    await using cod = await site.open()
    await cod.append([site.files.nth(1)])
    await expect(cod.pullTar()).rejects.toBeInstanceOf(UnsyncedStateError)
    await expect(cod.integrityCheck()).rejects.toBeInstanceOf(UnsyncedStateError)
    expect(() => cod.serialize()).toThrow(UnsyncedStateError)
    await cod.sync()
    expect((await cod.integrityCheck()).isSound).toBeTrue()
    expect(cod.serialize().lock.locks.length).toBe(2)
  })

  test("is gone without a trace when it is removed again: nothing that was stored is moved", async () => {
    await using site = await folderSite()
    await threeStored(site)
    // In this order they would be packed anew.
    const document = await site.document()
    document.cod.instances = Object.fromEntries(Object.entries(document.cod.instances).toReversed())
    await site.put(site.keys.metadata, Bun.gzipSync(JSON.stringify(document)))
    const before = await site.bytes(site.keys.tar)
    await site.change(async (cod) => {
      await cod.append([site.files.nth(4)])
      await cod.remove([uid(4)])
      await cod.append([site.files.of(dicom({ instance: uid(4), comment: "second" }))])
    })
    const after = await site.bytes(site.keys.tar)
    const end = 3 * (1536 + 1024)
    expect(after.subarray(0, end)).toEqual(before.subarray(0, end))
    expect((await site.check()).findings).toEqual([])
  })

  test("stays where it was when it is removed again, and is in the series when it is stored", async () => {
    await using site = await folderSite()
    await using cod = await site.open()
    const [taken, left] = [site.files.nth(1), site.files.nth(2)]
    await cod.append([taken, left])
    await cod.remove([uid(2)])
    await cod.sync()
    expect([taken.dicomUri, left.dicomUri]).toEqual([
      `${cod.tarUri}://instances/${uid(1)}.dcm`,
      left.originalPath,
    ])
    for (const [n, instance] of [taken, left].entries()) {
      await using view = await instance.open()
      expect(await view.bytes()).toEqual(bytesOf(n + 1))
    }
    await cod.release()
  })

  test("takes the place of what was removed under its key", async () => {
    await using site = await folderSite()
    await threeStored(site)
    const other = dicom({ instance: uid(2), comment: "other" })
    await site.change(async (cod) => {
      await cod.remove([uid(2)])
      await expect(cod.getInstance(uid(2))).rejects.toBeInstanceOf(InstanceNotFoundError)
      const { new: added } = await cod.append([site.files.of(other)])
      expect(added.length).toBe(1)
      expect(await readBack(cod, uid(2))).toEqual(new Uint8Array(other))
    })
    expect((await site.check()).findings).toEqual([])
    await using cod = await site.open({ lock: false })
    expect(await readBack(cod, uid(2))).toEqual(new Uint8Array(other))
  })
})

describe("a sync", () => {
  test("of nothing asks for nothing; a second one neither", async () => {
    await using site = await bucketSite()
    await using cod = await site.open()
    site.cloud!.log.clear()
    await cod.sync()
    expect(site.cloud!.log.counters.requests).toBe(0)
    await cod.append([site.files.nth(1)])
    await cod.sync()
    site.cloud!.log.clear()
    await cod.sync()
    expect(site.cloud!.log.counters.requests).toBe(0)
  })

  test("of fields alone writes the metadata alone", async () => {
    await using site = await bucketSite()
    await threeStored(site)
    const generations = async () => [
      (await site.store.head(site.keys.tar))!.generation,
      (await site.store.head(site.keys.index))!.generation,
    ]
    const before = await generations()
    await site.change((cod) => cod.addMetadataField("note", { big: 12345678901234567890n }))
    expect(await generations()).toEqual(before)
    await using cod = await site.open({ lock: false })
    expect(await cod.getMetadataField("note")).toEqual({ big: 12345678901234567890n })
    expect((await site.check()).findings).toEqual([])
  })

  test("of what was added and removed again leaves the tar alone", async () => {
    await using site = await folderSite()
    await threeStored(site)
    const before = await site.store.head(site.keys.tar)
    await site.change(async (cod) => {
      await cod.append([site.files.nth(4)])
      await cod.remove([uid(4)])
    })
    expect(await site.store.head(site.keys.tar)).toEqual(before)
    expect((await site.check()).findings).toEqual([])
  })

  test("writes the tar in the storage class that is asked for, and the old version of the metadata", async () => {
    await using site = await bucketSite()
    const options = { tarStorageClass: "NEARLINE", metadataVersion: "1.0" } as const
    await site.change((cod) => cod.append([site.files.nth(1)]), options)
    expect((await site.store.head(site.keys.tar))!.storageClass).toBe("NEARLINE")
    const [entry] = Object.values((await site.document()).cod.instances)
    expect(entry).toMatchObject({ version: "1.0", metadata: { "00080018": { vr: "UI", Value: [uid(1)] } } })
    expect(entry).not.toHaveProperty("instance_uid")
    // Readers in browsers take both apart, and go by an end that is exclusive.
    expect(entry).toMatchObject({
      offset_tables: {},
      headers: { start_byte: 1536, end_byte: 1536 + nth(1).length },
    })
    expect((await site.check()).findings).toEqual([])
    // And the new one when that is asked for again.
    await site.change((cod) => cod.append([site.files.nth(2)]))
    const entries = Object.values((await site.document()).cod.instances)
    expect(entries.map(({ version }) => version)).toEqual(["2.0", "2.0"])
    expect((await site.check()).findings).toEqual([])
  })

  test("goes on where it broke off, whichever of the three could not be stored", async () => {
    for (const broken of ["tar", "index", "metadata"] as const) {
      await using site = await bucketSite()
      await threeStored(site)
      const { store, stopAt } = stopping(site.store)
      await using cod = await site.open({ store })
      await cod.append([site.files.nth(4), site.files.nth(5, 2 << 20)])
      stopAt(({ verb, key }) => verb === "write" && key === site.keys[broken], new Unavailable("broken", {}))
      await expect(cod.sync()).rejects.toBeInstanceOf(Unavailable)
      expect(cod.isChanged).toBeTrue()
      for (const n of [1, 4]) expect(await readBack(cod, uid(n))).toEqual(bytesOf(n))
      // More comes meanwhile, and of what is in the tar already something goes.
      await cod.append([site.files.nth(6)])
      if (broken === "index") await cod.remove([uid(4)])
      await cod.sync()
      await cod.release()
      expect((await site.check()).findings).toEqual([])
      await using anew = await site.open({ lock: false })
      for (const n of broken === "index" ? [1, 2, 3, 6] : [1, 2, 3, 4, 6]) {
        expect(await readBack(anew, uid(n))).toEqual(bytesOf(n))
      }
      expect(Buffer.compare(await readBack(anew, uid(5)), nth(5, 2 << 20))).toBe(0)
    }
  })

  test("of a tar whose answer was lost finds that it is stored", async () => {
    await using site = await bucketSite()
    await threeStored(site)
    const { store, stopAt } = stopping(site.store)
    await using cod = await site.open({ store })
    await cod.append([site.files.nth(4)])
    stopAt(({ verb, key }) => verb === "write" && key === site.keys.tar, new Unavailable("lost", {}), "after")
    await expect(cod.sync()).rejects.toBeInstanceOf(Unavailable)
    await cod.sync()
    await cod.release()
    const { findings, isSound } = await site.check()
    expect({ findings, isSound }).toMatchObject({ isSound: true })
  })

  test("writes nothing over what somebody else wrote without a lock", async () => {
    await using site = await bucketSite()
    await threeStored(site)
    await using cod = await site.open()
    await cod.append([site.files.nth(4)])
    const theirs = await site.bytes(site.keys.metadata)
    await site.put(site.keys.metadata, theirs)
    await expect(cod.sync()).rejects.toBeInstanceOf(PreconditionFailed)
    expect(await site.bytes(site.keys.metadata)).toEqual(theirs)
    await using reader = await site.open({ lock: false })
    for (const n of [1, 2, 3]) expect(await readBack(reader, uid(n))).toEqual(bytesOf(n))
  })

  test("of a series whose tar is gone is refused as long as instances in it are wanted", async () => {
    await using site = await folderSite()
    await threeStored(site)
    const { generation } = (await site.store.head(site.keys.tar))!
    await site.store.delete(site.keys.tar, { ifGeneration: generation })
    await using cod = await site.open()
    await cod.append([site.files.nth(4)])
    await expect(cod.sync()).rejects.toBeInstanceOf(TarValidationError)
    await cod.remove([1, 2, 3].map(uid))
    await cod.sync()
    await cod.release()
    expect((await site.check()).findings).toEqual([])
  })

  test("of many appends at once looks at the stored tar once", async () => {
    await using site = await bucketSite()
    await threeStored(site)
    await using cod = await site.open()
    await cod.append([site.files.nth(4)])
    await cod.sync()
    site.cloud!.log.clear()
    await cod.append([site.files.nth(5)])
    await cod.sync()
    // The one read that carries it into the new one.
    expect(site.cloud!.log.count({ key: site.keys.tar, verb: "GET" })).toBe(1)
    await cod.release()
    expect((await site.check()).findings).toEqual([])
  })
})

describe("without a lock", () => {
  test("nothing is changed unless it is said to be dirty, and nothing is stored", async () => {
    await using site = await folderSite()
    await threeStored(site)
    const before = await site.bytes(site.keys.metadata)
    await using cod = await site.open({ lock: false })
    const clean = CleanOpOnUnlockedCODObjectError
    await expect(cod.append([site.files.nth(4)])).rejects.toBeInstanceOf(clean)
    await expect(cod.remove([uid(1)])).rejects.toBeInstanceOf(clean)
    await expect(cod.truncate([uid(1)])).rejects.toBeInstanceOf(clean)
    await expect(cod.addMetadataField("a", 1)).rejects.toBeInstanceOf(clean)
    await expect(cod.removeMetadataField("a")).rejects.toBeInstanceOf(clean)
    expect(cod.isChanged).toBeFalse()

    const dirty = true
    expect((await cod.append([site.files.nth(4)], { dirty })).new.length).toBe(1)
    await cod.remove([uid(1)], { dirty })
    await cod.addMetadataField("a", 1, { dirty })
    expect([...(await cod.getMetadata()).instances.keys()]).toEqual([2, 3, 4].map(uid))
    for (const n of [2, 4]) expect(await readBack(cod, uid(n))).toEqual(bytesOf(n))
    expect(await cod.getMetadataField("a")).toBe(1)
    expect(await cod.removeMetadataField("a", { dirty })).toBeTrue()
    await cod.truncate([uid(4)], { dirty })
    await expect(cod.sync()).rejects.toBeInstanceOf(clean)
    await expect(site.bytes(site.keys.metadata)).resolves.toEqual(before)
    expect(await site.locks()).toEqual([])
  })
})

describe("a removal", () => {
  test("of what is not there throws, and changes nothing", async () => {
    await using site = await folderSite()
    await threeStored(site)
    await using cod = await site.open()
    await expect(cod.remove([uid(1), uid(9)])).rejects.toBeInstanceOf(InstanceNotFoundError)
    await expect(cod.truncate([uid(9)])).rejects.toBeInstanceOf(InstanceNotFoundError)
    expect(cod.isChanged).toBeFalse()
    await cod.remove([])
    expect(cod.isChanged).toBeFalse()
  })

  test("that needs a tar packed anew is refused as long as an entry cannot be understood, and takes that out", async () => {
    await using site = await folderSite()
    await threeStored(site)
    const document = await site.document()
    Object.assign(document.cod.instances[uid(2)]!, { version: "9.0" })
    await site.put(site.keys.metadata, Bun.gzipSync(JSON.stringify(document)))
    const before = await site.bytes(site.keys.tar)
    {
      await using cod = await site.open()
      await cod.remove([uid(1)])
      await expect(cod.sync()).rejects.toBeInstanceOf(InvalidMetadata)
      expect(await site.bytes(site.keys.tar)).toEqual(before)
      await cod.release()
    }
    await site.change((cod) => cod.remove([uid(2)]))
    expect((await site.check()).findings).toEqual([])
    await using cod = await site.open({ lock: false })
    for (const n of [1, 3]) expect(await readBack(cod, uid(n))).toEqual(bytesOf(n))
  })

  test("by metadata that are of another tar stores no wrong bytes: what is left of it can be repaired", async () => {
    await using site = await folderSite()
    await threeStored(site)
    const older = await site.bytes(site.keys.metadata)
    await site.change((cod) => cod.remove([uid(1)]))
    const tar = await site.bytes(site.keys.tar)
    // As if that writer had died ahead of the metadata.
    await site.put(site.keys.metadata, older)
    await using cod = await site.open()
    await cod.remove([uid(2)])
    await expect(cod.sync()).rejects.toBeInstanceOf(ChecksumMismatch)
    await cod.release()
    expect(await site.bytes(site.keys.tar)).toEqual(tar)
    // Nor does an append bury what is left.
    await site.change((again) => again.append([site.files.nth(4)]))
    await repair(cod.datastoreSeriesUri, { store: site.store, dropLost: true })
    expect((await site.check()).findings).toEqual([])
    await using anew = await site.open({ lock: false })
    for (const n of [2, 3, 4]) expect(await readBack(anew, uid(n))).toEqual(bytesOf(n))
  })
})

describe("a field", () => {
  test("is added, replaced unless that is refused, and removed", async () => {
    await using site = await folderSite()
    await site.change(async (cod) => {
      await cod.append([site.files.nth(1)])
      await cod.addMetadataField("note", ["one"])
      await cod.addMetadataField("note", ["two"])
      const kept = { overwriteExisting: false }
      await expect(cod.addMetadataField("note", 3, kept)).rejects.toBeInstanceOf(MetadataFieldExistsError)
    })
    expect(await site.document()).toMatchObject({ note: ["two"] })
    await site.change(async (cod) => {
      expect(await cod.removeMetadataField("nothing")).toBeFalse()
      expect(cod.isChanged).toBeFalse()
      expect(await cod.removeMetadataField("note")).toBeTrue()
    })
    expect(await site.document()).not.toHaveProperty("note")
  })

  test("of a name that the format has is refused, and so is what JSON cannot tell", async () => {
    await using site = await folderSite()
    await using cod = await site.open()
    for (const name of ["cod", "study_uid", "series_uid", "deid_study_uid", "deid_series_uid"]) {
      await expect(cod.addMetadataField(name, 1)).rejects.toBeInstanceOf(InvalidMetadata)
      await expect(cod.removeMetadataField(name)).rejects.toBeInstanceOf(InvalidMetadata)
    }
    await expect(cod.addMetadataField("tar_record", {})).rejects.toThrow("by the library itself")
    await expect(cod.addMetadataField("loop", () => 1)).rejects.toThrow()
    expect(cod.isChanged).toBeFalse()
  })

  test("is what it was when it was added, whatever becomes of the object since", async () => {
    await using site = await folderSite()
    const value = { list: [1] }
    await site.change(async (cod) => {
      await cod.addMetadataField("note", value)
      value.list.push(2)
    })
    expect(await site.document()).toMatchObject({ note: { list: [1] } })
  })
})

test("the index tells where each instance is", async () => {
  await using site = await folderSite()
  await threeStored(site)
  await site.change((cod) => cod.append([site.files.nth(4)]))
  const { members, tar } = readIndex(await site.bytes(site.keys.index))
  const { instances } = (await site.document()).cod
  expect(tar.size).toBe((await site.store.head(site.keys.tar))!.size)
  expect(members.map(({ name, start, size }) => ({ name, start, size }))).toEqual(
    Object.entries(instances).map(([key, { headers, size }]) => ({
      name: `instances/${key}.dcm`,
      start: headers.start_byte,
      size,
    })),
  )
})
