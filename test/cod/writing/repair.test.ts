import { describe, expect, test } from "bun:test"
import {
  CODObject,
  CODObjectNotFoundError,
  ErrorLogExistsError,
  type FindingKind,
  InstancesLostError,
  InvalidMetadata,
  LockAcquisitionError,
  LockVerificationError,
} from "../../../lib/cod/index.ts"
import { findLocks } from "../../../lib/cod/locking/found.ts"
import type { RepairAccess, RepairReport } from "../../../lib/cod/repair.ts"
import type { ObjectStore } from "../../../lib/storage/store.ts"
import { failureOf } from "../../contract/bodies.ts"
import { goldenCase, goldenCases } from "../../support/golden.ts"
import { sha256 } from "../golden-series.ts"
import { ended, folderWith, memberBytes, type Part, SITES, type Site } from "./site.ts"

const SEVERAL = goldenCase("several-instances")
const HASHED = goldenCase("hashed-uids")
const V1 = goldenCase("v1-metadata")
const DUPE = goldenCase("diff-hash-dupe")

/** In the order of the tar. */
const KEYS = Object.entries(SEVERAL.expected.instances)
  .toSorted(([, a], [, b]) => a.start_byte - b.start_byte)
  .map(([key]) => key)
const FIRST = KEYS[0]!
const LAST = KEYS.at(-1)!

const HEADERS = 1536
const NOTE = Buffer.from("a note")

function placeOf(key: string, { expected } = SEVERAL) {
  const { start_byte: start, size } = expected.instances[key]!
  return { start, size, end: start + size, header: start - HEADERS }
}

/** What every mended series has to be: sound, and every instance what it was. */
async function expectMended(site: Site, keys = Object.keys(site.golden.expected.instances)): Promise<void> {
  const { isSound, findings } = await site.check()
  expect(findings.filter(({ severity }) => severity === "error")).toEqual([])
  expect(isSound).toBe(true)
  await using cod = await CODObject.open({ ...site.place, store: site.store, lock: false })
  const instances = await cod.getInstances({ strictSorting: false })
  expect([...instances.keys()].toSorted()).toEqual(keys.toSorted())
  for (const key of keys) {
    await using view = await cod.openInstance(key)
    expect(sha256(await view.bytes())).toBe(site.golden.expected.instances[key]!.sha256)
  }
  const { written } = await site.repair()
  expect(written).toEqual({ tar: false, index: false, metadata: false })
}

type Expected = Partial<Omit<RepairReport, "lost" | "leftOver">> & {
  readonly lost?: string[]
  readonly leftOver?: string[]
}

interface State {
  readonly what: string
  damage(site: Site): Promise<unknown>
  readonly options?: RepairAccess
  readonly expected: Expected
  /** Those that are there afterwards (all). */
  readonly left?: string[]
  /** Notes that are gone afterwards. */
  readonly mends?: FindingKind
  also?(site: Site): Promise<void>
}

const NOTHING = { tar: false, index: false, metadata: false }
const METADATA = { ...NOTHING, metadata: true }
const ALL = { tar: true, index: true, metadata: true }
const OTHERS = KEYS.filter((key) => key !== LAST)

