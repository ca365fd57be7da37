/** What a person is told of the locks of series, and what one can do about them. */
import { describe, expect, test } from "bun:test"
import { breakLock, findLocks } from "../../../lib/cod/index.ts"
import { acquireLocks } from "../../../lib/cod/locking/acquire.ts"
import { lockBody } from "../../../lib/cod/locking/body.ts"
import { claimSeries } from "../../../lib/ledger/cod/claims.ts"
import { recordLockHanging, recordLockIntent } from "../../../lib/ledger/cod/locks.ts"
import { recordSeriesFailure } from "../../../lib/ledger/cod/series.ts"
import { checkLocks } from "../../../lib/operate/locks/check.ts"
import { foreignLines, type LocksView, ownLines } from "../../../lib/operate/locks/lines.ts"
import { releaseLocks, releasePreview } from "../../../lib/operate/locks/release.ts"
import { renderAdopted, renderCheck, renderList, renderReleased } from "../../../lib/operate/locks/render.ts"
import { seriesPlaces } from "../../../lib/pipeline/ingest/series-places.ts"
import { settleLocks } from "../../../lib/pipeline/ingest/settle-locks.ts"
import { HeldByAnother, UsageError } from "../../../lib/support/errors.ts"
import { SITES, type Site } from "../../cod/writing/sites.ts"
import { type LockBench, lockBench } from "../../pipeline/ingest/lock-bench.ts"
import { HOUR, newRun, rows } from "../../support/ledger.ts"

const viewOf = ({ deps, site }: LockBench) => ({
  ledger: deps.ledger,
  store: site.store,
  places: seriesPlaces({ datastore: site.store, uidHashFunc: undefined }),
})

const seriesUriOf = ({ place }: Site) =>
  `${place.datastore}/studies/${place.studyUid}/series/${place.seriesUid}`

const linesOf = async (view: LocksView) => [...ownLines(view.ledger), ...(await foreignLines(view))]

/** The series was met locked when it was packed last. */
function failedByLock({ deps, series }: LockBench) {
  const { ledger, runId } = deps
  const claim = claimSeries(ledger, runId, series.seriesNo)!
  const failure = { verdict: "retry", errorClass: "LockAcquisitionError", errorMessage: "held" } as const
  ledger.write((tally) => recordSeriesFailure(ledger, tally, claim, failure))
  ledger.write(() => ledger.db.run("delete from cod_claims"))
}

/** As the Python package makes it: without a word of who it is, and with the metadata that it read. */
const lockAsPython = async (site: Site) => {
  const metadata = await site.bytes(site.keys.metadata)
  await site.put(`${site.keys.folder}.gradient.lock`, metadata)
}

describe.each(Object.entries(SITES))("Locks of a datastore in %s", (_, openSite) => {
  test("are listed by what they are: held, unfinished, hanging", async () => {
    await using bench = await lockBench(openSite)
    const { ledger } = bench.deps
    const view = viewOf(bench)
    expect(renderList(await linesOf(view))).toBe("No lock is held, and none is left.")
    const { token } = await bench.lock()
    bench.bench.clock.advance(2 * HOUR)
    const [unfinished] = await linesOf(view)
    expect(unfinished).toMatchObject({
      series_uri: seriesUriOf(bench.site),
      state: "unfinished",
      age_seconds: 7200,
      what_next: expect.stringContaining("bun run locks adopt"),
    })
    expect(Object.keys(unfinished!.generations!)).toEqual([".cod.lock", ".gradient.lock"])
    ledger.write(() => recordLockHanging(ledger, token, "tar and metadata disagree"))
    const [hanging] = await linesOf(view)
    expect(hanging).toMatchObject({
      state: "hanging",
      why: "tar and metadata disagree",
      age_seconds: 0,
      what_next: expect.stringContaining(`bun run locks release ${seriesUriOf(bench.site)} --why TEXT`),
    })
    expect(renderList(await linesOf(view))).toContain("1 lock: 1 hanging")
    const claim = claimSeries(ledger, newRun(ledger), bench.series.seriesNo)!
    ledger.write(() => recordLockIntent(ledger, claim, { token: "t", seriesUri: "s", names: [".cod.lock"] }))
    expect((await linesOf(view)).map(({ state }) => state)).toContain("held")
  })

  test("of the Python package are told with what it backed up, however old they are", async () => {
    await using bench = await lockBench(openSite)
    const view = viewOf(bench)
    await bench.site.change((cod) => cod.append([1, 2].map((n) => bench.site.files.nth(n))))
    await lockAsPython(bench.site)
    expect(await linesOf(view)).toEqual([])
    failedByLock(bench)
    const [line] = await linesOf(view)
    expect(line).toMatchObject({
      state: "foreign",
      instances_in_backup: 2,
      owner: "the Python package cloud-optimized-dicom",
      what_next: expect.stringMatching(/--generation \d+ --why TEXT/),
    })
    await settleLocks(bench.deps)
    expect(await bench.site.locks()).toEqual([".gradient.lock"])
  })

  test("of others who tell who they are are told with that; those of the ledger are not foreign", async () => {
    await using bench = await lockBench(openSite)
    const { site } = bench
    const view = viewOf(bench)
    failedByLock(bench)
    const owner = { host: "box-2", bootId: "b", pid: 7, processStart: "1", tool: "cod/1" }
    const held = await acquireLocks(site.store, site.place, () => lockBody(undefined), { owner })
    const lines = await linesOf(view)
    expect(lines.map(({ owner }) => owner)).toEqual(Array(2).fill("cod/1, process 7 on box-2"))
    expect(lines[0]!.why).toContain("no metadata of a series")
    await held.release()
    await bench.lock()
    expect((await linesOf(view)).map(({ state }) => state)).toEqual(["unfinished"])
  })

  test("are held against the ledger", async () => {
    await using bench = await lockBench(openSite)
    const { ledger } = bench.deps
    const { site } = bench
    const view = viewOf(bench)
    const standing = async () => {
      const { own, faults } = await checkLocks(view, { all: false })
      return [own.map((lock) => lock.standing), faults]
    }
    expect(await standing()).toEqual([[], 0])
    const { held } = await bench.lock()
    expect(await standing()).toEqual([["agrees"], 0])
    ledger.write(() => ledger.db.run("update cod_locks set hanging_since = 'x', hanging_why = 'y'"))
    expect(await standing()).toEqual([["agrees"], 1])
    ledger.write(() => ledger.db.run("update cod_locks set hanging_since = null"))
    const [first, second] = held
    await breakLock(site.store, site.place, first!)
    expect(await standing()).toEqual([["in part"], 1])
    await breakLock(site.store, site.place, second!)
    expect(await standing()).toEqual([["gone"], 1])
    await site.put(second!.key, Buffer.from("{}"))
    expect(await standing()).toEqual([["exchanged"], 1])
    expect(renderCheck(await checkLocks(view, { all: false }))).toContain("1 lock of 1 hangs or differs.")
    await site.store.delete(second!.key, { ifGeneration: (await site.store.head(second!.key))!.generation })
    ledger.write(() => ledger.db.run("update cod_locks set generations = null"))
    expect(await standing()).toEqual([["never created"], 1])
  })

  test("that nobody knows are found by going through the whole datastore", async () => {
    await using bench = await lockBench(openSite)
    const view = viewOf(bench)
    await bench.site.change((cod) => cod.append([bench.site.files.nth(1)]))
    await lockAsPython(bench.site)
    expect((await checkLocks(view, { all: false })).foreign).toEqual([])
    const found = await checkLocks(view, { all: true })
    expect(found.foreign).toMatchObject([{ state: "foreign", instances_in_backup: 1 }])
    expect(found.faults).toBe(0)
    expect(renderCheck(found)).toContain("the Python package")
  })
})

