import { afterAll, describe, expect, test } from "bun:test"
import { join } from "node:path"
import { LockAcquisitionError, LockVerificationError } from "../../../lib/cod/errors.ts"
import type { SeriesPlace } from "../../../lib/cod/format/layout.ts"
import { parseSeriesMetadata } from "../../../lib/cod/format/metadata/series.ts"
import { acquireLocks } from "../../../lib/cod/locking/acquire.ts"
import { lockBody } from "../../../lib/cod/locking/body.ts"
import { findLocks } from "../../../lib/cod/locking/found.ts"
import type { SeriesLock } from "../../../lib/cod/locking/types.ts"
import { openGcs } from "../../../lib/storage/gcs.ts"
import { FAKE_GCS_SERVER } from "../fake-gcs-server.ts"
import { build, start } from "../go-server.ts"
import { startPython } from "./peer.ts"
import { pythonWithCod } from "./venv.ts"

const BUCKET = "locks"
const ROUNDS = 200

/** As the package reads it: hours. The least that is not "never". */
const AT_ONCE = 1e-9

const NEW_SERIES = { study_uid: "1.2.826.0.1.3680043.8.498.11", series_uid: "1.2.826.0.1.3680043.8.498.12" }

const python = await pythonWithCod()
const program = await build(FAKE_GCS_SERVER)
if (python === undefined || program === undefined) test.skip("locks of cloud-optimized-dicom 2.2.0", () => {})
else {
  const server = await start(program, FAKE_GCS_SERVER)
  await fetch(`${server.url}/storage/v1/b`, { method: "POST", body: JSON.stringify({ name: BUCKET }) })
  const peer = startPython(python, join(import.meta.dir, "locks.py"), [server.url])
  const store = openGcs({ bucket: BUCKET, emulatorUrl: server.url })
  afterAll(async () => {
    await peer[Symbol.asyncDispose]()
    await server[Symbol.asyncDispose]()
  })

  const stored = await peer.ask<PeerPlace>("write", { bucket: BUCKET })
  const notThereYet = { datastore: `gs://${BUCKET}/new`, ...NEW_SERIES }

  const theyTake = (place: PeerPlace, more = {}) => peer.ask<string | null>("take", { ...place, ...more })
  const weTake = async (theirs: PeerPlace): Promise<SeriesLock> => {
    const place = placeOf(theirs)
    return acquireLocks(store, place, async () => lockBody(await metadataOf(place)))
  }
  const metadataOf = async (place: SeriesPlace) => {
    const key = `${place.datastore.slice(`gs://${BUCKET}/`.length)}/studies/${place.studyUid}/series/${place.seriesUid}/metadata.json`
    if ((await store.head(key)) === undefined) return undefined
    const { stream } = await store.read(key)
    return parseSeriesMetadata(await new Response(stream).bytes())
  }

  describe.each([
    ["a series that is stored", stored],
    ["a series that is not there yet", notThereYet],
  ])("The lock of %s", (_, place) => {
    test("held by cloud-optimized-dicom 2.2.0 is not taken, and is told as its own", async () => {
      const generation = await theyTake(place)
      const refusal = await weTake(place).catch((error) => error)
      expect(refusal).toBeInstanceOf(LockAcquisitionError)
      expect(refusal.message).toContain("the Python package cloud-optimized-dicom")
      expect(await findLocks(store, placeOf(place))).toMatchObject([
        { name: ".gradient.lock", generation, holder: undefined },
      ])
      await peer.ask("release")
      const lock = await weTake(place)
      await lock.release()
    })

    test("held by us is seen by cloud-optimized-dicom 2.2.0", async () => {
      const lock = await weTake(place)
      expect(await theyTake(place)).toBeNull()
      await lock.verify()
      await lock.release()
      expect(await theyTake(place)).toBeString()
      await peer.ask("release")
    })

    test("held by us is not taken for abandoned, however long it stands", async () => {
      const lock = await weTake(place)
      const overriding = theyTake(place, { override_age: AT_ONCE })
      // Of a series without instances it cannot read the lock: no error of its own for that.
      if (place === stored) expect(await overriding).toBeNull()
      else await expect(overriding).rejects.toThrow("KeyError")
      await lock.verify()
      await lock.release()
    })

    test("that they take between our two objects is theirs, and nothing of ours stays", async () => {
      const write: typeof store.write = async (key, ...rest) => {
        if (key.endsWith("/.gradient.lock")) await theyTake(place)
        return await store.write(key, ...rest)
      }
      const beaten = acquireLocks({ ...store, write }, placeOf(place), () => lockBody(undefined))
      await expect(beaten).rejects.toThrow(LockAcquisitionError)
      expect((await findLocks(store, placeOf(place))).map(({ name }) => name)).toEqual([".gradient.lock"])
      await peer.ask("release")
    })

    test("that an operator of theirs removed and they took is no longer ours", async () => {
      const lock = await weTake(place)
      const [, gradient] = lock.held
      await store.delete(gradient!.key, { ifGeneration: gradient!.generation })
      const generation = await theyTake(place)
      await expect(lock.verify()).rejects.toThrow(`exchanged for generation ${generation}`)
      await expect(lock.release()).rejects.toThrow(LockVerificationError)
      // Theirs is untouched: its release looks for its generation.
      await peer.ask("release")
      expect(await findLocks(store, placeOf(place))).toEqual([])
    })
  })

  test("Of us and cloud-optimized-dicom 2.2.0, asking at one moment, exactly one gets the lock", async () => {
    const wins = { ours: 0, theirs: 0 }
    for (let round = 1; round <= ROUNDS; round++) {
      const theirs = theyTake(stored)
      // It is slower: so many requests later we meet it at each of its steps, round by round.
      for (let step = 0; step < round % 16; step++) await store.head("nothing")
      const lock = await weTake(stored).catch(unlessHeld)
      const generation = await theirs
      expect([lock === undefined, generation === null].toSorted()).toEqual([false, true])
      if (lock === undefined) await peer.ask("release")
      await lock?.release()
      wins[lock === undefined ? "theirs" : "ours"]++
    }
    expect(await findLocks(store, placeOf(stored))).toEqual([])
    expect(Math.min(wins.ours, wins.theirs)).toBeGreaterThan(0)
  })
}

function unlessHeld(error: unknown): undefined {
  if (!(error instanceof LockAcquisitionError)) throw error
}

interface PeerPlace {
  readonly datastore: string
  readonly study_uid: string
  readonly series_uid: string
}

function placeOf({ datastore, study_uid: studyUid, series_uid: seriesUid }: PeerPlace): SeriesPlace {
  return { datastore, studyUid, seriesUid }
}
