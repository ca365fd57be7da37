/** Thumbnails that are made along with an ingestion. */
import { expect, test } from "bun:test"
import { Instance, ingest, type ThumbnailAtIngest } from "../../../lib/cod/index.ts"
import { semaphore } from "../../../lib/support/pool.ts"
import { hintsOf, nth } from "../writing/files.ts"
import { bucketSite, type Site } from "../writing/sites.ts"

/** The nth instance, remote and known whole: nobody has put its file there. */
const known = (n: number) =>
  new Instance({ dicomUri: `gs://series/inbox/${n}.dcm`, hints: hintsOf(nth(n), n) })

const ingestInto = (site: Site, instances: readonly Instance[], thumbnail?: ThumbnailAtIngest) =>
  ingest(instances, { ...site.place, store: site.store, tempDir: site.temp.path, thumbnail })

test("an ingestion stores a thumbnail of what it packed, and leaves one alone that shows the series", async () => {
  await using site = await bucketSite()
  const { thumbnail } = await ingestInto(site, [site.files.nth(0)], {})
  expect(thumbnail).toEqual({ outcome: "made", black: [] })
  expect((await site.check()).findings).toEqual([])
  await using cod = await site.open({ lock: false })
  expect(await cod.hasThumbnail()).toBe(true)

  site.cloud!.log.clear()
  expect((await ingestInto(site, [known(0)], {})).thumbnail).toEqual({ outcome: "kept" })
  expect(site.cloud!.log.find({ key: site.keys.tar })).toEqual([])
  expect(await site.locks()).toEqual([])
})

test("an ingestion of nothing new makes the thumbnail that is missing, or shows less than the series has", async () => {
  await using site = await bucketSite()
  expect((await ingestInto(site, [site.files.nth(0)])).thumbnail).toBeUndefined()
  expect((await ingestInto(site, [known(0)], {})).thumbnail?.outcome).toBe("made")

  await ingestInto(site, [site.files.nth(1)])
  await using stale = await site.open({ lock: false })
  expect(await stale.hasThumbnail()).toBe(false)
  expect((await ingestInto(site, [], {})).thumbnail?.outcome).toBe("made")
  await using fresh = await site.open({ lock: false })
  expect((await fresh.getThumbnailFile()).description.instances.size).toBe(2)
})

test("a thumbnail waits for its place, and the series with it", async () => {
  await using site = await bucketSite()
  const places = semaphore(1)
  const held = await places.acquire()
  let isOver = false
  const waiting = ingestInto(site, [site.files.nth(0)], { places }).finally(() => {
    isOver = true
  })
  while ((await site.locks()).length === 0);
  expect([isOver, places.held]).toEqual([false, 1])
  held[Symbol.dispose]()
  expect((await waiting).thumbnail?.outcome).toBe("made")
  expect(places.held).toBe(0)
})
