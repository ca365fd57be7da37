/** A series that is open to be written: its lock, what it begins with, and what is left of it when something fails. */
import { describe, expect, test } from "bun:test"
import type { CODObjectOptions } from "../../../lib/cod/index.ts"
import {
  CleanOpOnUnlockedCODObjectError,
  CODObject,
  CODObjectNotFoundError,
  ErrorLogExistsError,
  InvalidMetadata,
  LockAcquisitionError,
  LocksLeftBehindError,
  LockVerificationError,
  withCODObject,
} from "../../../lib/cod/index.ts"
import { Unavailable } from "../../../lib/storage/errors.ts"
import { UsageError } from "../../../lib/support/errors.ts"
import { failureOf } from "../../contract/bodies.ts"
import { nth, SERIES, STUDY, uid } from "./files.ts"
import { folderSite, readBack, type Site } from "./sites.ts"
import { stopping } from "./stopping.ts"

async function oneStored(): Promise<Site> {
  const site = await folderSite()
  await site.change((cod) => cod.append([site.files.nth(1)]))
  return site
}

const optionsOf = ({ place, store, temp }: Site): CODObjectOptions => ({
  ...place,
  store,
  lock: true,
  tempDir: temp.path,
})

const LOCKS = [".cod.lock", ".gradient.lock"]

describe("opening a series", () => {
  test("needs it said whether to lock it", async () => {
    await using site = await oneStored()
    const { lock, ...unsaid } = optionsOf(site)
    await expect(CODObject.open(unsaid as CODObjectOptions)).rejects.toBeInstanceOf(UsageError)
  })

  test("to write it takes its lock, keeps others from it, and empties nothing", async () => {
    await using site = await oneStored()
    await using cod = await site.open()
    expect(await site.locks()).toEqual(LOCKS)
    await expect(site.open()).rejects.toBeInstanceOf(LockAcquisitionError)
    await using reader = await site.open({ lock: false })
    expect(await readBack(reader, uid(1))).toEqual(new Uint8Array(nth(1)))
    expect(await cod.lock!.exists()).toBeTrue()
    await cod.release()
    expect(await site.locks()).toEqual([])
    expect((await site.check()).findings).toEqual([])
    await expect(cod.addMetadataField("late", 1).then(() => cod.sync())).rejects.toBeInstanceOf(
      LockVerificationError,
    )
    expect(await site.document()).not.toHaveProperty("late")
  })

  test("that is not there makes one, or is an error when that is said; it leaves no lock then", async () => {
    await using site = await folderSite()
    await expect(site.open({ createIfMissing: false })).rejects.toBeInstanceOf(CODObjectNotFoundError)
    await expect(site.open({ lock: false })).rejects.toBeInstanceOf(CODObjectNotFoundError)
    expect(await site.locks()).toEqual([])
    await using cod = await site.open()
    expect((await cod.getMetadata()).instances.size).toBe(0)
    await cod.release()
  })

  test("that fails tells why, and which locks it could not give back", async () => {
    await using site = await folderSite()
    const { store, stopAt } = stopping(site.store)
    stopAt(({ verb }) => verb === "delete", new Unavailable("no answer", {}), "before", true)
    const error = await failureOf(CODObject.open({ ...optionsOf(site), store, createIfMissing: false }))
    expect(error).toBeInstanceOf(LocksLeftBehindError)
    expect((error as Error).cause).toBeInstanceOf(CODObjectNotFoundError)
    for (const name of LOCKS) expect((error as Error).message).toContain(`/${name} (generation `)
    expect(await site.locks()).toEqual(LOCKS)
  })

  test("whose metadata cannot be read is an error, and leaves no lock", async () => {
    await using site = await oneStored()
    await site.put(site.keys.metadata, Buffer.from("{"))
    await expect(site.open()).rejects.toThrow()
    await site.put(site.keys.metadata, Buffer.from("{}"))
    await expect(site.open()).rejects.toBeInstanceOf(InvalidMetadata)
    expect(await site.locks()).toEqual([])
  })

  test("that somebody found in doubt is refused, unless that is overridden", async () => {
    await using site = await oneStored()
    await site.put(site.keys.errorLog, Buffer.from("in doubt"))
    await expect(site.open()).rejects.toBeInstanceOf(ErrorLogExistsError)
    expect(await site.locks()).toEqual([])
    await using cod = await site.open({ overrideErrors: true })
    expect(await site.store.head(site.keys.errorLog)).toBeUndefined()
    await cod.release()
  })

  test("begins with what stands there when the lock is ours, not with what was read before", async () => {
    await using site = await oneStored()
    const { store } = stopping(site.store)
    let isWritten = false
    // Somebody else writes the series between our first look at it and our lock.
    const late = {
      ...store,
      async write(...args: Parameters<typeof store.write>) {
        if (!isWritten) {
          isWritten = true
          await site.change((cod) => cod.append([site.files.nth(2)]))
        }
        return await store.write(...args)
      },
    }
    await site.change((cod) => cod.append([site.files.nth(3)]), { store: late })
    expect(Object.keys((await site.document()).cod.instances)).toEqual([1, 2, 3].map(uid))
    expect((await site.check()).findings).toEqual([])
  })
})

