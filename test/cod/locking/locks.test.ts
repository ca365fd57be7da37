import { describe, expect, test } from "bun:test"
import { LockAcquisitionError, LockVerificationError } from "../../../lib/cod/errors.ts"
import { gunzip } from "../../../lib/cod/format/gzip.ts"
import { acquireLocks } from "../../../lib/cod/locking/acquire.ts"
import { lockBody } from "../../../lib/cod/locking/body.ts"
import { breakLock } from "../../../lib/cod/locking/break.ts"
import { findLocks } from "../../../lib/cod/locking/found.ts"
import { thisOwner } from "../../../lib/cod/locking/owner.ts"
import { reacquireLocks } from "../../../lib/cod/locking/reacquire.ts"
import type { SerializedLock } from "../../../lib/cod/locking/types.ts"
import type { ObjectStore } from "../../../lib/storage/store.ts"
import { UsageError } from "../../../lib/support/errors.ts"
import { keyIn, type LockSite, SITES, standing, takeAsPython } from "./sites.ts"

const BODY = () => lockBody(undefined)

const lock = ({ store, place }: LockSite, ...names: string[]) =>
  acquireLocks(store, place, BODY, names.length === 0 ? {} : { lockNames: names })

describe.each(Object.entries(SITES))("The lock of a series in %s", (_, openSite) => {
  test("is an object of each name, until it is released", async () => {
    await using site = await openSite()
    const held = await lock(site)
    expect(held.held.map(({ name }) => name)).toEqual([".cod.lock", ".gradient.lock"])
    expect(held.held[0]!.uri).toBe(
      `${site.place.datastore}/studies/${site.place.studyUid}/series/${site.place.seriesUid}/.cod.lock`,
    )
    expect(await standing(site)).toEqual([".cod.lock", ".gradient.lock"])
    expect(await held.exists()).toBe(true)
    await held.verify()
    await held.release()
    expect(await standing(site)).toEqual([])
    expect(await held.exists()).toBe(false)
    await expect(held.verify()).rejects.toThrow(LockVerificationError)
    await held.release()
  })

  test("holds what it was given, as JSON that is stored compressed, and says whose it is", async () => {
    await using site = await openSite()
    const owner = { ...thisOwner(), host: "host-7", pid: 4711, tool: "archive/3" }
    const { token } = await acquireLocks(site.store, site.place, () => lockBody(undefined), { owner })
    for (const name of [".cod.lock", ".gradient.lock"]) {
      const info = await site.store.head(keyIn(site, name))
      expect(info).toMatchObject({ contentType: "application/json", contentEncoding: "gzip" })
      const { stream } = await site.store.read(keyIn(site, name))
      const json = JSON.parse(new TextDecoder().decode(gunzip(await new Response(stream).bytes(), 1000)))
      expect(json).toEqual({ cod: { instances: {} }, fields: {} })
    }
    const found = await findLocks(site.store, site.place)
    expect(found).toMatchObject([
      { name: ".cod.lock", tool: "archive/3", holder: { host: "host-7", pid: 4711, token } },
      { name: ".gradient.lock", tool: "archive/3", holder: { host: "host-7", pid: 4711, token } },
    ])
  })

  test("holds as much as metadata may be", async () => {
    await using site = await openSite()
    const body = crypto.getRandomValues(new Uint8Array(65536)).toHex().repeat(20)
    const held = await acquireLocks(site.store, site.place, () => Buffer.from(body))
    expect(await findLocks(site.store, site.place)).toMatchObject([
      { size: body.length },
      { size: body.length },
    ])
    await held.release()
    expect(await standing(site)).toEqual([])
  })

  test("is had by one alone, and the other one is told by whom", async () => {
    await using site = await openSite()
    const first = await lock(site)
    const refusal = await lock(site).catch((error) => error)
    expect(refusal).toBeInstanceOf(LockAcquisitionError)
    expect(refusal).toMatchObject({ verdict: "retry", lock: { name: ".cod.lock" } })
    expect(refusal.facts).toMatchObject({ host: thisOwner().host, pid: process.pid })
    expect(refusal.message).toContain(`process ${process.pid} on ${thisOwner().host}`)
    expect(refusal.hint).toContain(`--generation ${first.held[0]!.generation}`)
    await first.verify()
    await first.release()
    await (await lock(site)).release()
  })

  test("is not taken while the Python package holds its own, and nothing of ours stays", async () => {
    await using site = await openSite()
    await takeAsPython(site)
    const refusal = await lock(site).catch((error) => error)
    expect(refusal).toBeInstanceOf(LockAcquisitionError)
    expect(refusal.message).toContain("the Python package cloud-optimized-dicom")
    expect(await standing(site)).toEqual([".gradient.lock"])
  })

  test.each([
    [".cod.lock", ".gradient.lock"],
    [".gradient.lock", ".cod.lock"],
    [".mine.lock", ".cod.lock"],
    [".mine.lock", ".gradient.lock"],
  ])("by the name %s alone is not taken while there is a %s", async (own, other) => {
    await using site = await openSite()
    const first = await lock(site, other)
    await expect(lock(site, own)).rejects.toThrow(LockAcquisitionError)
    expect(await standing(site)).toEqual([other])
    await first.release()
    await (await lock(site, own)).release()
  })

  test("that is gone is noticed, and what is left of it is released", async () => {
    await using site = await openSite()
    const held = await lock(site)
    const [, second] = held.held
    await site.store.delete(second!.key, { ifGeneration: second!.generation })
    expect(await held.exists()).toBe(false)
    await expect(held.verify()).rejects.toThrow(/\.gradient\.lock \(generation \d+\) is gone$/)
    await expect(held.release()).rejects.toThrow(LockVerificationError)
    expect(await standing(site)).toEqual([])
  })

  test("that was exchanged is noticed, and the other one stays", async () => {
    await using site = await openSite()
    const held = await lock(site)
    const [, second] = held.held
    await site.store.delete(second!.key, { ifGeneration: second!.generation })
    const other = await takeAsPython(site)
    const exchanged = await held.verify().catch((error) => error)
    expect(exchanged).toBeInstanceOf(LockVerificationError)
    expect(exchanged.message).toContain(`exchanged for generation ${other.generation} of the Python package`)
    await expect(held.release()).rejects.toThrow(LockVerificationError)
    expect(await standing(site)).toEqual([".gradient.lock"])
  })

  test("goes on elsewhere from plain JSON, and is that very lock", async () => {
    await using site = await openSite()
    const held = await lock(site)
    const handedOn = JSON.parse(JSON.stringify(held.serialize())) as SerializedLock
    const again = await reacquireLocks(site.store, site.place, handedOn)
    expect(again.held).toEqual(held.held)
    expect(again.token).toBe(held.token)
    await again.verify()
    await expect(lock(site)).rejects.toThrow(LockAcquisitionError)
    await again.release()
    expect(await standing(site)).toEqual([])
    await expect(held.verify()).rejects.toThrow(LockVerificationError)
  })

  test("does not go on when it is gone, exchanged, or another series' one; nothing is made", async () => {
    await using site = await openSite()
    const held = await lock(site)
    const other = { ...site.place, seriesUid: `${site.place.seriesUid}.9` }
    await expect(reacquireLocks(site.store, other, held.serialize())).rejects.toThrow(LockVerificationError)
    const foreign = { ...held.serialize(), token: crypto.randomUUID() }
    await expect(reacquireLocks(site.store, site.place, foreign)).rejects.toThrow(LockVerificationError)
    await held.release()
    await expect(reacquireLocks(site.store, site.place, held.serialize())).rejects.toThrow(/is gone/)
    expect(await standing(site)).toEqual([])
    const next = await lock(site)
    await expect(reacquireLocks(site.store, site.place, held.serialize())).rejects.toThrow(/exchanged/)
    await next.verify()
  })

  test("is broken by the generation that somebody saw, whole, and by no other", async () => {
    await using site = await openSite()
    const held = await lock(site)
    const [first, second] = held.held
    await expect(breakLock(site.store, site.place, { generation: "1" })).rejects.toThrow(
      LockVerificationError,
    )
    await held.verify()
    const broken = await breakLock(site.store, site.place, { generation: second!.generation })
    expect(broken.map(({ generation }) => generation)).toEqual([first!.generation, second!.generation])
    expect(await standing(site)).toEqual([])
    await expect(held.verify()).rejects.toThrow(LockVerificationError)
  })

  test("is broken name by name on request, and each lock of others alone", async () => {
    await using site = await openSite()
    const held = await lock(site, ".cod.lock")
    const python = await takeAsPython(site)
    await breakLock(site.store, site.place, { generation: python.generation, name: ".gradient.lock" })
    expect(await standing(site)).toEqual([".cod.lock"])
    const [{ generation } = { generation: "" }] = held.held
    const asked = breakLock(site.store, site.place, { generation, name: ".gradient.lock" })
    await expect(asked).rejects.toThrow(LockVerificationError)
    await held.release()
  })

  test("is found among everything else in the folder, also by a name that nobody knows", async () => {
    await using site = await openSite()
    const options = { ifGeneration: "absent", contentType: "text/plain" } as const
    for (const name of ["metadata.json", ".hidden", "cod.lock", ".strange.lock", ".deep/x.lock"]) {
      await site.store.write(keyIn(site, name), Buffer.from("abc"), options)
    }
    const found = await findLocks(site.store, site.place)
    expect(found).toMatchObject([{ name: ".strange.lock", size: 3, tool: "an unknown program" }])
    expect(found[0]!.since).toBeInstanceOf(Date)
    expect(found[0]!.holder).toBeUndefined()
  })
})

