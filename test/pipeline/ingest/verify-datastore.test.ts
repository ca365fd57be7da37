import { describe, expect, test } from "bun:test"
import { claimSeries, releaseSeries } from "../../../lib/ledger/cod/claims.ts"
import { deleteCopies } from "../../../lib/pipeline/ingest/delete-copies.ts"
import { type VerifyOptions, type VerifyReport, verify } from "../../../lib/pipeline/verify/verify.ts"
import { silentProgress } from "../../../lib/support/progress.ts"
import { SERIES, STUDY, uid } from "../../cod/writing/files.ts"
import { newRun } from "../../support/ledger.ts"
import { NEVER, type Packed, type PLACES, packed } from "./packed.ts"

const SECOND = "1.2.826.0.1.3680043.8.498.21"
// Between a series' tar and its folder in the order of keys.
const BETWEEN = `${SERIES}.1`
const instance = (n: number) => ({ instance: uid(n) })
const URI = (site: Packed, series = SERIES) => `${site.datastore.uri}/studies/${STUDY}/series/${series}`
const KEY = `studies/${STUDY}/series/${SERIES}`

function verifySite(site: Packed, options: VerifyOptions = {}): Promise<VerifyReport> {
  const { ledger, runId, destination, datastore, uidHashFunc } = site.deps
  const deps = {
    ledger,
    destination,
    packed: { datastore, uidHashFunc },
    runId: options.dryRun === true ? undefined : runId,
    progress: silentProgress,
  }
  return verify(deps, options, NEVER)
}

async function remove({ datastore }: Packed, key: string) {
  await datastore.delete(key, { ifGeneration: (await datastore.head(key))!.generation })
}

const generations = (site: Packed) =>
  site.rows<{ tar: string; metadata: string }>(
    "select tar_generation as tar, metadata_generation as metadata from cod_series order by series_no",
  )

const queued = (site: Packed) =>
  site.rows<{ n: number }>("select count(*) as n from objects where to_pack = 1")[0]!.n

for (const kind of ["a folder", "a bucket"] as const satisfies readonly (keyof typeof PLACES)[])
  describe(`in ${kind}, verify`, () => {
    test("finds all series as they were packed, whatever their names, and its own copies deleted", async () => {
      await using site = await packed(kind, { uidHashKey: "a long random text" })
      await site.copied("a", [
        instance(1),
        { ...instance(2), series: SECOND },
        { ...instance(3), series: BETWEEN },
      ])
      await site.pack()
      expect(await verifySite(site)).toMatchObject({ series: 3, problems: [], queued: 0 })
      await deleteCopies(site.deps, {}, NEVER)
      expect(await verifySite(site, { read: true })).toMatchObject({ series: 3, objects: 4, problems: [] })
    })

    test("takes what somebody else appended for well, and remembers it", async () => {
      await using site = await packed(kind)
      await site.copied("a", [instance(1)])
      await site.pack()
      const before = generations(site)
      await site.append(instance(9))
      expect(await verifySite(site, { dryRun: true })).toMatchObject({ problems: [] })
      expect(generations(site)).toEqual(before)
      expect(await verifySite(site, { repair: true })).toMatchObject({ problems: [], queued: 0 })
      const [now] = generations(site)
      expect(now).toEqual({
        tar: (await site.datastore.head(`${KEY}.tar`))!.generation,
        metadata: (await site.datastore.head(`${KEY}/metadata.json`))!.generation,
      })
      expect(now).not.toEqual(before[0]!)
    })

    test("tells images that somebody took out, and queues the series", async () => {
      await using site = await packed(kind)
      await site.copied("a", [instance(1), instance(2)])
      await site.copied("b", [{ ...instance(3), series: SECOND }])
      await site.pack()
      await site.remove(uid(2))
      const { problems } = await verifySite(site)
      expect(problems).toEqual([
        {
          study_id: "a",
          key: `${URI(site)}.tar://instances/${uid(2)}.dcm`,
          problem: "series_changed",
          expected: expect.any(String),
          found: null,
        },
      ])
      expect(queued(site)).toBe(0)
      expect(await verifySite(site, { repair: true, dryRun: true })).toMatchObject({ queued: 1 })
      expect(queued(site)).toBe(0)
      expect(await verifySite(site, { repair: true })).toMatchObject({ queued: 1 })
      expect(site.rows("select distinct study_id from objects where to_pack = 1")).toEqual([
        { study_id: "a" },
      ])
      await site.pack()
      expect(await verifySite(site)).toMatchObject({ series: 2, problems: [] })
    })

    test("tells a series that is gone, by its tar as by its metadata", async () => {
      await using site = await packed(kind)
      await site.copied("a", [instance(1), { ...instance(2), series: SECOND }])
      await site.pack()
      await remove(site, `${KEY}/metadata.json`)
      await remove(site, `studies/${STUDY}/series/${SECOND}.tar`)
      const found = (await verifySite(site, { studyIds: ["a"] })).problems
      expect(found.map(({ problem, key }) => [problem, key]).sort()).toEqual([
        ["series_missing", `${URI(site)}/metadata.json`],
        ["series_missing", `${URI(site, SECOND)}.tar`],
      ])
      expect((await verifySite(site)).problems).toHaveLength(2)
      expect((await verifySite(site, { sample: 100 })).problems).toHaveLength(2)
      expect((await verifySite(site, { studyIds: ["a"] })).series).toBe(2)
    })
  })