describe("a lock that was exchanged", () => {
  test("is found before anything is written", async () => {
    await using site = await oneStored()
    await using cod = await site.open()
    await cod.append([site.files.nth(2)])
    const before = await site.bytes(site.keys.tar)
    const [held] = cod.lock!.held
    await site.store.delete(held!.key, { ifGeneration: held!.generation })
    await expect(cod.sync()).rejects.toBeInstanceOf(LockVerificationError)
    await site.put(held!.key, Buffer.from("somebody else's"))
    await expect(cod.sync()).rejects.toBeInstanceOf(LockVerificationError)
    expect(await site.bytes(site.keys.tar)).toEqual(before)
    await expect(cod.release()).rejects.toBeInstanceOf(LockVerificationError)
    expect(await site.locks()).toEqual([".cod.lock"])
  })
})

describe("working on a series", () => {
  test("gives the lock back, with what was synced, and all temporary files gone", async () => {
    await using site = await folderSite()
    const count = await withCODObject({ ...optionsOf(site), syncOnExit: true }, async (cod) => {
      await cod.append([site.files.nth(1, 2 << 20)])
      return (await cod.getInstances()).size
    })
    expect(count).toBe(1)
    expect(await site.locks()).toEqual([])
    expect([...new Bun.Glob("**/*").scanSync(site.temp.path)]).toEqual([])
    expect((await site.check()).findings).toEqual([])
  })

  test("leaves the lock hanging when it fails, says so, and stores nothing", async () => {
    await using site = await oneStored()
    const said: unknown[] = []
    const work = async (cod: CODObject) => {
      await cod.append([site.files.nth(2, 2 << 20)])
      throw new Error("failed on purpose")
    }
    const log = { warn: (facts: unknown) => void said.push(facts) } as never
    await expect(withCODObject(optionsOf(site), work, { log })).rejects.toThrow("failed on purpose")
    expect(await site.locks()).toEqual(LOCKS)
    expect(said).toEqual([expect.objectContaining({ series: expect.stringContaining(SERIES) })])
    expect([...new Bun.Glob("**/*").scanSync(site.temp.path)]).toEqual([])
    expect(Object.keys((await site.document()).cod.instances)).toEqual([uid(1)])
  })
})

describe("a series that is handed on", () => {
  test("is gone on with under the same lock, and given back there", async () => {
    await using site = await oneStored()
    const serialized = await (async () => {
      await using cod = await site.open()
      await cod.append([site.files.nth(2)])
      await cod.sync()
      return JSON.parse(JSON.stringify(cod.serialize()))
    })()
    expect(await site.locks()).toEqual(LOCKS)
    await withCODObject({ serialized, store: site.store }, async (cod) => {
      expect([cod.studyUid, cod.seriesUid]).toEqual([STUDY, SERIES])
      await cod.append([site.files.nth(3)])
      await cod.sync()
    })
    expect(await site.locks()).toEqual([])
    expect(Object.keys((await site.document()).cod.instances)).toEqual([1, 2, 3].map(uid))
    await expect(CODObject.deserialize(serialized, { store: site.store })).rejects.toBeInstanceOf(
      LockVerificationError,
    )
  })

  test("is one whose lock is held", async () => {
    await using site = await oneStored()
    await using cod = await site.open({ lock: false })
    expect(() => cod.serialize()).toThrow(CleanOpOnUnlockedCODObjectError)
  })
})
