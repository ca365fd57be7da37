import { describe, expect, test } from "bun:test"
import { Instance, ingest, LockAcquisitionError } from "../../../lib/cod/index.ts"
import { dicom, hintsOf, nth, uid } from "./files.ts"
import { bucketSite, readBack, type Site } from "./sites.ts"

/** Remote files of which everything is known, and that nobody has put there. */
const hinted = (count: number) =>
  Array.from({ length: count }, (_, n) => {
    const hints = hintsOf(nth(n), n)
    return new Instance({ dicomUri: `gs://series/inbox/${n}.dcm`, hints })
  })

async function ingested(site: Site, count: number): Promise<void> {
  const instances = Array.from({ length: count }, (_, n) => site.files.nth(n))
  const result = await ingest(instances, { ...site.place, store: site.store, tempDir: site.temp.path })
  expect(result.new.length).toBe(count)
}

describe("an ingestion", () => {
  test("makes the series, stores what is new, and gives the lock back", async () => {
    await using site = await bucketSite()
    await ingested(site, 3)
    expect(await site.locks()).toEqual([])
    expect((await site.check()).findings).toEqual([])
    await using cod = await site.open({ lock: false })
    for (const n of [0, 1, 2]) expect(await readBack(cod, uid(n))).toEqual(new Uint8Array(nth(n)))
  })

  test("of what is there already, by its hints, asks little and takes no lock: not even when somebody holds it", async () => {
    await using site = await bucketSite()
    await ingested(site, 20)
    await using writer = await site.open()
    site.cloud!.log.clear()
    const again = hinted(20)
    const result = await ingest(again, { ...site.place, store: site.store })
    expect(result).toMatchObject({ new: [], same: again, conflict: [], errors: [] })
    expect(result.stored!.series.instances.size).toBe(20)
    expect(site.cloud!.log.counters.requests).toBeLessThanOrEqual(4)
    expect(site.cloud!.log.find({ key: site.keys.tar })).toEqual([])
    await writer.release()
  })

  test("of what hints do not settle takes the lock, and tells as an append does", async () => {
    await using site = await bucketSite()
    await ingested(site, 2)
    const other = site.files.of(dicom({ instance: uid(0), comment: "other" }))
    const [, same] = hinted(2)
    const instances = [other, same!, site.files.nth(5)]
    const options = { ...site.place, store: site.store }
    const result = await ingest(instances, options)
    expect(result).toMatchObject({ conflict: [other], same: [same], errors: [] })
    expect(result.new).toEqual([instances[2]!])
    expect(await site.locks()).toEqual([])

    await using writer = await site.open()
    await expect(ingest([site.files.nth(6)], options)).rejects.toBeInstanceOf(LockAcquisitionError)
    await writer.release()
  })

  test("of nothing makes no series", async () => {
    await using site = await bucketSite()
    const result = await ingest([], { ...site.place, store: site.store })
    expect(result).toEqual({
      new: [],
      same: [],
      conflict: [],
      errors: [],
      stored: undefined,
      thumbnail: undefined,
    })
    expect(site.cloud!.keys("series")).toEqual([])
  })

  test("none of which comes in makes no series, either", async () => {
    await using site = await bucketSite()
    const options = { ...site.place, store: site.store }
    const result = await ingest([site.files.of(Buffer.from("no DICOM"))], options)
    expect(result.errors.length).toBe(1)
    expect(site.cloud!.keys("series")).toEqual([])
  })
})
