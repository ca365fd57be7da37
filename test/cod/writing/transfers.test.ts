/** What a change of a series moves over the network, and holds in memory and on the disk. */
import { describe, expect, test } from "bun:test"
import { startChild } from "../../support/children.ts"
import { nth, uid } from "./files.ts"
import { bucketSite, readBack } from "./sites.ts"

const MEGABYTE = 2 ** 20

describe("over the network", () => {
  test("a small append to a large series takes the old tar out once and in once, and little else", async () => {
    await using site = await bucketSite()
    await site.change((cod) => cod.append([1, 2, 3].map((n) => site.files.nth(n, 6 * MEGABYTE))))
    const before = (await site.store.head(site.keys.tar))!.size
    site.cloud!.log.clear()
    await site.change((cod) => cod.append([site.files.nth(4)]))
    const after = (await site.store.head(site.keys.tar))!.size
    const { bytesIn, bytesOut } = site.cloud!.log.counters
    // The index is 50 kB, and everything else is headers.
    expect(bytesOut).toBeWithin(before - 20_480, before + 200_000)
    expect(bytesIn).toBeWithin(after, after + 200_000)
    expect((await site.check()).findings).toEqual([])
  })

  test("a removal reads what stays once, many small instances at a time", async () => {
    await using site = await bucketSite()
    const all = Array.from({ length: 80 }, (_, n) => n)
    await site.change((cod) => cod.append(all.map((n) => site.files.nth(n, 20_000))))
    const before = (await site.store.head(site.keys.tar))!.size
    site.cloud!.log.clear()
    await site.change((cod) => cod.remove([uid(3), uid(50)]))
    const reads = site.cloud!.log.find({ key: site.keys.tar, verb: "GET" })
    expect(reads.length).toBeLessThan(8)
    expect(reads.reduce((sum, { bytesOut }) => sum + bytesOut, 0)).toBeLessThan(before + 20_000)
    expect((await site.check()).findings).toEqual([])
    await using cod = await site.open({ lock: false })
    for (const n of [0, 4, 49, 51, 79])
      expect(await readBack(cod, uid(n))).toEqual(new Uint8Array(nth(n, 20_000)))
  })

  test("a series is opened, appended to, synced and given back by few requests", async () => {
    await using site = await bucketSite()
    await site.change((cod) => cod.append([site.files.nth(1)]))
    site.cloud!.log.clear()
    await site.change((cod) => cod.append([site.files.nth(2), site.files.nth(3)]))
    const { requests } = site.cloud!.log.counters
    expect(requests).toBeLessThanOrEqual(24)
  })
})

describe("in memory and on the disk", () => {
  test("a series of a gigabyte is appended to and truncated within little room", async () => {
    await using child = await startChild(["test/cod/writing/large-series.ts"], "began")
    await child.go()
    const { grownBy, onDisk, written } = JSON.parse(await child.output()) as Record<string, number>
    expect(written).toBeGreaterThan(1.4 * 2 ** 30)
    expect(grownBy).toBeLessThan(120 * MEGABYTE)
    expect(onDisk).toBeLessThan(3 * MEGABYTE + 4_096)
  }, 60_000)
})
