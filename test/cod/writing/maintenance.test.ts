import { describe, expect, test } from "bun:test"
import {
  CleanOpOnUnlockedCODObjectError,
  CODObject,
  LockVerificationError,
  UnsyncedStateError,
} from "../../../lib/cod/index.ts"
import { failureOf } from "../../contract/bodies.ts"
import { goldenCase } from "../../support/golden.ts"
import { folderWith, type Site } from "./site.ts"

const SEVERAL = goldenCase("several-instances")
const V1 = goldenCase("v1-metadata")
const [KEY] = Object.keys(SEVERAL.expected.instances) as [string]

function locked(site: Site): Promise<CODObject> {
  return CODObject.open({ ...site.place, store: site.store, lock: true })
}

describe("an upgrade", () => {
  test("stores all entries in version 2.0 and keeps everything else of them", async () => {
    await using site = await folderWith(V1)
    await site.changeMetadata((document) => {
      document.note = ["kept"]
      Object.assign(document.cod, { later: 1 })
      for (const entry of Object.values(document.cod.instances)) entry.colour = "green"
    })
    const before = await site.document()
    const tar = await site.head("tar")
    await using cod = await locked(site)
    const keys = Object.keys(before.cod.instances)
    expect(await cod.upgrade()).toEqual({ upgraded: keys, left: [] })

    const after = await site.document()
    expect(after).toMatchObject({ note: ["kept"], cod: { later: 1 } })
    for (const key of keys) {
      const { metadata: _, version: __, ...rest } = before.cod.instances[key]!
      expect(after.cod.instances[key]).toMatchObject({ ...rest, version: "2.0", instance_uid: key })
    }
    const { instances } = await cod.getMetadata()
    expect(
      [...instances.values()].every((entry) => entry.kind === "instance" && entry.version === "2.0"),
    ).toBe(true)
    expect(await site.head("tar")).toEqual(tar!)
    expect((await site.check()).isSound).toBe(true)

    const { generation } = (await site.head("metadata"))!
    expect(await cod.upgrade()).toEqual({ upgraded: [], left: [] })
    expect((await site.head("metadata"))!.generation).toBe(generation)
    await cod.release()
  })

  test("tells what cannot be told in version 2.0, and leaves it as it is", async () => {
    await using site = await folderWith(V1)
    const [key] = Object.keys(V1.expected.instances) as [string]
    await site.changeMetadata(({ cod }) => {
      delete (cod.instances[key]!.metadata as Record<string, unknown>)["0020000D"]
    })
    await using cod = await locked(site)
    const { upgraded, left } = await cod.upgrade()
    expect(left).toEqual([key])
    expect(upgraded.length).toBe(Object.keys(V1.expected.instances).length - 1)
    expect((await site.document()).cod.instances[key]!.version).toBe("1.0")
    await cod.release()
  })

  test("is followed by changes that begin with it", async () => {
    await using site = await folderWith(V1)
    await using cod = await locked(site)
    await cod.addMetadataField("before", 1)
    expect(await failureOf(cod.upgrade())).toBeInstanceOf(UnsyncedStateError)
    await cod.sync({ metadataVersion: "1.0" })
    await cod.upgrade()
    await cod.addMetadataField("after", 2)
    await cod.sync()
    expect(await site.document()).toMatchObject({ before: 1, after: 2 })
    await cod.release()
  })
})

describe("a repair of a series that is open", () => {
  test("is followed by reads and changes that begin with it", async () => {
    await using site = await folderWith(SEVERAL)
    await site.changeMetadata(({ cod }) => {
      delete cod.instances[KEY]
    })
    await using cod = await locked(site)
    expect([...(await cod.getInstances()).keys()]).not.toContain(KEY)
    expect((await cod.repair()).found).toEqual([KEY])
    expect([...(await cod.getInstances()).keys()]).toContain(KEY)
    await cod.addMetadataField("after", 1)
    await cod.sync()
    const {
      cod: { instances },
      after,
    } = await site.document()
    expect({ has: KEY in instances, after }).toEqual({ has: true, after: 1 })
    await cod.release()
  })

  test("makes a series of a tar alone", async () => {
    await using site = await folderWith(SEVERAL)
    await site.remove("metadata")
    await using cod = await locked(site)
    expect((await cod.repair()).found.toSorted()).toEqual(Object.keys(SEVERAL.expected.instances).toSorted())
    await cod.release()
    expect((await site.check()).isSound).toBe(true)
  })

  test("needs the lock, unless it is a dry run", async () => {
    await using site = await folderWith(SEVERAL)
    await site.remove("index")
    await using reading = await CODObject.open({ ...site.place, store: site.store, lock: false })
    expect((await reading.repair({ dryRun: true })).written.index).toBe(true)
    expect(await site.head("index")).toBeUndefined()
    expect(await failureOf(reading.repair())).toBeInstanceOf(CleanOpOnUnlockedCODObjectError)
    await using cod = await locked(site)
    for (const { key, generation } of cod.lock!.held)
      await site.store.delete(key, { ifGeneration: generation })
    expect(await failureOf(cod.repair())).toBeInstanceOf(LockVerificationError)
    expect(await site.head("index")).toBeUndefined()
  })
})
