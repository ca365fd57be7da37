/** Thumbnails that are made along with packing, and that never keep a series from being packed. */
import { expect, test } from "bun:test"
import { CODObject, type ThumbnailAtIngest } from "../../../lib/cod/index.ts"
import { retryThumbnails } from "../../../lib/ledger/cod/thumbnails.ts"
import { failureList } from "../../../lib/ledger/views.ts"
import { type IngestOptions, ingestStudies } from "../../../lib/pipeline/ingest/ingest.ts"
import { placeOf } from "../../../lib/pipeline/ingest/series-place.ts"
import { semaphore } from "../../../lib/support/pool.ts"
import { silentProgress } from "../../../lib/support/progress.ts"
import { type FileParts, noise, SERIES, STUDY, uid } from "../../cod/writing/files.ts"
import { NEVER, type Packed, packed } from "./packed.ts"

const A = "00000000-0000-4000-8000-00000000000a"
const B = "00000000-0000-4000-8000-00000000000b"

/** 64 x 1024 pixels of noise. */
const image = (n: number): FileParts => ({ instance: uid(n), pixels: noise(1 << 16, n) })

/** Says that it has pixels, and too many frames for any of them to have a row. */
const undecodable = (n: number): FileParts => ({ ...image(n), frames: 128 })

const text = (n: number): FileParts => ({ instance: uid(n), pixels: undefined })

const DRAWN: ThumbnailAtIngest = { places: semaphore(2) }

/** As the script does it. */
function ingest(
  site: Packed,
  options: IngestOptions = {},
  thumbnails: ThumbnailAtIngest | undefined = DRAWN,
) {
  const deps = { ...site.deps, thumbnails, progress: silentProgress }
  return ingestStudies(deps, { draw: "missing", ...options }, NEVER)
}

const withoutThumbnails = (site: Packed) => {
  const deps = { ...site.deps, progress: silentProgress }
  return ingestStudies(deps, {}, NEVER)
}

/** What the ledger says of the one series. */
const standing = (site: Packed) =>
  site.rows<{ state: string; thumbnail: string | null; error: string | null }>(
    "select state, thumbnail, thumbnail_error_class as error from cod_series",
  )[0]!

async function thumbnailOf(site: Packed) {
  const place = placeOf(site.deps, { studyUid: STUDY, seriesUid: SERIES })
  await using cod = await CODObject.open({ ...place, store: site.datastore, lock: false })
  return await cod.getThumbnailFile()
}

const openLocks = (site: Packed) => site.rows("select * from cod_locks where ended is not 'released'")

test("a packed series has a thumbnail of all its instances, stored under the same lock", async () => {
  await using site = await packed("a folder")
  await site.copied(A, [image(1)])
  const { totals } = await ingest(site)
  expect(totals).toMatchObject({ series_packed: 1, thumbnails_made: 1, thumbnails_failed: 0 })
  expect(standing(site)).toEqual({ state: "packed", thumbnail: "made", error: null })
  expect((await thumbnailOf(site)).kind).toBe("jpg")
  expect(site.rows("select * from cod_locks").length).toBe(1)

  await site.copied(B, [image(2)])
  await ingest(site)
  const both = await thumbnailOf(site)
  expect([both.kind, [...both.description.instances.keys()]]).toEqual(["mp4", [uid(1), uid(2)]])
  expect(await site.datastore.head(`studies/${STUDY}/series/${SERIES}/thumbnail.jpg`)).toBeUndefined()
})

test("what was packed without a thumbnail gets one by a later ingest, once", async () => {
  await using site = await packed("a bucket")
  await site.copied(A, [image(1)])
  expect((await withoutThumbnails(site)).totals).toMatchObject({ series_packed: 1, thumbnails_made: 0 })
  expect(standing(site).thumbnail).toBeNull()

  expect((await ingest(site, { studyIds: [B] })).totals.thumbnails_made).toBe(0)
  expect((await ingest(site)).totals).toMatchObject({ studies: 0, thumbnails_made: 1 })
  expect(standing(site)).toMatchObject({ state: "packed", thumbnail: "made" })
  expect((await thumbnailOf(site)).kind).toBe("jpg")

  const locks = site.rows("select * from cod_locks").length
  expect((await ingest(site)).totals.thumbnails_made).toBe(0)
  expect(site.rows("select * from cod_locks").length).toBe(locks)
})

