/** A write that was cut off between the tar and its metadata, and what the next one makes of it. */
import { describe, expect, test } from "bun:test"
import {
  breakLock,
  type CODObject,
  type CODObjectOptions,
  findLocks,
  ingest,
  LocksLeftBehindError,
  type SerializedCODObject,
  TarDisagreesError,
  withCODObject,
} from "../../../lib/cod/index.ts"
import { Unavailable } from "../../../lib/storage/errors.ts"
import { failureOf } from "../../contract/bodies.ts"
import { nth, uid } from "./files.ts"
import { readBack, SITES, type Site } from "./sites.ts"
import { stopping } from "./stopping.ts"

const DIED = new Unavailable("died", {})

const folder = SITES["a folder"]!

const optionsOf = (site: Site): CODObjectOptions => ({
  ...site.place,
  store: site.store,
  lock: true,
  tempDir: site.temp.path,
})

/** The tar of an append stands, and not its metadata; the lock was broken. */
async function cutOff(site: Site, numbers: readonly number[]): Promise<void> {
  const { store, stopAt } = stopping(site.store)
  stopAt(({ verb, key }) => verb === "write" && key === site.keys.tar, DIED, "after", true)
  const instances = numbers.map((n) => site.files.nth(n))
  expect(await failureOf(ingest(instances, { ...optionsOf(site), store }))).toBe(DIED)
  const [lock] = await findLocks(site.store, site.place)
  await breakLock(site.store, site.place, { generation: lock!.generation })
}

const stored = (site: Site, ...numbers: number[]) =>
  site.change((cod) => cod.append(numbers.map((n) => site.files.nth(n))))

const generationsOf = async (site: Site) =>
  Promise.all(
    [site.keys.tar, site.keys.metadata].map(async (key) => (await site.store.head(key))?.generation),
  )

describe.each(Object.entries(SITES))("After a write that was cut off in %s", (_, openSite) => {
  for (const before of [[], [1, 2]]) {
    const what = before.length === 0 ? "a first one" : "an append"
    test(`${what}: the next one stores every instance once, as if nothing had been`, async () => {
      await using site = await openSite()
      if (before.length > 0) await stored(site, ...before)
      await cutOff(site, [3, 4])
      const { crc32c } = (await site.store.head(site.keys.tar))!
      await site.change((cod) => cod.append([3, 4, 5].map((n) => site.files.nth(n))), { afterCrash: true })
      const { findings } = await site.check()
      expect(findings).toEqual([])
      await using cod = await site.open({ lock: false })
      expect((await cod.getMetadata()).instances.size).toBe(before.length + 3)
      for (const n of [...before, 3, 4, 5])
        expect(await readBack(cod, uid(n))).toEqual(new Uint8Array(nth(n)))
      expect((await site.store.head(site.keys.tar))!.crc32c).not.toBe(crc32c)
    })

    test(`${what}: who has begun none is told that they disagree, and writes nothing`, async () => {
      await using site = await openSite()
      if (before.length > 0) await stored(site, ...before)
      await cutOff(site, [3])
      const generations = await generationsOf(site)
      const options = { ...optionsOf(site), afterCrash: false }
      const error = await failureOf(ingest([site.files.nth(3), site.files.nth(4)], options))
      expect(error).toBeInstanceOf(TarDisagreesError)
      expect(error).toMatchObject({ verdict: "give-up" })
      expect(await generationsOf(site)).toEqual(generations)
    })

    test(`${what}: who says nothing packs behind what is there`, async () => {
      await using site = await openSite()
      if (before.length > 0) await stored(site, ...before)
      await cutOff(site, [3])
      await stored(site, 3)
      const { findings } = await site.check()
      expect(findings.map(({ kind }) => kind)).toEqual(["doubled-member"])
    })
  }
})

test("members that others left stay when those of a write of ours give way", async () => {
  await using site = await folder()
  await stored(site, 1)
  await cutOff(site, [3, 4])
  await site.change((cod) => cod.append([site.files.nth(4)]), { afterCrash: true })
  const { findings } = await site.check()
  expect(findings.map(({ where }) => where)).toEqual([expect.stringContaining(uid(3))])
})

test("an append that brings nothing new makes metadata and tar fit again, for whoever comes next", async () => {
  await using site = await folder()
  await stored(site, 1)
  await cutOff(site, [3])
  await site.change((cod) => cod.append([site.files.nth(1)]), { afterCrash: true })
  expect((await site.check()).findings.map(({ kind }) => kind)).toEqual(["orphan"])
  await site.change((cod) => cod.append([site.files.nth(3)]), { afterCrash: false })
  expect((await site.check()).findings).toEqual([])
})

