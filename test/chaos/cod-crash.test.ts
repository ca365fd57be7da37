/**
 * A writer of a series that dies between any two calls of its store, or while one is under way: no instance that was stored
 * is lost, no wrong bytes are read, and after a repair, where one is needed, the series is as sound as before.
 */
import { describe, expect, test } from "bun:test"
import {
  breakLock,
  CODError,
  findLocks,
  LockAcquisitionError,
  repair,
  seriesUri,
} from "../../lib/cod/index.ts"
import { crc32cBase64 } from "../../lib/support/checksums.ts"
import { type Clock, systemClock } from "../../lib/support/clock.ts"
import type { Document } from "../cod/changed-series.ts"
import { nth, uid } from "../cod/writing/files.ts"
import { bucketSite, folderSite, readBack, SITES, type Site } from "../cod/writing/sites.ts"
import { type StoreCall, stopping } from "../cod/writing/stopping.ts"
import { PROJECT_ROOT } from "../support/process.ts"
import { carryOut, OPERATIONS, type Operation, STORED } from "./cod-operations.ts"

/** Waits for nobody: who held the lock is dead. */
const impatient: Clock = { ...systemClock, delay: async () => {} }

const bytesOf = (n: number) => (n === 6 ? nth(6, 2 << 20) : nth(n))

async function fill(site: Site): Promise<void> {
  await site.change(async (cod) => {
    await cod.append(STORED.map((n) => site.files.nth(n)))
    await cod.addMetadataField("kept", { by: "all" })
  })
}

class Died extends Error {}

/** The calls that an operation makes of its store when nothing goes wrong. */
async function callsOf(operation: Operation): Promise<readonly StoreCall[]> {
  await using site = await folderSite()
  await fill(site)
  const { store, calls } = stopping(site.store)
  await carryOut(operation, () => site.open({ store }), site.files)
  return calls
}

/** After it has died at this call. */
async function diedAt(site: Site, operation: Operation, number: number, when: "before" | "after") {
  await fill(site)
  const { store, stopAt } = stopping(site.store)
  stopAt((call) => call.number === number, new Died(), when, true)
  // Whatever it throws on its way out: it is dead.
  await carryOut(operation, () => site.open({ store }), site.files).then(
    () => Promise.reject(new Error("it did not die")),
    () => undefined,
  )
}

/**
 * Everything that must be true of a series whose writer has died.
 * @param isMended whether what is merely left over is mended, too, before work goes on
 */
async function expectRecovery(site: Site, operation: Operation, isMended: boolean): Promise<void> {
  const readable = await readableNow(site, operation)
  await expectLockTold(site)
  const { findings, isSound } = await site.check()
  if (operation.isSoundThroughout === true) expect(isSound).toBeTrue()
  // A check finds what a reader finds.
  if (readable.length < operation.kept.length) expect(isSound).toBeFalse()
  if (!isSound || (isMended && findings.length > 0)) {
    const { lost } = await repair(seriesUri(site.place), { store: site.store, dropLost: true })
    expect(operation.maybe.map(uid)).toEqual(expect.arrayContaining(lost.map(({ key }) => key)))
    expect((await site.check()).findings).toEqual([])
  }
  await expectAllThere(site, operation)

  // And work goes on.
  await site.change((cod) => cod.append([site.files.nth(5), site.files.nth(9)]))
  expect((await site.check()).isSound).toBeTrue()
  await expectAllThere(site, { ...operation, kept: [...operation.kept, 5, 9] })
  expect(await site.locks()).toEqual([])
}

/** Those that must be there and can be read, by both kinds of readers; what they read is never wrong. */
async function readableNow(site: Site, { kept, maybe }: Operation): Promise<number[]> {
  const readable: number[] = []
  const document = await site.document()
  await using cod = await site.open({ lock: false, clock: impatient })
  for (const n of [...kept, ...maybe]) {
    const ours = await readBack(cod, uid(n)).catch((error: unknown) => {
      if (error instanceof CODError) return undefined
      throw error
    })
    const plain = await plainlyRead(site, document, uid(n))
    expect(ours === undefined).toBe(plain === undefined)
    for (const bytes of [ours, plain]) {
      if (bytes !== undefined) expect(Buffer.compare(bytes, bytesOf(n))).toBe(0)
    }
    if (ours !== undefined && kept.includes(n)) readable.push(n)
  }
  return readable
}

