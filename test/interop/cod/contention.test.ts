import { afterAll, describe, expect, test } from "bun:test"
import { join } from "node:path"
import { CODObject, check, findLocks } from "../../../lib/cod/index.ts"
import { startCloudProcess } from "../../../lib/demo/cloud/remote.ts"
import { openStore } from "../../../lib/storage/open.ts"
import { described } from "./described.ts"
import { type PeerSeries, startPeer, startPython } from "./peer.ts"
import { makeSources, type Source } from "./sources.ts"
import { pythonWithCod } from "./venv.ts"

const BUCKET = "contention"
const ROUNDS = 200

/** A series is left for a new one when it has so many instances. */
const PER_SERIES = 50

/** Requests that whoever is alone makes at least until its lock stands. */
const STEPS = 5

const python = await pythonWithCod()
if (python === undefined) test.skip("contention with cloud-optimized-dicom 2.2.0", () => {})
else {
  // It honours preconditions of deletions, too, which fake-gcs-server does not.
  const cloud = await startCloudProcess({ faults: false })
  await cloud.ask("createBucket", BUCKET)
  const store = openStore(`gs://${BUCKET}`, { gcs: { emulatorUrl: cloud.url } })
  const startOurs = () =>
    startPeer([process.execPath, "--no-env-file", join(import.meta.dir, "ours.ts"), BUCKET, cloud.url])
  const startTheirs = () => startPython(python, join(import.meta.dir, "peer.py"), [cloud.url])
  const peers = { ours: startOurs(), others: startOurs(), theirs: startTheirs() }
  const { ours, theirs } = peers
  afterAll(async () => {
    await Promise.all(Object.values(peers).map((peer) => peer[Symbol.asyncDispose]()))
    await cloud[Symbol.asyncDispose]()
  })

  /** Both read it alike, and it holds what was put into it, and nothing else. */
  const holds = async (series: string, sources: readonly Source[]) => {
    const { studyUid, seriesUid, datastore } = placeOf(series, sources)
    const there = await theirs.ask<PeerSeries>("read", inPython(series, sources))
    await using cod = await CODObject.open({ datastore, studyUid, seriesUid, store, lock: false })
    expect(there).toEqual({ ...(await described(cod)), integrity_check: "ok" })
    const found = Object.entries(there.instances).map(([key, { sha256 }]) => [key, sha256])
    const wanted = sources.map(({ instance_uid, sha256 }) => [instance_uid, sha256])
    expect(Object.fromEntries(found)).toEqual(Object.fromEntries(wanted))
    expect(await check(cod.datastoreSeriesUri, { store })).toMatchObject({ findings: [] })
    expect(await findLocks(store, cod)).toEqual([])
  }
  const make = (series: string, count: number) =>
    makeSources(theirs, { bucket: BUCKET, shape: "images", series, first: 1, count })

  describe(`Writers of a series, ${ROUNDS} times, on the stand-in`, () => {
    test.each([
      ["two processes of ours", ours, peers.others],
      ["we and cloud-optimized-dicom 2.2.0", ours, theirs],
    ])(
      "%s: each time exactly one gets the lock, and nothing that it writes is lost",
      async (who, one, other) => {
        const wins = new Map([one, other].map((writer) => [writer, 0]))
        for (let round = 0; round < ROUNDS; round += PER_SERIES) {
          const series = `${who} ${round}`
          const sources = await make(series, PER_SERIES)
          const place = inPython(series, sources)
          for (const [n, { uri }] of sources.entries()) {
            await cloud.ask("clearLog")
            const [first, second] = n % 2 === 0 ? [one, other] : [other, one]
            const begun = first.ask<boolean>("acquire", place)
            // They meet at each of its steps.
            const step = cloud.ask("reached", { bucket: BUCKET }, (n >> 1) % (STEPS + 1))
            await Promise.race([step, begun])
            const answers = await Promise.all([begun, second.ask<boolean>("acquire", place)])
            expect(answers.toSorted()).toEqual([false, true])
            const winner = answers[0] ? first : second
            wins.set(winner, wins.get(winner)! + 1)
            const result = await winner.ask("finish", { uris: [uri] })
            expect(result).toEqual({ new: 1, same: 0, conflict: 0, errors: [] })
          }
          await holds(series, sources)
        }
        expect(Math.min(...wins.values())).toBeGreaterThan(ROUNDS / 20)
      },
    )
  })
}

function placeOf(series: string, [source]: readonly Source[]) {
  const datastore = `gs://${BUCKET}/${encodeURIComponent(series)}`
  return { datastore, studyUid: source!.study_uid, seriesUid: source!.series_uid }
}

function inPython(series: string, sources: readonly Source[]) {
  const { datastore, studyUid: study_uid, seriesUid: series_uid } = placeOf(series, sources)
  return { datastore, study_uid, series_uid }
}