const STATES: readonly State[] = [
  {
    what: "tags that nobody can read",
    damage: (site) =>
      site.changeMetadata(({ cod }) => {
        Object.assign(cod.instances[FIRST]!, { metadata: "AAAA", colour: "green" })
      }),
    expected: { kept: KEYS.slice(1), remade: [FIRST], written: METADATA },
    mends: "tags-unreadable",
    async also(site) {
      const { original_path } = SEVERAL.expected.instances[FIRST]!
      const { cod } = await site.document()
      expect(cod.instances[FIRST]).toMatchObject({ colour: "green", original_path })
      await using series = await CODObject.open({ ...site.place, store: site.store, lock: false })
      const tags = await (await series.getInstance(FIRST)).metadata()
      expect(Object.keys(tags).length).toBe(SEVERAL.expected.instances[FIRST]!.metadata_tags)
    },
  },
  {
    what: "a file behind the end blocks that is no instance",
    damage: (site) =>
      site.changeTar((tar) => ended(Buffer.concat([tar, memberBytes("a.txt", NOTE, tar.length)]))),
    expected: { kept: KEYS, leftOver: ["a.txt"], written: ALL },
  },
  {
    what: "damage in the headers of a file that is no instance",
    damage: (site) =>
      site.changeTar((tar) => {
        const end = placeOf(LAST).start + padded(placeOf(LAST).size)
        const note = memberBytes("a.txt", NOTE, end).fill(0xff, 0, 600)
        return ended(Buffer.concat([tar.subarray(0, end), note]))
      }),
    expected: { kept: KEYS, leftOver: ["a.txt"], written: ALL },
    mends: "tar-unreadable",
  },
  {
    what: "an instance that is in the tar and not in the metadata: a crash between the two, or an update that was lost",
    damage: (site) =>
      site.changeMetadata(({ cod }) => {
        delete cod.instances[LAST]
      }),
    expected: { kept: OTHERS, found: [LAST], written: METADATA },
  },
  {
    what: "metadata that were emptied beside a full tar",
    damage: (site) =>
      site.changeMetadata(({ cod }) => {
        cod.instances = {}
      }),
    expected: { found: KEYS, written: METADATA },
  },
  {
    what: "missing metadata",
    damage: (site) => site.remove("metadata"),
    expected: { found: KEYS, written: METADATA, setAside: undefined },
  },
  {
    what: "metadata that are garbage",
    damage: (site) => site.put("metadata", Buffer.from("garbage")),
    expected: { found: KEYS, written: METADATA },
  },
  {
    what: "a missing index",
    damage: (site) => site.remove("index"),
    expected: { kept: KEYS, written: { ...NOTHING, index: true } },
    mends: "index-missing",
  },
  {
    what: "an index that is garbage",
    damage: (site) => site.put("index", Buffer.from("garbage")),
    expected: { kept: KEYS, written: { ...NOTHING, index: true } },
    mends: "index-stale",
  },
  {
    what: "an entry that is a block off",
    damage: (site) =>
      site.changeMetadata(({ cod }) => {
        cod.instances[FIRST]!.headers.start_byte += 512
      }),
    expected: { moved: [FIRST], written: METADATA },
  },
  {
    what: "an entry of a version that nobody knows",
    damage: (site) =>
      site.changeMetadata(({ cod }) => {
        cod.instances[FIRST]!.version = "7.0"
      }),
    expected: { kept: KEYS.slice(1), remade: [FIRST], written: METADATA },
  },
  {
    what: "an instance behind the end blocks",
    async damage(site) {
      const { header, start, size } = placeOf(LAST)
      const moved = ended(Buffer.from(await site.bytes("tar")).subarray(0, header)).length
      await site.changeTar((tar) =>
        ended(Buffer.concat([ended(tar.subarray(0, header)), tar.subarray(header, start + padded(size))])),
      )
      await site.changeMetadata(({ cod }) => {
        cod.instances[LAST]!.headers = { start_byte: moved + HEADERS, end_byte: moved + HEADERS + size }
      })
    },
    expected: { kept: KEYS, written: ALL },
    mends: "behind-end",
  },
  {
    what: "an instance behind the end blocks that the metadata do not know",
    async damage(site) {
      const { header, start, size } = placeOf(LAST)
      await site.changeTar((tar) =>
        ended(Buffer.concat([ended(tar.subarray(0, header)), tar.subarray(header, start + padded(size))])),
      )
      await site.changeMetadata(({ cod }) => {
        delete cod.instances[LAST]
      })
    },
    expected: { kept: OTHERS, found: [LAST], written: ALL },
    mends: "orphan",
  },
  {
    what: "a damaged header",
    damage: (site) =>
      site.changeTar((tar) => {
        tar.fill(0xff, placeOf(FIRST).header, placeOf(FIRST).start)
        return tar
      }),
    expected: { kept: KEYS, written: ALL },
  },
  {
    what: "garbage behind the tar's end",
    damage: (site) => site.changeTar((tar) => Buffer.concat([tar, Buffer.alloc(700, 7)])),
    expected: { kept: KEYS, written: ALL },
    mends: "trailing-bytes",
  },
  {
    what: "a tar without end blocks",
    damage: (site) =>
      site.changeTar((tar) => tar.subarray(0, placeOf(LAST).start + padded(placeOf(LAST).size))),
    expected: { kept: KEYS, written: ALL },
    mends: "no-end",
  },
  {
    what: "a tar that is truncated in its last member, when that may go",
    damage: (site) => site.changeTar((tar) => tar.subarray(0, placeOf(LAST).end - 1000)),
    options: { dropLost: true },
    expected: { kept: OTHERS, lost: [LAST], written: ALL },
    left: OTHERS,
  },
  {
    what: "a later member of the same name that the metadata do not mean",
    damage: (site) =>
      site.changeTar((tar) => {
        const end = placeOf(LAST).start + padded(placeOf(LAST).size)
        const other = tar.subarray(placeOf(LAST).start, placeOf(LAST).end)
        return ended(Buffer.concat([tar.subarray(0, end), memberBytes(nameOf(FIRST), other, end)]))
      }),
    expected: { kept: KEYS, leftOver: [nameOf(FIRST)], written: ALL },
    mends: "doubled-member",
  },
  {
    what: "a remove that ended before its metadata were written",
    damage: (site) =>
      withOldMetadata(site, async (cod) => {
        await cod.remove([FIRST])
      }),
    options: { dropLost: true },
    expected: { moved: KEYS.slice(1), lost: [FIRST], written: METADATA },
    left: KEYS.slice(1),
  },
  {
    what: "a truncate that ended before its metadata were written",
    damage: (site) =>
      withOldMetadata(site, async (cod) => {
        await cod.truncate([LAST])
      }),
    options: { dropLost: true },
    expected: { moved: [LAST], lost: OTHERS, written: METADATA },
    left: [LAST],
  },
]

