import { describe, expect, test } from "bun:test"
import { CODObject } from "../../../lib/cod/index.ts"
import { findLocks } from "../../../lib/cod/locking/found.ts"
import type { ObjectStore } from "../../../lib/storage/store.ts"
import { failureOf } from "../../contract/bodies.ts"
import { goldenCase } from "../../support/golden.ts"
import { sha256 } from "../golden-series.ts"
import { ended, memberBytes, SITES, type Site } from "./site.ts"

const SEVERAL = goldenCase("several-instances")
const { instances } = SEVERAL.expected
const KEYS = Object.keys(instances)
const [FIRST] = KEYS as [string]

/** Needs all that a repair can do: the old metadata aside, the tar, the index, the metadata. */
async function damage(site: Site): Promise<void> {
  const last = Object.values(instances).toSorted((a, b) => b.start_byte - a.start_byte)[0]!
  const end = last.start_byte + Math.ceil(last.size / 512) * 512
  await site.changeTar((tar) => {
    const note = memberBytes("a.txt", Buffer.from("a note"), 0)
    return Buffer.concat([note, ended(tar.subarray(0, end)), Buffer.alloc(100, 1)])
  })
  await site.changeMetadata(({ cod }) => {
    cod.instances[FIRST]!.version = "7.0"
  })
}

/** A store that breaks at its `n`th write: before anything of it is done, or when all of it is. */
function breakingAt(store: ObjectStore, n: number, when: "before" | "after"): ObjectStore {
  let writes = 0
  return {
    ...store,
    async write(key, body, options, signal) {
      if (key.endsWith(".lock")) return await store.write(key, body, options, signal)
      writes += 1
      if (writes === n && when === "before") throw new Error("killed")
      const info = await store.write(key, body, options, signal)
      if (writes === n) throw new Error("killed")
      return info
    },
  }
}

async function breakLocks(site: Site): Promise<number> {
  const locks = await findLocks(site.store, site.place)
  for (const { key, generation } of locks) await site.store.delete(key, { ifGeneration: generation })
  return locks.length
}

async function expectWhole(site: Site): Promise<void> {
  expect((await site.check()).findings).toEqual([])
  await using cod = await CODObject.open({ ...site.place, store: site.store, lock: false })
  for (const key of KEYS) {
    await using view = await cod.openInstance(key)
    expect(sha256(await view.bytes())).toBe(instances[key]!.sha256)
  }
}

for (const [where, open] of Object.entries(SITES)) {
  describe(`a repair in ${where} that ends`, () => {
    const WRITES = ["the old metadata", "the tar", "the index", "the metadata"]
    const points = WRITES.flatMap((what, n) => [
      ["before", what, n + 1] as const,
      ["after", what, n + 1] as const,
    ])
    test.each(points)("%s %s was written leaves its lock, and another one ends it", async (when, _, n) => {
      await using site = await open(SEVERAL)
      await damage(site)
      const store = breakingAt(site.store, n, when)
      expect(await failureOf(site.repair({ store }))).toMatchObject({ message: "killed" })
      expect(await breakLocks(site)).toBe(2)
      await site.repair()
      await expectWhole(site)
      expect((await site.repair()).written).toEqual({ tar: false, index: false, metadata: false })
    })
  })
}

test("there are no more writes than these", async () => {
  await using site = await SITES["a folder"]!(SEVERAL)
  await damage(site)
  await site.repair({ store: breakingAt(site.store, 5, "before") })
  await expectWhole(site)
})
