import { expect, test } from "bun:test"
import fc from "fast-check"
import { CODObject } from "../../../lib/cod/index.ts"
import { goldenCase } from "../../support/golden.ts"
import { sha256 } from "../golden-series.ts"
import { folderWith, type Site } from "./site.ts"

const GOLDEN = goldenCase("multiframe-native")
const { instances } = GOLDEN.expected
const KEYS = Object.keys(instances)
const TAR_SIZE = Object.values(GOLDEN.expected.objects).find(
  ({ content_type }) => content_type === "application/x-tar",
)!.size
const HEADERS = 1536

interface Damage {
  /** Bytes that the tar has left. */
  readonly left: number
  /** Positions of bytes that are other ones. */
  readonly flipped: readonly number[]
  /** Instances that the metadata lack, and those that they have at a wrong place. */
  readonly forgotten: readonly string[]
  readonly misplaced: readonly string[]
  readonly index: "kept" | "removed" | "garbage"
}

const within = fc.integer({ min: 0, max: TAR_SIZE - 1 })
/** Headers are few bytes of all, and the most delicate ones. */
const inHeaders = fc
  .tuple(fc.constantFrom(...KEYS), fc.integer({ min: 1, max: HEADERS }))
  .map(([key, back]) => instances[key]!.start_byte - back)

const damages: fc.Arbitrary<Damage> = fc.record({
  left: fc.oneof(fc.constant(TAR_SIZE), within),
  flipped: fc.array(fc.oneof(within, inHeaders), { maxLength: 3 }),
  forgotten: fc.subarray(KEYS),
  misplaced: fc.subarray(KEYS),
  index: fc.constantFrom("kept", "removed", "garbage"),
})

test("whatever is cut off, flipped or forgotten, the series is sound afterwards, and what was whole is there", async () => {
  await fc.assert(
    fc.asyncProperty(damages, async (damage) => {
      await using site = await folderWith(GOLDEN)
      await inflict(site, damage)
      const { kept, moved, remade, found } = await site.repair({ dropLost: true })
      const { findings } = await site.check()
      const errors = findings.filter(({ severity }) => severity === "error").map(({ kind }) => kind)
      // Where no file can be read any more the tar still holds its members: a person has to say that they may go.
      const isEmpty = [kept, moved, remade, found].every(({ length }) => length === 0)
      expect(errors.filter((kind) => !(isEmpty && kind === "metadata-empty"))).toEqual([])
      await using cod = await CODObject.open({ ...site.place, store: site.store, lock: false })
      for (const key of wholeIn(damage)) {
        await using view = await cod.openInstance(key)
        expect(sha256(await view.bytes())).toBe(instances[key]!.sha256)
      }
      expect((await site.repair()).written).toEqual({ tar: false, index: false, metadata: false })
    }),
    {
      numRuns: 40,
      examples: [[{ left: 4772, flipped: [1664], forgotten: [], misplaced: [], index: "kept" }]],
    },
  )
}, 120_000)

async function inflict(site: Site, { left, flipped, forgotten, misplaced, index }: Damage): Promise<void> {
  await site.changeTar((tar) => {
    for (const position of flipped) tar[position]! ^= 0x55
    return tar.subarray(0, left)
  })
  await site.changeMetadata(({ cod }) => {
    for (const key of misplaced) cod.instances[key]!.headers.start_byte += 512
    for (const key of forgotten) delete cod.instances[key]
  })
  if (index !== "kept") await site.remove("index")
  if (index === "garbage") await site.put("index", Buffer.from("garbage"))
}

/** Whose bytes are all there, and can be found: the metadata say where, or the headers in front of them. */
function wholeIn({ left, flipped, forgotten, misplaced }: Damage): string[] {
  return KEYS.filter((key) => {
    const { start_byte: start, size } = instances[key]!
    const isHit = (from: number, to: number) => flipped.some((at) => from <= at && at < to)
    const needsHeaders = forgotten.includes(key) || misplaced.includes(key)
    return start + size <= left && !isHit(needsHeaders ? start - HEADERS : start, start + size)
  })
}
