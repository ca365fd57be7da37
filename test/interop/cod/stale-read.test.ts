import { afterAll, describe, expect, test } from "bun:test"
import {
  check,
  type FindingKind,
  InstancesLostError,
  type RepairOptions,
  repair,
} from "../../../lib/cod/index.ts"
import type { Peer } from "./peer.ts"
import { inPython, type SharedSeries, sharedSeries, type Writer } from "./shared-series.ts"
import { openSite } from "./site.ts"

const BUCKET = "stale"

const site = await openSite(BUCKET)
if (site === undefined) test.skip("what cloud-optimized-dicom 2.2.0 reads before it locks", () => {})
else {
  const { peer, store } = site
  afterAll(() => site[Symbol.asyncDispose]())

  describe("cloud-optimized-dicom 2.2.0 reads metadata, we write, then it locks and writes, on fake-gcs-server:", () => {
    test.each([1, 5])(
      "%i instances that we append are lost to both, and repaired from the tar",
      async (count) => {
        const { series, put } = await stored(`append ${count}`)
        await begin(series)
        await put(count)
        await theyFinish(series)
        const lost = newest(series, count + 1).slice(0, count)
        expect(await findings(series)).toEqual(lost.map(() => "orphan"))
        await expect(series.agree(peer)).rejects.toThrow("Different number of instances")
        expect(await mend(series)).toMatchObject({ found: lost, lost: [] })
        await series.agree(peer)
      },
    )

    test("an instance that we append is repaired from the tar that it leaves as it is", async () => {
      const { series, put } = await stored("field")
      await begin(series)
      await put(1)
      await theyFinish(series, { field: "theirs" })
      expect(await findings(series)).toContain("orphan")
      expect(await mend(series)).toMatchObject({ found: newest(series, 1), lost: [] })
      expect((await series.agree(peer)).metadata_fields).toMatchObject({ theirs: true })
    })

    test("an instance that we remove is back without its bytes, the others lie elsewhere: repaired without it", async () => {
      const { series } = await stored("remove")
      const [first, ...others] = [...series.stored.keys()]
      await begin(series)
      await series.write(({ remove }) => remove(first!))
      await theyFinish(series)
      expect(await findings(series)).toContain("member-missing")
      await expect(mend(series)).rejects.toThrow(InstancesLostError)
      const report = await mend(series, { dropLost: true })
      expect(report).toMatchObject({ moved: others, lost: [{ key: first }] })
      await series.agree(peer)
    })

    test("an instance of a series that was not there yet is overwritten, and nothing tells of it", async () => {
      const { series, put } = await stored("new", 0)
      await begin(series)
      await put(1)
      await theyFinish(series)
      expect(await findings(series)).toEqual([])
      const { instances } = await peer.ask<{ instances: object }>("read", inPython(series))
      expect(Object.keys(instances)).toEqual(newest(series, 1))
    })
  })

  const stored = async (name: string, count = 4) => {
    const series = await sharedSeries(peer, store, { bucket: BUCKET, shape: "images", name })
    const put = (more: number) => series.write(({ append }: Writer) => append(more))
    if (count > 0) await put(count)
    return { series, put }
  }
  const begin = (series: SharedSeries) => peer.ask("begin_to_acquire", inPython(series))
  /** Takes the lock now, and adds an instance or a field to what it read before. */
  const theyFinish = async (series: SharedSeries, { field }: { field?: string } = {}) => {
    expect(await peer.ask("go_on")).toBeTrue()
    const finishing: Peer = { ...peer, ask: (_, args) => peer.ask("finish", { uris: args!.uris, field }) }
    await series.theyAppend(finishing, field === undefined ? 1 : 0)
  }
  const findings = async ({ uri }: SharedSeries): Promise<FindingKind[]> => {
    return (await check(uri, { store })).findings.map(({ kind }) => kind)
  }
  const mend = ({ uri }: SharedSeries, options?: RepairOptions) => repair(uri, { ...options, store })
}

/** Keys of those that were put in last. */
function newest({ stored }: SharedSeries, count: number): string[] {
  return [...stored.keys()].slice(-count)
}