describe("Tar and metadata disagree for who has begun no write", () => {
  const disagreement = async (spoil: (site: Site) => Promise<unknown>) => {
    await using site = await folder()
    await stored(site, 1, 2)
    await spoil(site)
    const before = await generationsOf(site)
    const error = await failureOf(ingest([site.files.nth(3)], { ...optionsOf(site), afterCrash: false }))
    expect(error).toBeInstanceOf(TarDisagreesError)
    expect(await generationsOf(site)).toEqual(before)
    return (error as Error).message
  }

  test("when there is no tar", async () => {
    const spoil = async ({ store, keys }: Site) =>
      store.delete(keys.tar, { ifGeneration: (await store.head(keys.tar))!.generation })
    expect(await disagreement(spoil)).toContain("there is no tar")
  })

  test("when the tar is another one", async () => {
    await using other = await folder()
    await stored(other, 1, 2, 7, 8, 9, 10, 11, 12)
    const spoil = async (site: Site) => site.put(site.keys.tar, await other.bytes(other.keys.tar))
    expect(await disagreement(spoil)).toContain("the metadata are of a tar of")
  })

  test("when the tar is another one, and no record of ours fits any more", async () => {
    await using other = await folder()
    await stored(other, 7)
    const spoil = async (site: Site) => {
      const document = await site.document()
      await site.put(site.keys.metadata, Buffer.from(JSON.stringify({ ...document, tar_record: undefined })))
      await site.put(site.keys.tar, await other.bytes(other.keys.tar))
    }
    expect(await disagreement(spoil)).toContain(`where ${uid(2)} should be`)
  })

  test("when the tar is damaged", async () => {
    const spoil = async (site: Site) => {
      const bytes = (await site.bytes(site.keys.tar)).slice()
      bytes.fill(7, 0, 512)
      await site.put(site.keys.tar, bytes)
    }
    await disagreement(async (site) => {
      const { store, keys } = site
      await store.delete(keys.index, { ifGeneration: (await store.head(keys.index))!.generation })
      await spoil(site)
    })
  })

  test("but not in a datastore that was copied, whose objects have other generations", async () => {
    await using site = await folder()
    await stored(site, 1, 2)
    await site.put(site.keys.tar, await site.bytes(site.keys.tar))
    await stored(site, 2)
    await site.change((cod) => cod.append([site.files.nth(3)]), { afterCrash: false })
    expect((await site.check()).findings).toEqual([])
  })
})

describe("A lock that is not to be left hanging", () => {
  const failing = () => Promise.reject(new Error("failed"))
  const never = { leaveHanging: () => false }

  test("is given back after a failure, and one that is stays", async () => {
    await using site = await folder()
    const asked: unknown[] = []
    const leaveHanging = (error: unknown) => asked.push(error) > 1
    expect(await failureOf(withCODObject(optionsOf(site), failing, { leaveHanging }))).toEqual(
      new Error("failed"),
    )
    expect(await site.locks()).toEqual([])
    expect(await failureOf(withCODObject(optionsOf(site), failing, { leaveHanging }))).toEqual(
      new Error("failed"),
    )
    expect(await site.locks()).toHaveLength(2)
    expect(asked).toEqual([new Error("failed"), new Error("failed")])
  })

  test("stays when the tar may be stored without its metadata, and is gone on with", async () => {
    await using site = await folder()
    const { store, stopAt } = stopping(site.store)
    stopAt(({ verb, key }) => verb === "write" && key === site.keys.metadata, DIED)
    let serialized: SerializedCODObject | undefined
    const leaveHanging = (_: unknown, cod: CODObject) => {
      serialized = { ...site.place, hashedUids: false, lock: cod.lock!.serialize() }
      return false
    }
    const options = { ...optionsOf(site), store, leaveHanging }
    expect(await failureOf(ingest([site.files.nth(1)], options))).toBe(DIED)
    expect(await site.locks()).toHaveLength(2)
    const again = { ...options, serialized, afterCrash: true }
    const result = await ingest([site.files.nth(1)], again)
    expect(result.new).toHaveLength(1)
    expect(result.stored!.generation).toBe((await site.store.head(site.keys.metadata))!.generation)
    expect(await site.locks()).toEqual([])
    expect((await site.check()).findings).toEqual([])
  })

  test("and cannot be given back is told with the failure", async () => {
    await using site = await folder()
    const { store, stopAt } = stopping(site.store)
    stopAt(({ verb }) => verb === "delete", DIED, "before", true)
    const error = await failureOf(withCODObject({ ...optionsOf(site), store }, failing, never))
    expect(error).toBeInstanceOf(LocksLeftBehindError)
    expect((error as Error).cause).toEqual(new Error("failed"))
  })
})