test("An image that is gone from its series, and was the last copy of it, is copied again", async () => {
  await using site = await packed("a folder")
  await site.copied("a", [instance(1), instance(2)])
  await site.pack()
  await deleteCopies(site.deps, {}, NEVER)
  await site.remove(uid(1))
  expect(await verifySite(site, { repair: true })).toMatchObject({ queued: 1 })
  expect(
    site.rows("select state, copy_deleted_at is null as fetched, to_pack from objects where kind = 'dicom'"),
  ).toEqual([
    { state: "pending", fetched: 1, to_pack: 0 },
    { state: "copied", fetched: 0, to_pack: 1 },
  ])
  expect(site.rows("select due from studies")).toEqual([{ due: 1 }])
})

test("A tar that is not the one of the metadata is looked into", async () => {
  await using site = await packed("a folder")
  await site.copied("a", [instance(1)])
  await site.pack()
  const tar = `${KEY}.tar`
  const { generation, size } = (await site.datastore.head(tar))!
  const options = { ifGeneration: generation, contentType: "application/x-tar" }
  await site.datastore.write(tar, new Uint8Array(size), options)
  expect((await verifySite(site)).problems).toMatchObject([
    { problem: "series_changed", key: `${URI(site)}.tar` },
  ])
})

test("Bytes that rot in a tar are found by reading, where the raw copy was deleted", async () => {
  await using site = await packed("a folder")
  await site.copied("a", [instance(1)])
  await site.pack()
  await deleteCopies(site.deps, {}, NEVER)
  const tar = `${KEY}.tar`
  const { generation } = (await site.datastore.head(tar))!
  const { stream } = await site.datastore.read(tar)
  const bytes = await new Response(stream).bytes()
  bytes[1536 + 200]! ^= 1
  const options = { ifGeneration: generation, contentType: "application/x-tar" }
  await site.datastore.write(tar, bytes, options)
  expect((await verifySite(site, { read: true })).problems).toContainEqual(
    expect.objectContaining({ problem: "bytes", key: site.keyOf("a", 1) }),
  )
})

test("A series that another run packs just now is left out", async () => {
  await using site = await packed("a folder")
  await site.copied("a", [instance(1)])
  await site.pack()
  await remove(site, `${KEY}.tar`)
  const claim = claimSeries(site.ledger, newRun(site.ledger), 1)!
  expect(await verifySite(site)).toMatchObject({ busy: 1, problems: [] })
  releaseSeries(site.ledger, claim)
  expect(await verifySite(site)).toMatchObject({ busy: 0, problems: [{ problem: "series_missing" }] })
})