test("objects are made in the order of their names and deleted in the other, also when one is refused", async () => {
  await using site = await SITES["a folder"]!()
  const calls: string[] = []
  const nameOf = (key: string) => key.slice(key.lastIndexOf("/") + 1)
  const store: ObjectStore = {
    ...site.store,
    write(key, ...rest) {
      calls.push(`make ${nameOf(key)}`)
      return site.store.write(key, ...rest)
    },
    delete(key, ...rest) {
      calls.push(`delete ${nameOf(key)}`)
      return site.store.delete(key, ...rest)
    },
  }
  const lockNames = [".b.lock", ".c.lock", ".a.lock"]
  const made = ["make .b.lock", "make .c.lock", "make .a.lock"]
  const deleted = ["delete .c.lock", "delete .b.lock"]
  await (await acquireLocks(store, site.place, BODY, { lockNames })).release()
  expect(calls.splice(0)).toEqual([...made, "delete .a.lock", ...deleted])
  await takeAsPython(site, ".a.lock")
  await expect(acquireLocks(store, site.place, BODY, { lockNames })).rejects.toThrow(LockAcquisitionError)
  expect(calls).toEqual([...made, ...deleted])
})

test("names of locks begin with a dot and end in .lock, each once", async () => {
  await using site = await SITES["a folder"]!()
  const wrong = [
    [],
    ["metadata.json"],
    ["cod.lock"],
    [".a/b.lock"],
    [".lock"],
    [".a.lock", ".a.lock"],
    ["../.a.lock"],
  ]
  for (const names of wrong) {
    await expect(acquireLocks(site.store, site.place, BODY, { lockNames: names })).rejects.toThrow(UsageError)
  }
  expect(await standing(site)).toEqual([])
})

test("what is no serialized lock is refused", async () => {
  await using site = await SITES["a folder"]!()
  const locks = [{ name: ".cod.lock", generation: "1" }]
  const wrong = [
    null,
    1,
    "x",
    {},
    { token: 1, locks },
    { token: "t", locks: [] },
    { token: "t", locks: [{}] },
  ]
  for (const serialized of [...wrong, { token: "t", locks: [{ name: "metadata.json", generation: "1" }] }]) {
    const again = reacquireLocks(site.store, site.place, serialized as SerializedLock)
    await expect(again).rejects.toThrow(UsageError)
  }
})

test("a body that cannot be made leaves nothing behind", async () => {
  await using site = await SITES["a folder"]!()
  const body = () => Promise.reject(new UsageError("no body"))
  await expect(acquireLocks(site.store, site.place, body)).rejects.toThrow("no body")
  expect(await standing(site)).toEqual([])
})
