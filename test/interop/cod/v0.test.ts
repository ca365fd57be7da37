import { afterAll, describe, expect, test } from "bun:test"
import {
  CODObject,
  type CODObjectOptions,
  findLocks,
  LockAcquisitionError,
  LockVerificationError,
  type SerializedCODObject,
  withCODObject,
} from "../../../lib/cod/index.ts"
import { inPython, type SharedSeries, sharedSeries, versionsOf } from "./shared-series.ts"
import { openSite } from "./site.ts"

const BUCKET = "v0"

/** A lock of the package's that was handed on: its own JSON. */
interface Serialized {
  readonly lock_generation: number
}

const site = await openSite(BUCKET, "0.1.1")
if (site === undefined) test.skip("cloud-optimized-dicom 0.1.1", () => {})
else {
  const { peer, store } = site
  afterAll(() => site[Symbol.asyncDispose]())

  describe("cloud-optimized-dicom 0.1.1 and we, on fake-gcs-server, take turns", () => {
    for (const metadataVersion of ["2.0", "1.0"] as const)
      for (const hashed of [false, true]) {
        test(`our metadata ${metadataVersion}${hashed ? ", hashed UIDs" : ""}`, async () => {
          const name = `turns ${metadataVersion} ${hashed}`
          const series = await sharedSeries(peer, store, { ...KIND, name, hashed, metadataVersion })
          for (let round = 0; round < 3; round++) {
            await series.write(({ append }) => append(2))
            expect(await versionsOf(series.place, store)).toEqual(new Set([metadataVersion]))
            await series.agree(peer)
            await series.theyAppend(peer, 1)
            expect(await versionsOf(series.place, store)).toEqual(new Set(["2.0"]))
            await series.agree(peer)
            await peer.ask("save_as_v1", inPython(series))
            expect(await versionsOf(series.place, store)).toEqual(new Set(["1.0"]))
            await series.agree(peer)
          }
          const [first, ...others] = [...series.stored.keys()]
          await series.write(({ truncate }) => truncate(first!))
          await series.agree(peer)
          expect(others).toHaveLength(8)
        })
      }
  })

  describe("A lock of cloud-optimized-dicom 0.1.1, on fake-gcs-server", () => {
    test("stays when something fails, keeps us out, and is gone on with by its generation", async () => {
      const series = await stored("their failure")
      const place = inPython(series)
      await expect(peer.ask("append", { ...place, uris: [], fail: "made up" })).rejects.toThrow("made up")
      const [lock] = await findLocks(store, series.place)
      expect(lock).toMatchObject({ name: ".gradient.lock", holder: undefined })
      const refused = await CODObject.open(asWriter(series)).catch((error) => error)
      expect(refused).toBeInstanceOf(LockAcquisitionError)
      expect(refused.lock).toMatchObject({ generation: lock!.generation })
      await expect(peer.ask("append", { ...place, uris: [] })).rejects.toThrow("LockAcquisitionError")
      await peer.ask("append", { ...place, uris: [], lock_generation: Number(lock!.generation) })
      expect(await findLocks(store, series.place)).toEqual([])
      await series.write(({ append }) => append(1))
      await series.agree(peer)
    })

    test("outlives its process, and another one goes on with what was serialized", async () => {
      const series = await stored("their heir")
      const serialized = await peer.ask<Serialized>("acquire", inPython(series))
      await expect(CODObject.open(asWriter(series))).rejects.toThrow(LockAcquisitionError)
      await using heir = site.startPeer()
      await series.theyAppend(
        { ...heir, ask: (_, args) => heir.ask("go_on", { serialized, uris: args!.uris }) },
        1,
      )
      expect(await findLocks(store, series.place)).toEqual([])
      await series.agree(peer)
    })
  })

  describe("A lock of ours, for cloud-optimized-dicom 0.1.1, on fake-gcs-server", () => {
    test("stays when something fails, keeps it out, and is gone on with by its generations", async () => {
      const series = await stored("our failure")
      let serialized: string | undefined
      const failing = withCODObject(asWriter(series), (cod) => {
        serialized = JSON.stringify(cod.serialize())
        throw new Error("made up")
      })
      await expect(failing).rejects.toThrow("made up")
      expect((await findLocks(store, series.place)).map(({ name }) => name)).toEqual(BOTH)
      await expect(series.theyAppend(peer, 1)).rejects.toThrow("LockAcquisitionError")
      await using cod = await CODObject.deserialize(JSON.parse(serialized!) as SerializedCODObject, { store })
      await cod.addMetadataField("went", "on")
      await cod.sync()
      await cod.release()
      await series.theyAppend(peer, 1)
      expect((await series.agree(peer)).metadata_fields).toMatchObject({ went: "on" })
    })

    test("that it goes on with by its generation is lost to us when it gives it back: we write no more", async () => {
      const series = await stored("taken over")
      await using cod = await CODObject.open(asWriter(series))
      await cod.addMetadataField("is", "lost")
      const [, { generation } = { generation: "" }] = cod.lock!.held
      await series.theyAppend(
        {
          ...peer,
          ask: (command, args) => peer.ask(command, { ...args, lock_generation: Number(generation) }),
        },
        1,
      )
      await expect(cod.sync()).rejects.toThrow(LockVerificationError)
      await expect(cod.release()).rejects.toThrow(LockVerificationError)
      expect((await series.agree(peer)).metadata_fields).not.toHaveProperty("is")
    })
  })

  test("A lock that is gone cannot be gone on with by us; 0.1.1 takes a new one without a word", async () => {
    const series = await stored("gone")
    const theirs = await peer.ask<Serialized>("acquire", inPython(series))
    await deleteLocks(series)
    await peer.ask("go_on", { serialized: theirs, uris: [] })
    await using cod = await CODObject.open(asWriter(series))
    const ours = cod.serialize()
    await deleteLocks(series)
    await expect(CODObject.deserialize(ours, { store })).rejects.toThrow(LockVerificationError)
    expect(await findLocks(store, series.place)).toEqual([])
  })

  test("Neither goes on with a lock that was exchanged", async () => {
    const series = await stored("exchanged")
    const theirs = await peer.ask<Serialized>("acquire", inPython(series))
    await deleteLocks(series)
    await using cod = await CODObject.open(asWriter(series))
    await expect(peer.ask("go_on", { serialized: theirs, uris: [] })).rejects.toThrow("LockAcquisitionError")
    const ours = cod.serialize()
    await deleteLocks(series)
    await peer.ask("acquire", inPython(series))
    await expect(CODObject.deserialize(ours, { store })).rejects.toThrow(LockVerificationError)
  })

  const stored = async (name: string) => {
    const series = await sharedSeries(peer, store, { ...KIND, name })
    await series.write(({ append }) => append(2))
    return series
  }
  const asWriter = ({ place }: SharedSeries): CODObjectOptions => ({ ...place, store, lock: true })
  const deleteLocks = async ({ place }: SharedSeries) => {
    for (const { key, generation } of await findLocks(store, place)) {
      await store.delete(key, { ifGeneration: generation })
    }
  }
}

const KIND = { bucket: BUCKET, shape: "compressed" }

const BOTH = [".cod.lock", ".gradient.lock"]
