import { describe, expect, test } from "bun:test"
import { LockAcquisitionError, LocksLeftBehindError, LockVerificationError } from "../../../lib/cod/errors.ts"
import { acquireLocks } from "../../../lib/cod/locking/acquire.ts"
import { lockBody } from "../../../lib/cod/locking/body.ts"
import { reacquireLocks } from "../../../lib/cod/locking/reacquire.ts"
import type { LockJournal } from "../../../lib/cod/locking/types.ts"
import { Unavailable } from "../../../lib/storage/errors.ts"
import type { ObjectStore } from "../../../lib/storage/store.ts"
import { failureOf } from "../../contract/bodies.ts"
import { stopping } from "../writing/stopping.ts"
import { type LockSite, SITES, standing, takeAsPython } from "./sites.ts"

const DOWN = new Unavailable("down", {})

type Step = "intends" | "took" | "ended"

/** Keeps what it is told, with what stands at that moment; throws at one of the steps. */
function recording(site: LockSite, failAt?: Step) {
  const told: string[] = []
  const tokens = new Set<string>()
  const tell = async (step: Step, token: string, detail: string) => {
    if (step === failAt) throw new Error(`no room for ${step}`)
    tokens.add(token)
    told.push(`${detail}, ${(await standing(site)).length} stand`)
  }
  const journal: LockJournal = {
    intends: ({ token, names }) => tell("intends", token, `intends ${names.join(" ")}`),
    took: ({ token, held }) => tell("took", token, `took ${held.map(({ name }) => name).join(" ")}`),
    ended: ({ token }, how) => tell("ended", token, how),
  }
  return { journal, told, tokens }
}

const NAMES = ".cod.lock .gradient.lock"
const TAKEN = [`intends ${NAMES}, 0 stand`, `took ${NAMES}, 2 stand`]

const lock = (site: LockSite, journal: LockJournal, store: ObjectStore = site.store) =>
  acquireLocks(store, site.place, () => lockBody(undefined), { journal })

describe("A journal of locks", () => {
  test("knows of a lock before it is created, when it stands, and when it is released", async () => {
    await using site = await SITES["a folder"]!()
    const { journal, told, tokens } = recording(site)
    const held = await lock(site, journal)
    expect(told).toEqual(TAKEN)
    await held.release()
    await held.release()
    expect(told).toEqual([...TAKEN, "released, 0 stand"])
    expect([...tokens]).toEqual([held.token])
  })

  test("that does not take the intent keeps the lock from being created", async () => {
    await using site = await SITES["a folder"]!()
    const { journal, told } = recording(site, "intends")
    await expect(lock(site, journal)).rejects.toThrow("no room for intends")
    expect(await standing(site)).toEqual([])
    expect(told).toEqual([])
  })

  test("that does not take the generations has the lock given back", async () => {
    await using site = await SITES["a folder"]!()
    const { journal, told } = recording(site, "took")
    await expect(lock(site, journal)).rejects.toThrow("no room for took")
    expect(told).toEqual([TAKEN[0]!, "never created, 0 stand"])
  })

  test("knows of one that others hold that it was not created", async () => {
    await using site = await SITES["a folder"]!()
    await takeAsPython(site)
    const { journal, told } = recording(site)
    await expect(lock(site, journal)).rejects.toThrow(LockAcquisitionError)
    expect(told).toEqual([`intends ${NAMES}, 1 stand`, "never created, 1 stand"])
    const silent = recording(site, "ended")
    await expect(lock(site, silent.journal)).rejects.toThrow(LockAcquisitionError)
  })

  test("is told no end of one that may stand: given back in vain, or without an answer", async () => {
    await using site = await SITES["a folder"]!()
    await takeAsPython(site)
    const { journal, told } = recording(site)
    const undeletable = stopping(site.store)
    undeletable.stopAt(({ verb }) => verb === "delete", DOWN)
    expect(await failureOf(lock(site, journal, undeletable.store))).toBeInstanceOf(LocksLeftBehindError)
    await using free = await SITES["a folder"]!()
    const silent = stopping(free.store)
    silent.stopAt(({ verb }) => verb === "write", DOWN)
    expect(await failureOf(lock(free, journal, silent.store))).toBe(DOWN)
    expect(told.map((line) => line.split(" ")[0])).toEqual(["intends", "intends"])
  })

  test("knows of one that others removed, whole or in part", async () => {
    await using site = await SITES["a folder"]!()
    const { journal, told } = recording(site)
    const whole = await lock(site, journal)
    for (const { key, generation } of whole.held) await site.store.delete(key, { ifGeneration: generation })
    await expect(whole.release()).rejects.toThrow(LockVerificationError)
    await expect(whole.release()).resolves.toBeUndefined()
    const half = await lock(site, journal)
    const [{ key, generation } = half.held[0]!] = half.held
    await site.store.delete(key, { ifGeneration: generation })
    await expect(half.release()).rejects.toThrow(LockVerificationError)
    expect(told).toEqual([...TAKEN, "gone, 0 stand", ...TAKEN, "released, 0 stand"])
  })

  test("is told the end of a lock that was gone on with, once it was recorded", async () => {
    await using site = await SITES["a folder"]!()
    const first = recording(site, "ended")
    const { token, serialize } = await lock(site, first.journal)
    const again = await reacquireLocks(site.store, site.place, serialize(), { journal: first.journal })
    await expect(again.release()).rejects.toThrow("no room for ended")
    expect(await standing(site)).toEqual([])
    expect(first.told).toEqual(TAKEN)
    expect([...first.tokens]).toEqual([token])
  })
})