for (const [where, open] of Object.entries(SITES)) {
  describe(`a repair in ${where} mends`, () => {
    test.each(STATES.map((state) => [state.what, state] as const))("%s", async (_, state) => {
      await using site = await open(SEVERAL)
      await state.damage(site)
      const before = (await site.check()).findings.map(({ kind }) => kind)
      if (state.mends !== undefined) expect(before).toContain(state.mends)
      const report = await site.repair(state.options)
      expect(outlined(report)).toMatchObject(sortedLists(state.expected))
      const after = (await site.check()).findings.map(({ kind }) => kind)
      if (state.mends !== undefined) expect(after).not.toContain(state.mends)
      await expectMended(site, state.left)
      await state.also?.(site)
    })
  })
}

describe("a repair of a sound series", () => {
  for (const golden of goldenCases()) {
    test(`writes nothing: ${golden.name}`, async () => {
      await using site = await folderWith(golden)
      for (const lock of await findLocks(site.store, site.place)) {
        await site.store.delete(lock.key, { ifGeneration: lock.generation })
      }
      const before = await site.everything()
      const generations = await generationsOf(site)
      const report = await site.repair({ overrideErrors: true })
      expect(report.written).toEqual(NOTHING)
      expect(report.kept.toSorted()).toEqual(Object.keys(golden.expected.instances).toSorted())
      expect(report).toMatchObject({ moved: [], remade: [], found: [], lost: [], setAside: undefined })
      expect(await generationsOf(site)).toEqual(generations)
      expect(await site.everything()).toEqual(before.filter((key) => !/error\.log$|\.lock$/.test(key)))
    })
  }
})

