/** Whatever is handed in, and however often: each of it is in the result once, and the series holds what it says. */
import { expect, test } from "bun:test"
import fc from "fast-check"
import type { AppendResult, CODObject, Hints, Instance } from "../../../lib/cod/index.ts"
import { crc32cBase64 } from "../../../lib/support/checksums.ts"
import { dicom, noise, SERIES, STUDY, uid } from "./files.ts"
import { folderSite, readBack, type Site } from "./sites.ts"

const hash = (uid: string) => `2.25.${Bun.hash.crc32(uid)}`

/** One of few files, so that many are alike. */
interface Source {
  readonly n: number
  readonly variant: "plain" | "retold" | "redrawn" | "foreign" | "text" | "missing" | "large" | "odd"
  readonly hints: "none" | "all" | "size" | "uid" | "crc32c" | "wrong size" | "wrong crc32c" | "wrong uid"
  readonly isHashed: boolean
  /** Whether it is the file of the one before it. */
  readonly isAgain: boolean
}

const sources: fc.Arbitrary<Source[]> = fc.array(
  fc.record({
    n: fc.integer({ min: 1, max: 4 }),
    variant: fc.oneof(
      { weight: 4, arbitrary: fc.constant("plain" as const) },
      fc.constantFrom("retold", "redrawn", "foreign", "text", "missing", "large", "odd"),
    ),
    hints: fc.oneof(
      { weight: 3, arbitrary: fc.constant("none" as const) },
      fc.constantFrom("all", "size", "uid", "crc32c", "wrong size", "wrong crc32c", "wrong uid"),
    ),
    isHashed: fc.oneof(
      { weight: 9, arbitrary: fc.constant(false) },
      { weight: 1, arbitrary: fc.constant(true) },
    ),
    isAgain: fc.oneof(
      { weight: 5, arbitrary: fc.constant(false) },
      { weight: 1, arbitrary: fc.constant(true) },
    ),
  }),
  { maxLength: 10 },
)

const cases = fc.record({
  appends: fc.array(sources, { minLength: 1, maxLength: 3 }),
  isHashed: fc.boolean(),
  treatMetadataDiffsAsSame: fc.boolean(),
  syncsBetween: fc.boolean(),
})

const MAX_INSTANCE_BYTES = 3_000

test("every instance handed in is in the result once, and what is new is stored as it was", async () => {
  await fc.assert(
    fc.asyncProperty(cases, async ({ appends, isHashed, treatMetadataDiffsAsSame, syncsBetween }) => {
      await using site = await folderSite()
      const stored = new Map<string, Uint8Array>()
      const hashed = { hashedUids: true, studyUid: hash(STUDY), seriesUid: hash(SERIES), uidHashFunc: hash }
      const options = isHashed ? hashed : {}
      await using cod = await site.open(options)
      for (const list of appends) {
        const handedIn = list.map((source, i) => instanceOf(site, source, list[i - 1], isHashed))
        const before = await describeDraft(cod)
        const limits = { treatMetadataDiffsAsSame, maxInstanceBytes: MAX_INSTANCE_BYTES }
        const result = await cod.append(
          handedIn.map(({ instance }) => instance),
          limits,
        )
        expect(listed(result, handedIn)).toEqual([...list.keys()])
        if (result.new.length + result.conflict.length === 0) expect(await describeDraft(cod)).toEqual(before)
        for (const instance of result.new) {
          const { bytes, key } = handedIn.find((one) => one.instance === instance)!
          expect(stored.has(key)).toBeFalse()
          stored.set(key, bytes)
        }
        for (const instance of result.same) {
          expect(stored.has(handedIn.find((one) => one.instance === instance)!.key)).toBeTrue()
        }
        await expectStored(cod, stored)
        if (syncsBetween) await cod.sync()
      }
      await cod.sync()
      await expectStored(cod, stored)
      await cod.release()
      if (stored.size === 0) return
      await using anew = await site.open({ ...options, lock: false })
      expect((await anew.integrityCheck()).findings).toEqual([])
      await expectStored(anew, stored)
    }),
    { numRuns: 40 },
  )
}, 60_000)

interface HandedIn {
  readonly instance: Instance
  readonly bytes: Uint8Array
  /** What it is called in the series, if it is taken in. */
  readonly key: string
}

function instanceOf(site: Site, source: Source, before: Source | undefined, isHashed: boolean): HandedIn {
  const { n, variant, hints } =
    source.isAgain && before !== undefined ? { ...before, hints: source.hints } : source
  const bytes = fileOf(n, variant)
  const hasHash = isHashed !== source.isHashed
  const instance = site.files.of(bytes, {
    hints: hintsAs(hints, n, bytes),
    ...(hasHash && { uidHashFunc: hash }),
    ...(variant === "missing" && { dicomUri: `${site.temp.path}/missing.dcm` }),
  })
  return { instance, bytes, key: isHashed ? hash(uid(n)) : uid(n) }
}

function fileOf(n: number, variant: Source["variant"]): Uint8Array {
  const instance = uid(n)
  const pixels = noise(300, n)
  switch (variant) {
    case "retold":
      return dicom({ instance, pixels, comment: "retold" })
    case "redrawn":
      return dicom({ instance, pixels: noise(300, n + 50) })
    case "foreign":
      return dicom({ instance, pixels, series: "1.2.3.4.5.6.7" })
    case "text":
      return Buffer.from("no DICOM file")
    case "large":
      return dicom({ instance, pixels: noise(MAX_INSTANCE_BYTES, n) })
    case "odd":
      return dicom({ instance, pixels: undefined, preamble: Buffer.from("MM\0*") })
    default:
      return dicom({ instance, pixels })
  }
}

function hintsAs(which: Source["hints"], n: number, bytes: Uint8Array): Hints {
  const size = bytes.length
  const crc32c = crc32cBase64(bytes)
  const instanceUid = uid(n)
  const seriesUid = SERIES
  const studyUid = STUDY
  return {
    none: {},
    all: { size, crc32c, instanceUid, seriesUid, studyUid },
    size: { size },
    uid: { instanceUid },
    crc32c: { crc32c },
    "wrong size": { size: size + 1, instanceUid, seriesUid, studyUid },
    "wrong crc32c": { size, crc32c: "AAAAAA==", instanceUid, seriesUid, studyUid },
    "wrong uid": { size, instanceUid: uid(99), seriesUid, studyUid },
  }[which]
}

/** All that an append may change. */
async function describeDraft(cod: CODObject): Promise<unknown> {
  const { instances } = await cod.getMetadata()
  return { isChanged: cod.isChanged, instances: [...instances.values()].map(({ json }) => json) }
}

/** Places in the list that was handed in. */
function listed(
  { new: added, same, conflict, errors }: AppendResult,
  handedIn: readonly HandedIn[],
): number[] {
  const all = [...added, ...same, ...conflict, ...errors.map(({ instance }) => instance)]
  return all.map((each) => handedIn.findIndex(({ instance }) => instance === each)).toSorted((a, b) => a - b)
}

async function expectStored(cod: CODObject, stored: ReadonlyMap<string, Uint8Array>): Promise<void> {
  expect([...(await cod.getMetadata()).instances.keys()].toSorted()).toEqual([...stored.keys()].toSorted())
  for (const [key, bytes] of stored) {
    expect(Buffer.from(await readBack(cod, key)).equals(Buffer.from(bytes))).toBeTrue()
  }
}