describe("A release by hand", () => {
  const why = "looked, sound"

  test("of a lock that hangs records who and why, and lets the next run try again", async () => {
    await using bench = await lockBench()
    const { ledger, runId, log } = bench.deps
    const { token } = await bench.lock()
    ledger.write(() => ledger.db.run("delete from cod_claims"))
    const claim = claimSeries(ledger, runId, bench.series.seriesNo)!
    const failure = { verdict: "give-up", errorClass: "TarDisagreesError", errorMessage: "x" } as const
    ledger.write((tally) => {
      recordLockHanging(ledger, token, "x")
      recordSeriesFailure(ledger, tally, claim, failure)
    })
    ledger.write(() => ledger.db.run("delete from cod_claims"))
    const view = { ...viewOf(bench), runId, log }
    const request = { seriesUri: seriesUriOf(bench.site), why }
    const preview = await releasePreview(view, request)
    expect(preview.objects).toHaveLength(2)
    expect(renderReleased(preview, true)).toContain("nothing was written")
    expect(await bench.site.locks()).toHaveLength(2)
    const released = await releaseLocks(view, request)
    expect(released).toEqual(preview)
    expect(await bench.site.locks()).toEqual([])
    expect(rows(ledger, "select ended, ended_why from cod_locks")).toEqual([
      { ended: "released by hand", ended_why: `${why} (${released.by})` },
    ])
    expect(bench.series).toMatchObject({ state: "waiting", verdict: null })
    expect(rows(ledger, "select * from cod_claims")).toEqual([])
    expect(renderReleased(await releaseLocks(view, request), false)).toContain("nothing to do")
  })

  test("of a lock of others needs its generation, and takes no other one", async () => {
    await using bench = await lockBench()
    const { site } = bench
    failedByLock(bench)
    await site.put(`${site.keys.folder}.gradient.lock`, Buffer.from("{}"))
    const view = { ...viewOf(bench), runId: bench.deps.runId, log: bench.deps.log }
    const request = { seriesUri: seriesUriOf(site), why }
    await expect(releaseLocks(view, request)).rejects.toThrow(UsageError)
    await expect(releaseLocks(view, { ...request, generation: "1" })).rejects.toThrow(
      /no lock of generation 1/,
    )
    expect(await site.locks()).toHaveLength(1)
    const [lock] = await findLocks(site.store, site.place)
    await releaseLocks(view, { ...request, generation: lock!.generation })
    expect(await site.locks()).toEqual([])
    expect(bench.series.verdict).toBeNull()
  })

  test("waits for nobody: a series that is being packed is refused, and one that the ledger does not know", async () => {
    await using bench = await lockBench()
    const { ledger, runId, log } = bench.deps
    claimSeries(ledger, newRun(ledger), bench.series.seriesNo)
    const view = { ...viewOf(bench), runId, log }
    const seriesUri = seriesUriOf(bench.site)
    await expect(releaseLocks(view, { seriesUri, why })).rejects.toThrow(HeldByAnother)
    await expect(releaseLocks(view, { seriesUri: `${seriesUri}.9`, why })).rejects.toThrow(UsageError)
  })
})

test("what was settled is told by series", async () => {
  await using bench = await lockBench()
  expect(renderAdopted([])).toBe("No lock is unfinished.")
  await bench.lock()
  const text = renderAdopted(await settleLocks(bench.deps))
  expect(text).toContain(seriesUriOf(bench.site))
  expect(text).toContain("released")
})