describe("a repair loses nothing:", () => {
  test("what it cannot find it does not give up, and says so, and gives its lock back", async () => {
    await using site = await folderWith(SEVERAL)
    await site.changeTar((tar) => tar.subarray(0, placeOf(LAST).end - 1000))
    const generations = await generationsOf(site)
    const error = (await failureOf(site.repair())) as InstancesLostError
    expect(error).toBeInstanceOf(InstancesLostError)
    expect(error.lost).toEqual([{ key: LAST, why: "the tar has no member of its name" }])
    expect(await generationsOf(site)).toEqual(generations)
    expect(await findLocks(site.store, site.place)).toEqual([])
  })

  test("a missing tar is not the end of its metadata", async () => {
    await using site = await folderWith(SEVERAL)
    await site.remove("tar")
    const error = (await failureOf(site.repair())) as InstancesLostError
    expect(error.lost.map(({ key }) => key).toSorted()).toEqual(KEYS.toSorted())
    expect(error.lost[0]?.why).toBe("there is no tar")
  })

  test("fields, unknown keys and paths of duplicates stay, of entries that move as of those that stay", async () => {
    await using site = await folderWith(DUPE)
    const [key] = Object.keys(DUPE.expected.instances) as [string]
    await site.changeMetadata((document) => {
      document.note = { by: "somebody" }
      Object.assign(document.cod, { later: 1 })
      Object.assign(document.cod.instances[key]!, { colour: "green" })
    })
    const before = await site.document()
    await site.changeTar((tar) => Buffer.concat([memberBytes("a.txt", Buffer.from("a"), 0), tar]))
    const report = await site.repair()
    expect(report).toMatchObject({ moved: [key], leftOver: [{ name: "a.txt" }] })
    expect(report.written).toEqual({ tar: false, index: true, metadata: true })
    const after = await site.document()
    const headers = after.cod.instances[key]!.headers
    expect(headers.start_byte).toBe(before.cod.instances[key]!.headers.start_byte + 2048)
    before.cod.instances[key]!.headers = headers
    const { tar_record, ...others } = after
    expect(others).toEqual(before)
    const { generation, size } = (await site.head("tar"))!
    expect(tar_record).toMatchObject({ uri: `${site.uri}.tar`, generation, size })
    expect(after.cod.instances[key]!.diff_hash_dupe_paths).toEqual([
      ...DUPE.expected.instances[key]!.diff_hash_dupe_paths,
    ])
  })

  test("files that are no instances stay in a tar that is written anew", async () => {
    await using site = await folderWith(SEVERAL)
    await site.changeTar((tar) => {
      const shifted = Buffer.concat([memberBytes("a.txt", Buffer.from("a note"), 0), tar])
      return Buffer.concat([shifted, Buffer.alloc(512, 1)])
    })
    const report = await site.repair()
    expect(report).toMatchObject({ written: ALL, leftOver: [{ name: "a.txt", size: 6 }] })
    expect(Buffer.from(await site.bytes("tar")).includes("a note")).toBe(true)
    await expectMended(site)
  })

  test("metadata that cannot be read are kept under another name", async () => {
    await using site = await folderWith(SEVERAL)
    await site.put("metadata", Buffer.from("garbage"))
    const { setAside } = await site.repair()
    const key = setAside!.slice(site.store.uri.length + 1)
    expect(await new Response((await site.store.read(key)).stream).text()).toBe("garbage")
    expect(key).toStartWith(site.key("folder"))
  })

  test("an entry that is given up is kept with all the others under another name", async () => {
    await using site = await folderWith(SEVERAL)
    await site.changeTar((tar) => tar.subarray(0, placeOf(LAST).end - 1000))
    const before = await site.bytes("metadata")
    const { setAside } = await site.repair({ dropLost: true })
    const { stream } = await site.store.read(setAside!.slice(site.store.uri.length + 1))
    expect(await new Response(stream).bytes()).toEqual(before)
  })

  test("what an entry that nobody understands says of its file is kept when it is of this very file", async () => {
    await using site = await folderWith(DUPE)
    const [key] = Object.keys(DUPE.expected.instances) as [string]
    await site.changeMetadata(({ cod }) => {
      Object.assign(cod.instances[key]!, { version: "7.0", dependencies: ["gs://elsewhere/a.dcm"] })
    })
    expect(await site.repair()).toMatchObject({ remade: [key], lost: [] })
    const { original_path, diff_hash_dupe_paths } = DUPE.expected.instances[key]!
    expect((await site.document()).cod.instances[key]).toMatchObject({
      version: "2.0",
      original_path,
      diff_hash_dupe_paths: [...diff_hash_dupe_paths],
      dependencies: ["gs://elsewhere/a.dcm"],
    })
  })

  test("nor does it take on what was said of other bytes", async () => {
    await using site = await folderWith(DUPE)
    const [key] = Object.keys(DUPE.expected.instances) as [string]
    await site.changeMetadata(({ cod }) => {
      Object.assign(cod.instances[key]!, { crc32c: "AAAAAA==", dependencies: ["gs://elsewhere/a.dcm"] })
    })
    const report = await site.repair({ dropLost: true })
    expect(report).toMatchObject({ found: [key], lost: [{ key }], written: METADATA })
    expect((await site.document()).cod.instances[key]).toMatchObject({
      diff_hash_dupe_paths: [...DUPE.expected.instances[key]!.diff_hash_dupe_paths],
      dependencies: [],
      original_path: `${site.uri}.tar://instances/${key}.dcm`,
    })
  })

  test("nor what an entry that nobody understands says of other bytes", async () => {
    await using site = await folderWith(DUPE)
    const [key] = Object.keys(DUPE.expected.instances) as [string]
    await site.changeMetadata(({ cod }) => {
      const said = { version: "7.0", crc32c: "AAAAAA==", dependencies: ["gs://elsewhere/a.dcm"] }
      Object.assign(cod.instances[key]!, said)
    })
    expect(await site.repair()).toMatchObject({ remade: [key] })
    expect((await site.document()).cod.instances[key]).toMatchObject({
      diff_hash_dupe_paths: [...DUPE.expected.instances[key]!.diff_hash_dupe_paths],
      dependencies: [],
      original_path: `${site.uri}.tar://instances/${key}.dcm`,
    })
  })

  test("a dry run tells it all, writes nothing and takes no lock", async () => {
    await using site = await folderWith(SEVERAL)
    await site.changeTar((tar) => tar.subarray(0, placeOf(LAST).end - 1000))
    const everything = await site.everything()
    const generations = await generationsOf(site)
    await site.put("index", await site.bytes("index"))
    const { store } = site
    const readOnly = { uri: store.uri, head: store.head, read: store.read, list: store.list }
    const report = await site.repair({ dryRun: true, store: readOnly })
    expect(report).toMatchObject({ lost: [{ key: LAST }], written: ALL })
    expect(await site.everything()).toEqual(everything)
    expect((await generationsOf(site)).tar).toEqual(generations.tar!)
    expect((await generationsOf(site)).metadata).toEqual(generations.metadata!)
  })
})

