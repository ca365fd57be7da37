/** Our runs, and the Python package 2.2.0 as the other box of the same datastore. */
import { describe, expect, test } from "bun:test"
import { join } from "node:path"
import { CODObject, check, type FindingKind, findLocks, seriesUri } from "../../../lib/cod/index.ts"
import { openStore } from "../../../lib/storage/open.ts"
import { failures, openHospital } from "../../support/hospital.ts"
import { described } from "./described.ts"
import { type PeerSeries, startPython } from "./peer.ts"
import { makeSources, type Source } from "./sources.ts"
import { pythonWithCod } from "./venv.ts"

/** Of two that write one series. */
const ROUNDS = 40

const python = await pythonWithCod()
if (python === undefined) test.skip("runs beside cloud-optimized-dicom 2.2.0", () => {})
else {
  describe("A run, beside cloud-optimized-dicom 2.2.0", () => {
    test.each([
      ["a series that was stored", 2],
      ["a series that was not there yet", 0],
    ])("packs again what that overwrote, having read %s before we wrote", async (name, count) => {
      await using site = await openSite(python)
      const { hospital, theirs } = site
      const [before, ours, alien] = split(await site.make(name, 8), count, 4)
      await site.admit(before)
      expect((await hospital.run()).code).toBe(0)

      await theirs.ask("begin_to_acquire", site.inPython(ours))
      await site.admit(ours)
      expect((await hospital.run()).copy.totals).toMatchObject({ failed: 0, instances_new: ours.length })
      expect(await theirs.ask("go_on")).toBeTrue()
      expect(await theirs.ask("finish", { uris: urisOf(alien) })).toMatchObject({ new: 4, errors: [] })
      expect(await site.keysThere(ours)).toEqual(uidsOf([...before, ...alien]))

      const { code, ingest } = await hospital.run()
      const mended = { series_lost: 1, instances_new: ours.length, instances_same: count, failed: 0 }
      expect({ code, ...ingest!.totals }).toMatchObject({ code: 0, ...mended })
      // In a tar that was there, what was lost stands between the others, which readers know by their places.
      await site.expectHolds([...before, ...ours, ...alien], count > 0 ? ["doubled-member"] : [])
      await site.expectNothingToDo()
    })

    test("goes on looking at a series as long as that holds its lock", async () => {
      await using site = await openSite(python)
      const { hospital, theirs } = site
      const [before, ours, alien] = split(await site.make("long", 6), 2, 4)
      await site.admit(before)
      expect((await hospital.run()).code).toBe(0)
      await theirs.ask("begin_to_acquire", site.inPython(ours))
      await site.admit(ours)
      expect((await hospital.run()).code).toBe(0)
      expect(await theirs.ask("go_on")).toBeTrue()

      await site.expectNothingToDo()
      expect(await theirs.ask("finish", { uris: urisOf(alien) })).toMatchObject({ new: 2, errors: [] })
      const { code, ingest } = await hospital.run()
      expect({ code, ...ingest!.totals }).toMatchObject({ code: 0, series_lost: 1, instances_new: 2 })
      await site.expectHolds([...before, ...ours, ...alien], ["doubled-member"])
      await site.expectNothingToDo()
    })

    test("packs again what that overwrote also when it has more of that series to pack", async () => {
      await using site = await openSite(python)
      const { hospital, theirs } = site
      const [before, ours, rest] = split(await site.make("more", 8), 2, 4)
      const [alien, more] = split(rest, 2)
      await site.admit(before)
      expect((await hospital.run()).code).toBe(0)
      await theirs.ask("begin_to_acquire", site.inPython(ours))
      await site.admit(ours)
      expect((await hospital.run()).code).toBe(0)
      expect(await theirs.ask("go_on")).toBeTrue()
      expect(await theirs.ask("finish", { uris: urisOf(alien) })).toMatchObject({ new: 2, errors: [] })

      await site.admit(more)
      const { code, copy } = await hospital.run()
      expect({ code, studies: copy.studies }).toMatchObject({
        code: 0,
        studies: [{ series_lost: 1, instances_new: ours.length + more.length, instances_same: 0 }],
      })
      await site.expectHolds([...before, ...ours, ...alien, ...more], ["doubled-member"])
      await site.expectNothingToDo()
    })

    test("leaves its lock alone, says whose it is, and goes on with the other series", async () => {
      await using site = await openSite(python)
      const { hospital, theirs, store } = site
      const [before, ours, alien] = split(await site.make("held", 6), 3, 4)
      const others = await site.make("not held", 2)
      await site.admit(before)
      expect((await hospital.run()).code).toBe(0)

      expect(await theirs.ask("acquire", site.inPython(ours))).toBeTrue()
      const [lock] = await findLocks(store, site.placeOf(ours))
      await site.admit([...ours, ...others])
      const { code, copy } = await hospital.run()
      expect({ code, ...copy.totals }).toMatchObject({ code: 1, series_packed: 1, instances_new: 2 })
      const [error, ...more] = copy.studies.flatMap(({ errors }) => errors)
      expect(error).toMatch(
        /LockAcquisitionError: .*\.gradient\.lock is held by the Python package cloud-optimized-dicom, for \d+/,
      )
      expect(more).toEqual([])
      expect(failures(hospital)).toMatchObject([{ verdict: "retry", error_class: "LockAcquisitionError" }])
      await site.expectHolds(others)
      expect(await findLocks(store, site.placeOf(ours))).toEqual([lock!])

      expect(await theirs.ask("finish", { uris: urisOf(alien) })).toMatchObject({ new: 2, errors: [] })
      expect((await hospital.run()).code).toBe(0)
      await site.expectHolds([...before, ...ours, ...alien])
      await site.expectNothingToDo()
    })

    test(`and with it at work at the same time, ${ROUNDS} rounds, loses nothing that a next run does not mend`, async () => {
      await using site = await openSite(python)
      const { hospital, theirs } = site
      const all = await site.make("both at work", 2 * ROUNDS)
      const [ours, alien] = split(all, ROUNDS)
      const figures = { weWereRefused: 0, itWasRefused: 0, overwritten: 0 }
      const append = async (source: Source) => {
        const result = await theirs.ask("append", { ...site.inPython(all), uris: [source.uri] })
        expect(result).toEqual({ new: 1, same: 0, conflict: 0, errors: [] })
      }
      const appendUnlessHeld = async (source: Source) => {
        try {
          await append(source)
        } catch (error) {
          // When we have given the lock back before it could look whose it was, it fails by that.
          expect((error as Error).message).toMatch(/somebody else holds it|NotFound: 404 .*\.gradient\.lock/)
          figures.itWasRefused += 1
          return source
        }
      }
      const pack = async () => {
        const { totals, studies } = await hospital.ingest()
        figures.overwritten += totals.series_lost
        for (const error of studies.flatMap(({ errors }) => errors)) {
          expect(error).toMatch(
            /LockAcquisitionError: .*(is held by the Python package|was held by somebody who has gone since)/,
          )
          figures.weWereRefused += 1
        }
      }
      for (const [n, source] of ours.entries()) {
        await site.admit([source])
        await hospital.discover()
        await hospital.copy()
        // They meet at each of the steps of whoever begins.
        const meet = <First, Second>(first: () => Promise<First>, second: () => Promise<Second>) =>
          site.meet(first, second, n >> 1)
        const weBegin = n % 2 === 0
        const refused = weBegin
          ? (await meet(pack, () => appendUnlessHeld(alien[n]!)))[1]
          : (await meet(() => appendUnlessHeld(alien[n]!), pack))[0]
        if (refused !== undefined) await append(refused)
      }
      const last = await hospital.run()
      figures.overwritten += last.ingest!.totals.series_lost
      console.log(`beside the Python package: ${ROUNDS} rounds, ${JSON.stringify(figures)}`)
      expect(last.code).toBe(0)
      await site.expectHolds(all, ["doubled-member"])
      await site.expectNothingToDo()
      expect(Math.min(figures.weWereRefused, figures.itWasRefused)).toBeGreaterThan(0)
    }, 60_000)
  })
}