test("a series that grew without its thumbnail is told apart from one that is drawn", async () => {
  await using site = await packed("a folder")
  await site.copied(A, [image(1)])
  await ingest(site)
  await site.copied(B, [image(2)])
  await withoutThumbnails(site)
  expect(standing(site).thumbnail).toBeNull()
  await ingest(site)
  expect((await thumbnailOf(site)).description.instances.size).toBe(2)
})

test("a thumbnail that cannot be made is told, and the series is packed", async () => {
  await using site = await packed("a folder")
  await site.copied(A, [undecodable(1)])
  const { totals, studies } = await ingest(site)
  expect(totals).toMatchObject({ succeeded: 1, failed: 0, series_packed: 1, thumbnails_failed: 1 })
  expect(studies[0]!.success).toBe(true)
  expect(standing(site)).toMatchObject({ state: "packed", thumbnail: "failed" })
  expect(failureList(site.deps.ledger, 10)).toEqual([
    expect.objectContaining({
      study_id: A,
      error_class: standing(site).error!,
      what_next: `the series is packed, its thumbnail is missing; mend the cause, then: bun run ingest ${A} --retry-failed`,
    }),
  ])
  expect(openLocks(site)).toEqual([])

  // Not before somebody says so.
  expect((await ingest(site)).totals.thumbnails_failed).toBe(0)
  expect((await ingest(site, { retryFailed: true, studyIds: [B] })).totals.thumbnails_failed).toBe(0)
  expect((await ingest(site, { retryFailed: true, studyIds: [A] })).totals.thumbnails_failed).toBe(1)
})

test("a failed thumbnail is made by --retry-failed once its cause is mended", async () => {
  await using site = await packed("a folder")
  await site.copied(A, [undecodable(1)])
  await ingest(site)
  await site.remove(uid(1))
  await site.append(image(2))
  expect(retryThumbnails(site.deps.ledger, [A])).toBe(1)
  const { totals } = await ingest(site)
  expect(totals.thumbnails_made).toBe(1)
  expect((await thumbnailOf(site)).description.instances.has(uid(2))).toBe(true)
})

test("a series without pixels has nothing to show, which is no failure", async () => {
  await using site = await packed("a folder")
  await site.copied(A, [text(1)])
  const { totals } = await ingest(site)
  expect(totals).toMatchObject({ series_packed: 1, thumbnails_made: 0, thumbnails_failed: 0 })
  expect(standing(site)).toEqual({ state: "packed", thumbnail: "nothing to show", error: null })
})

test("a thumbnail that somebody else's lock kept from being made is made by the next run", async () => {
  await using site = await packed("a folder")
  await site.copied(A, [image(1)])
  await withoutThumbnails(site)
  const place = placeOf(site.deps, { studyUid: STUDY, seriesUid: SERIES })
  await using other = await CODObject.open({ ...place, store: site.datastore, lock: true })
  expect((await ingest(site)).totals.thumbnails_failed).toBe(1)
  expect(standing(site)).toEqual({ state: "packed", thumbnail: "due", error: null })
  await other.release()
  // As a run does, which draws nothing that nobody asked for.
  expect((await ingest(site, { draw: "due" })).totals.thumbnails_made).toBe(1)
})

test("a run makes the thumbnails that somebody asked for again, and not those that nobody has made yet", async () => {
  await using site = await packed("a folder")
  await site.copied(A, [image(1)])
  await withoutThumbnails(site)
  expect((await ingest(site, { draw: "due" })).totals.thumbnails_made).toBe(0)
  site.deps.ledger.db.run("update cod_series set thumbnail = 'failed', thumbnail_error_class = 'Odd'")
  expect(retryThumbnails(site.deps.ledger)).toBe(1)
  expect((await ingest(site, { draw: "due" })).totals.thumbnails_made).toBe(1)
})

test("a series that turns out to be overwritten when it is drawn is packed again at once, and told", async () => {
  await using site = await packed("a folder")
  await site.copied(A, [image(1), image(2)])
  await withoutThumbnails(site)
  await site.remove(uid(2))
  site.deps.ledger.db.run("update cod_series set confirmed_at = packed_at")
  const { totals } = await ingest(site)
  expect(totals).toMatchObject({ series_lost: 1, thumbnails_made: 1 })
  expect(standing(site)).toMatchObject({ state: "packed", thumbnail: "made" })
  expect((await thumbnailOf(site)).description.instances.size).toBe(2)
})