test("a series with an error log is repaired by who overrides it", async () => {
  await using site = await folderWith(SEVERAL)
  await site.remove("index")
  await site.put("errorLog", Buffer.from("in doubt"))
  expect(await failureOf(site.repair())).toBeInstanceOf(ErrorLogExistsError)
  expect(await site.head("index")).toBeUndefined()
  expect((await site.repair({ overrideErrors: true })).written.index).toBe(true)
  expect(await site.head("errorLog")).toBeUndefined()
})

test("a lock that is broken meanwhile keeps a repair from writing", async () => {
  await using site = await folderWith(SEVERAL)
  await site.remove("index")
  const store: ObjectStore = {
    ...site.store,
    async read(key, options, signal) {
      for (const lock of await findLocks(site.store, site.place)) {
        if (key.endsWith(".tar")) await site.store.delete(lock.key, { ifGeneration: lock.generation })
      }
      return await site.store.read(key, options, signal)
    },
  }
  expect(await failureOf(site.repair({ store }))).toBeInstanceOf(LockVerificationError)
  expect(await site.head("index")).toBeUndefined()
})

test("a lock of somebody else keeps a repair out, and what it holds of garbage is that garbage", async () => {
  await using site = await folderWith(SEVERAL)
  await site.put("metadata", Buffer.from("garbage"))
  const holding: ObjectStore = {
    ...site.store,
    async write(key, body, options, signal) {
      if (key.endsWith(".json")) throw new Error("killed")
      return await site.store.write(key, body, options, signal)
    },
  }
  await failureOf(site.repair({ store: holding }))
  const [lock] = await findLocks(site.store, site.place)
  expect(await new Response((await site.store.read(lock!.key)).stream).text()).toBe("garbage")
  expect(await failureOf(site.repair())).toBeInstanceOf(LockAcquisitionError)
})