async function openSite(python: string) {
  const hospital = await openHospital()
  const { cloud, destination } = hospital
  const theirs = startPython(python, join(import.meta.dir, "peer.py"), [cloud.url])
  const datastore = `gs://${destination}/cod/dicomweb`
  const store = openStore(datastore, { gcs: { emulatorUrl: cloud.url } })
  const placeOf = ([source]: readonly Source[]) => ({
    datastore,
    studyUid: source!.study_uid,
    seriesUid: source!.series_uid,
  })
  const inPython = (sources: readonly Source[]) => {
    const { studyUid: study_uid, seriesUid: series_uid } = placeOf(sources)
    return { datastore, study_uid, series_uid }
  }
  return {
    hospital,
    theirs,
    store,
    placeOf,
    inPython,
    make: (series: string, count: number) =>
      makeSources(theirs, { bucket: destination, shape: "images", series, first: 1, count }),
    /** As a study of our hospital. */
    async admit(sources: readonly Source[]) {
      if (sources.length === 0) return
      const study = await hospital.admit({ images: sources.map(() => ({})) })
      for (const [n, { uri }] of sources.entries()) {
        const { bytes } = cloud.get(destination, uri.slice(`gs://${destination}/`.length))!
        cloud.put(hospital.origin, study.imageKeys[n]!, bytes)
      }
    },
    async keysThere(sources: readonly Source[]) {
      const { instances } = await theirs.ask<PeerSeries>("read", inPython(sources))
      return Object.keys(instances).sort()
    },
    /** Both read it alike, it has just these, and it is sound. */
    async expectHolds(sources: readonly Source[], notes: readonly FindingKind[] = []) {
      const place = placeOf(sources)
      const there = await theirs.ask<PeerSeries>("read", inPython(sources))
      await using cod = await CODObject.open({ ...place, store, lock: false })
      expect(there).toEqual({ ...(await described(cod)), integrity_check: "ok" })
      const found = Object.entries(there.instances).map(([key, { sha256 }]) => [key, sha256])
      const wanted = sources.map(({ instance_uid, sha256 }) => [instance_uid, sha256])
      expect(Object.fromEntries(found)).toEqual(Object.fromEntries(wanted))
      const { isSound, findings } = await check(seriesUri(place), { store })
      expect(isSound).toBeTrue()
      expect(findings.filter(({ kind }) => !notes.includes(kind))).toEqual([])
      expect(await findLocks(store, place)).toEqual([])
    },
    /** Begins the second thing when the first has made so many requests of the destination. */
    async meet<First, Second>(first: () => Promise<First>, second: () => Promise<Second>, requests: number) {
      const reached = cloud.log.count({ bucket: destination }) + requests
      const begun = first()
      await Promise.race([cloud.log.reached({ bucket: destination }, reached), begun])
      return await Promise.all([begun, second()])
    },
    async expectNothingToDo() {
      const { code, copy, ingest } = await hospital.run()
      expect({ code, copied: copy.totals.studies, packed: ingest!.totals }).toMatchObject({
        code: 0,
        copied: 0,
        packed: { studies: 0, series_lost: 0 },
      })
    },
    async [Symbol.asyncDispose]() {
      await theirs[Symbol.asyncDispose]()
      store[Symbol.dispose]()
      hospital[Symbol.dispose]()
    },
  }
}

function split(sources: readonly Source[], ...at: number[]) {
  return [0, ...at].map((start, n) => sources.slice(start, at[n])) as [Source[], Source[], Source[]]
}

function urisOf(sources: readonly Source[]): string[] {
  return sources.map(({ uri }) => uri)
}

function uidsOf(sources: readonly Source[]): string[] {
  return sources.map(({ instance_uid }) => instance_uid).sort()
}