/** As any reader does: by the metadata a range of the tar, which has the CRC32C that stands there, or is no answer. */
async function plainlyRead(site: Site, { cod }: Document, key: string): Promise<Uint8Array | undefined> {
  const entry = cod.instances[key]
  if (entry === undefined) return undefined
  const { start_byte: start } = entry.headers
  const tar = await site.bytes(site.keys.tar)
  const bytes = tar.subarray(start, start + entry.size)
  return crc32cBase64(bytes) === entry.crc32c ? bytes : undefined
}

/** Who wants to write is told of the lock that was left, and goes on when it is broken. */
async function expectLockTold(site: Site): Promise<void> {
  const left = await findLocks(site.store, site.place)
  if (left.length === 0) return
  await expect(site.open()).rejects.toBeInstanceOf(LockAcquisitionError)
  for (const { generation, holder } of left) {
    expect(holder?.pid).toBeNumber()
    const standing = await findLocks(site.store, site.place)
    if (standing.some((lock) => lock.generation === generation)) {
      await breakLock(site.store, site.place, { generation })
    }
  }
  expect(await site.locks()).toEqual([])
}

async function expectAllThere(site: Site, { kept }: Operation): Promise<void> {
  await using cod = await site.open({ lock: false })
  for (const n of kept) expect(Buffer.compare(await readBack(cod, uid(n)), bytesOf(n))).toBe(0)
  expect(await cod.getMetadataField("kept")).toEqual({ by: "all" })
}

/** What is stored after one call is what is stored before the next: half of it is tried in a folder, where calls take long. */
const isTried = (where: string, { verb }: StoreCall, when: "before" | "after") =>
  where === "a bucket" ? when === "before" : when === "after" && isChange(verb)

const isChange = (verb: StoreCall["verb"]) => verb === "write" || verb === "delete"

for (const [where, openSite] of Object.entries(SITES)) {
  describe(`a writer of a series in ${where} that dies`, () => {
    for (const [name, operation] of Object.entries(OPERATIONS)) {
      test(`at any call of its store while it should ${name}`, async () => {
        for (const call of await callsOf(operation)) {
          for (const when of ["before", "after"] as const) {
            if (!isTried(where, call, when)) continue
            await using site = await openSite()
            await diedAt(site, operation, call.number, when)
            await expectRecovery(site, operation, call.number % 2 === 0)
          }
        }
      }, 60_000)
    }
  })
}

/** Dies by itself, at once and without a word, when it has made so many calls. */
function startDying(site: Site, name: string, number: number) {
  return Bun.spawn(
    [
      process.execPath,
      "--no-env-file",
      `${import.meta.dir}/cod-child.ts`,
      site.cloud?.url ?? site.store.uri,
      name,
      String(number),
      site.temp.path,
    ],
    { cwd: PROJECT_ROOT, env: { PATH: process.env.PATH }, stdout: "ignore", stderr: "pipe" },
  )
}

const KILLED = {
  "a folder": { openSite: folderSite, names: ["append", "remove"] },
  "a bucket": { openSite: bucketSite, names: ["append"] },
}

for (const [where, { openSite, names }] of Object.entries(KILLED)) {
  test(`a process that is killed while it writes a series in ${where} leaves nothing but a lock and what it had stored`, async () => {
    for (const name of names) {
      const operation = OPERATIONS[name]!
      const changes = (await callsOf(operation)).filter(({ verb }) => isChange(verb))
      // Between its locks, the tar, the index, the metadata, and its locks again.
      for (const { number } of changes.slice(1)) {
        await using site = await openSite()
        await fill(site)
        await using child = startDying(site, name, number)
        await child.exited
        expect({ signal: child.signalCode, said: await child.stderr.text() }).toEqual({
          signal: "SIGKILL",
          said: "",
        })
        const [lock] = await findLocks(site.store, site.place)
        if (lock !== undefined) expect(lock.holder).toMatchObject({ pid: child.pid, hasEnded: true })
        await expectRecovery(site, operation, number % 2 === 0)
      }
    }
  }, 60_000)
}