describe("a repair without metadata", () => {
  test("knows a hashed series by its files", async () => {
    await using site = await folderWith(HASHED)
    await site.remove("metadata")
    const report = await site.repair()
    expect(report.found.toSorted()).toEqual(Object.keys(HASHED.expected.instances).toSorted())
    const document = await site.document()
    expect(document).toMatchObject({
      deid_study_uid: HASHED.expected.study_uid,
      deid_series_uid: HASHED.expected.series_uid,
    })
    expect(document.study_uid).toBeUndefined()
    await expectMended(site)
  })

  test("takes no file of another series, nor one under another one's name", async () => {
    await using site = await folderWith(SEVERAL)
    const other = goldenCase("multiframe-native")
    const [otherKey, entry] = Object.entries(other.expected.instances)[0]!
    const tar = other.bytes(other.keys.find((key) => key.endsWith(".tar"))!)
    const foreign = tar.subarray(entry.start_byte, entry.start_byte + entry.size)
    await site.remove("metadata")
    await site.changeTar((own) => {
      const end = placeOf(LAST).start + padded(placeOf(LAST).size)
      const twin = own.subarray(placeOf(FIRST).start, placeOf(FIRST).end)
      const added = [own.subarray(0, end), memberBytes(nameOf(otherKey), foreign, end)]
      const at = added[0]!.length + added[1]!.length
      return ended(Buffer.concat([...added, memberBytes("instances/1.2.3.dcm", twin, at)]))
    })
    const report = await site.repair()
    expect(report.found).toEqual(KEYS)
    expect(report.leftOver.map(({ name }) => name)).toEqual([nameOf(otherKey), "instances/1.2.3.dcm"])
  })

  test("takes the last of several by one name that is an instance", async () => {
    await using site = await folderWith(SEVERAL)
    await site.remove("metadata")
    const end = placeOf(LAST).start + padded(placeOf(LAST).size)
    await site.changeTar((tar) => {
      const first = memberBytes(nameOf(FIRST), tar.subarray(placeOf(FIRST).start, placeOf(FIRST).end), end)
      const none = memberBytes(nameOf(FIRST), NOTE, end + first.length)
      return ended(Buffer.concat([tar.subarray(0, end), first, none]))
    })
    const { found, leftOver, written } = await site.repair()
    expect(found.toSorted()).toEqual(KEYS.toSorted())
    expect(leftOver.map(({ start }) => start)).toEqual([
      placeOf(FIRST).start,
      end + HEADERS + padded(placeOf(FIRST).size) + HEADERS,
    ])
    expect(written).toEqual(ALL)
    await expectMended(site)
  })

  test("takes no file of another series into a hashed one either", async () => {
    await using site = await folderWith(HASHED)
    const { start, end } = placeOf(FIRST)
    const foreign = SEVERAL.bytes(SEVERAL.keys.find((key) => key.endsWith(".tar"))!).subarray(start, end)
    await site.changeTar((tar) => {
      const { start_byte, size } = Object.values(HASHED.expected.instances).toSorted(
        (a, b) => b.start_byte - a.start_byte,
      )[0]!
      const at = start_byte + padded(size)
      return ended(Buffer.concat([tar.subarray(0, at), memberBytes("instances/1.2.3.dcm", foreign, at)]))
    })
    await site.remove("metadata")
    const { found, leftOver } = await site.repair()
    expect(found.toSorted()).toEqual(Object.keys(HASHED.expected.instances).toSorted())
    expect(leftOver.map(({ name }) => name)).toEqual(["instances/1.2.3.dcm"])
  })

  test("says that nothing is there, when nothing is", async () => {
    await using site = await folderWith(SEVERAL)
    await site.remove("metadata")
    await site.remove("tar")
    expect(await failureOf(site.repair())).toBeInstanceOf(CODObjectNotFoundError)
  })

  test("does not make a series of garbage and no tar", async () => {
    await using site = await folderWith(SEVERAL)
    await site.put("metadata", Buffer.from("garbage"))
    await site.remove("tar")
    expect(await failureOf(site.repair())).toBeInstanceOf(InvalidMetadata)
    expect(Buffer.from(await site.bytes("metadata")).toString()).toBe("garbage")
  })
})

test("a series of version 1.0 stays one, for those who read nothing else", async () => {
  await using site = await folderWith(V1)
  const [key] = Object.keys(V1.expected.instances) as [string]
  await site.changeMetadata(({ cod }) => {
    delete cod.instances[key]
  })
  expect(await site.repair()).toMatchObject({ found: [key], written: METADATA })
  const { cod } = await site.document()
  expect(Object.values(cod.instances).map(({ version }) => version)).toEqual(["1.0", "1.0", "1.0"])
  await expectMended(site)
})

test("with uidHashFunc only files whose hashes fit are instances of a hashed series", async () => {
  await using site = await folderWith(HASHED)
  await site.remove("metadata")
  const error = await failureOf(site.repair({ hashedUids: true, uidHashFunc: (uid) => `not-${uid}` }))
  expect(error).toBeInstanceOf(CODObjectNotFoundError)
})

function nameOf(key: string): string {
  return `instances/${key}.dcm`
}

function padded(size: number): number {
  return Math.ceil(size / 512) * 512
}

/** Order of the lists apart. */
function outlined(report: RepairReport): object {
  const { lost, leftOver, ...others } = report
  return sortedLists({
    ...others,
    lost: lost.map(({ key }) => key),
    leftOver: leftOver.map(({ name }) => name),
  })
}

function sortedLists(report: Expected): object {
  return Object.fromEntries(
    Object.entries(report).map(([name, value]) => [name, Array.isArray(value) ? value.toSorted() : value]),
  )
}

/** The tar and the index as a change leaves them, beside the metadata that were there before. */
async function withOldMetadata(site: Site, change: (cod: CODObject) => Promise<void>): Promise<void> {
  const old = await site.bytes("metadata")
  await using cod = await CODObject.open({ ...site.place, store: site.store, lock: true })
  await change(cod)
  await cod.sync()
  await cod.release()
  await site.put("metadata", old)
}

async function generationsOf(site: Site): Promise<Record<string, string | undefined>> {
  const parts: readonly Part[] = ["tar", "index", "metadata"]
  const heads = await Promise.all(parts.map((part) => site.head(part)))
  return Object.fromEntries(parts.map((part, n) => [part, heads[n]?.generation]))
}
