import { describe, expect, test } from "bun:test"
import { inMemory } from "../../lib/cod/format/bytes.ts"
import { readMembers } from "../../lib/cod/format/tar/read.ts"
import {
  CODObjectNotFoundError,
  check,
  type FindingKind,
  HashMismatchError,
  TarMissingInstanceError,
  TarValidationError,
} from "../../lib/cod/index.ts"
import { openFileStore } from "../../lib/storage/file.ts"
import { failureOf } from "../contract/bodies.ts"
import { goldenCase, goldenCases } from "../support/golden.ts"
import { tempDir } from "../support/temp.ts"
import { type ChangedSeries, changedSeries } from "./changed-series.ts"
import { watched } from "./watched.ts"

const SEVERAL = goldenCase("several-instances")
const [KEY, OTHER] = Object.keys(SEVERAL.expected.instances) as [string, string]
const START = SEVERAL.expected.instances[KEY]!.start_byte
const SIZE = SEVERAL.expected.instances[KEY]!.size

/** What is noted of the golden series, all of which are sound. */
const NOTES: Record<string, FindingKind[]> = {
  "error-log": ["error-log"],
  "hanging-cod-lock": ["locked"],
  "hanging-gradient-lock": ["locked"],
  "implicit-rtdose": ["offset-tables-shifted"],
  "multiframe-native": ["offset-tables-shifted", "offset-tables-shifted", "offset-tables-shifted"],
  "rewritten-smaller": ["thumbnail-left-over"],
  "thumbnail-mp4": ["offset-tables-shifted"],
}

describe("a check of a golden series", () => {
  for (const { name, datastore, expected } of goldenCases()) {
    test(`finds ${name} sound`, async () => {
      const uri = `${datastore}/studies/${expected.study_uid}/series/${expected.series_uid}`
      const report = await check(uri)
      expect(report.isSound).toBe(expected.check === "ok")
      expect(report.instances).toBe(Object.keys(expected.instances).length)
      expect(report.findings.map(({ kind }) => kind)).toEqual(NOTES[name] ?? [])
    })
  }
})

const tarOf = (series: ChangedSeries, change: (tar: Buffer) => Uint8Array | undefined) =>
  series.changeTar((tar) => change(Buffer.from(tar.buffer, tar.byteOffset, tar.length)))

type Damage = (series: ChangedSeries) => Promise<unknown>

const ERRORS: readonly (readonly [what: string, kinds: FindingKind[], damage: Damage])[] = [
  [
    "one byte of an instance differs",
    ["instance-corrupt"],
    (series) =>
      tarOf(series, (tar) => {
        tar[START + 300]! ^= 1
        return tar
      }),
  ],
  [
    "the metadata names another CRC32C",
    ["instance-corrupt"],
    (series) =>
      series.changeMetadata(({ cod }) => {
        cod.instances[KEY]!.crc32c = "AAAAAA=="
      }),
  ],
  [
    "an instance has no member",
    ["member-missing", "instance-corrupt"],
    (series) =>
      series.changeMetadata(({ cod }) => {
        cod.instances[KEY]!.headers = { start_byte: START + 512, end_byte: START + 512 + SIZE }
      }),
  ],
  [
    "a member has another instance's name",
    ["member-missing"],
    (series) =>
      series.changeMetadata(({ cod }) => {
        const { [KEY]: entry, ...others } = cod.instances
        cod.instances = { ...others, "1.2.3": entry! }
      }),
  ],
  ["the tar is missing", ["tar-missing"], (series) => series.remove(series.keys.tar)],
  ["the metadata is missing", ["metadata-missing"], (series) => series.remove(series.keys.metadata)],
  [
    "the metadata is garbage",
    ["metadata-unreadable"],
    (series) => series.put(series.keys.metadata, new TextEncoder().encode("garbage")),
  ],
  [
    "the metadata is empty beside a full tar",
    ["metadata-empty"],
    (series) =>
      series.changeMetadata(({ cod }) => {
        cod.instances = {}
      }),
  ],
  [
    "an instance's DICOM JSON is damaged",
    ["tags-unreadable"],
    (series) =>
      series.changeMetadata(({ cod }) => {
        cod.instances[KEY]!.metadata = "AAAA"
      }),
  ],
  [
    "an entry has an unknown version",
    ["instance-unreadable"],
    (series) =>
      series.changeMetadata(({ cod }) => {
        cod.instances[KEY]!.version = "7.0"
      }),
  ],
]

describe("a check finds an error when", () => {
  test.each(ERRORS)("%s", async (_, kinds, damage) => {
    await using series = await changedSeries(SEVERAL)
    await damage(series)
    const report = await series.check()
    expect(report.isSound).toBe(false)
    const errors = report.findings.filter(({ severity }) => severity === "error")
    expect(errors.map(({ kind }) => kind)).toEqual(kinds)
    for (const { where, what, todo } of errors) {
      expect(where).toStartWith(series.uri)
      expect(what).not.toBe("")
      expect(todo).toEndWith(".")
    }
  })

  test("the tar is cut off", async () => {
    await using series = await changedSeries(SEVERAL)
    await tarOf(series, (tar) => tar.subarray(0, tar.length / 2))
    const { findings } = await series.check()
    const kinds = new Set(findings.filter(({ severity }) => severity === "error").map(({ kind }) => kind))
    expect([...kinds].toSorted()).toEqual(["instance-corrupt", "member-missing", "tar-unreadable"])
  })

  test("somebody exchanges the tar meanwhile", async () => {
    await using series = await changedSeries(SEVERAL)
    const store = watched(series.store, async ({ verb, range }) => {
      if (verb === "read" && range?.start === START) await series.changeTar(() => undefined)
    })
    const { findings } = await check(series.uri, { store })
    expect(findings.map(({ kind }) => kind)).toContain("changed-meanwhile")
  })

  test("somebody exchanges the tar meanwhile, and says what else it found", async () => {
    await using series = await changedSeries(SEVERAL)
    await series.remove(series.keys.index)
    await series.changeMetadata(({ cod }) => {
      cod.instances[OTHER]!.version = "7.0"
    })
    const store = watched(series.store, async ({ verb, range }) => {
      if (verb === "read" && range?.start === START) await series.changeTar(() => undefined)
    })
    const { findings } = await check(series.uri, { store })
    expect(findings.map(({ kind }) => kind)).toEqual([
      "changed-meanwhile",
      "instance-unreadable",
      "index-missing",
    ])
  })

  test("somebody writes the series between the looks, but calls no instance corrupt for that", async () => {
    await using series = await changedSeries(SEVERAL)
    const store = watched(series.store, async (call, earlier) => {
      const isTar = ({ key }: { readonly key: string }) => key === series.keys.tar
      if (!isTar(call) || earlier.some(isTar)) return
      await series.changeTar((tar) => {
        tar[START + 300]! ^= 1
        return tar
      })
      await series.changeMetadata(() => {})
    })
    const report = await check(series.uri, { store })
    expect(report.findings.map(({ kind }) => kind)).toEqual(["changed-meanwhile"])
    expect(report.isSound).toBe(false)
  })
})

const NOTED: readonly (readonly [what: string, kind: FindingKind, change: Damage])[] = [
  ["the index is missing", "index-missing", (series) => series.remove(series.keys.index)],
  [
    "the index is garbage",
    "index-stale",
    (series) => series.put(series.keys.index, new TextEncoder().encode("garbage")),
  ],
  [
    "the index is of another tar",
    "index-stale",
    (series) => {
      const other = goldenCase("multiframe-native")
      return series.put(
        series.keys.index,
        other.bytes(other.keys.find((key) => key.endsWith("index.sqlite"))!),
      )
    },
  ],
  [
    "a member belongs to no instance",
    "orphan",
    (series) =>
      series.changeMetadata(({ cod }) => {
        delete cod.instances[KEY]
      }),
  ],
  [
    "end_byte is the last byte itself",
    "end-byte",
    (series) =>
      series.changeMetadata(({ cod }) => {
        cod.instances[KEY]!.headers.end_byte -= 1
      }),
  ],
  [
    "the metadata is not compressed",
    "metadata-plain",
    async (series) =>
      series.put(
        series.keys.metadata,
        Bun.gunzipSync(new Uint8Array(await series.bytes(series.keys.metadata))),
      ),
  ],
  [
    "bytes stand behind the tar's end",
    "trailing-bytes",
    (series) => tarOf(series, (tar) => Buffer.concat([tar, Buffer.from("behind")])),
  ],
  [
    "a UID is too long",
    "uid-too-long",
    (series) =>
      series.changeMetadata(({ cod }) => {
        cod.instances[KEY]!.instance_uid = `1.${"2".repeat(63)}`
      }),
  ],
  [
    "a thumbnail is described that is not there",
    "thumbnail-stale",
    (series) =>
      series.changeMetadata((document) => {
        const keys = Object.keys(document.cod.instances)
        const instances = Object.fromEntries(keys.map((key) => [key, { frames: [] }]))
        document.thumbnail = { uri: `${series.uri}/thumbnail.jpg`, instances }
      }),
  ],
  [
    "a member stands twice",
    "doubled-member",
    (series) =>
      tarOf(series, (tar) => {
        const { start_byte, size } = SEVERAL.expected.instances[OTHER]!
        const end = start_byte + Math.ceil(size / 512) * 512
        return Buffer.concat([
          tar.subarray(0, endOfMembers()),
          tar.subarray(start_byte - 1536, end),
          Buffer.alloc(10240),
        ])
      }),
  ],
]

/** Where the end blocks stand. */
function endOfMembers(): number {
  return Math.max(
    ...Object.values(SEVERAL.expected.instances).map(
      ({ start_byte, size }) => start_byte + Math.ceil(size / 512) * 512,
    ),
  )
}

describe("a check only notes that", () => {
  test.each(NOTED)("%s", async (_, kind, change) => {
    await using series = await changedSeries(SEVERAL)
    await change(series)
    const report = await series.check()
    expect(report.findings.map((found) => found.kind)).toContain(kind)
    expect(report.isSound).toBe(true)
  })

  test("an instance stands behind the tar's end blocks", async () => {
    await using series = await changedSeries(SEVERAL)
    const last = Object.entries(SEVERAL.expected.instances).toSorted(
      ([, a], [, b]) => b.start_byte - a.start_byte,
    )[0]!
    const [key, { start_byte, size }] = last
    const entry = start_byte - 1536
    await tarOf(series, (tar) =>
      Buffer.concat([tar.subarray(0, entry), Buffer.alloc(1024), tar.subarray(entry)]),
    )
    await series.changeMetadata(({ cod }) => {
      cod.instances[key]!.headers = { start_byte: start_byte + 1024, end_byte: start_byte + 1024 + size }
    })
    const report = await series.check()
    expect(report.findings.map(({ kind }) => kind)).toEqual(["behind-end", "index-stale"])
    expect(report.isSound).toBe(true)
  })
})

test("headers of GNU tar are noted, and its members found where it put them", async () => {
  using dir = tempDir("gnu")
  await using series = await changedSeries(SEVERAL)
  await using cod = await series.open()
  await cod.extractLocally(dir.file("instances"))
  const made = Bun.spawnSync(["tar", "--format=gnu", "-cf", "series.tar", "instances"], { cwd: dir.path })
  expect(made.exitCode).toBe(0)
  const tar = await Bun.file(dir.file("series.tar")).bytes()
  await series.put(series.keys.tar, tar)
  const places = new Map<string, number>()
  for await (const { name, start } of readMembers(inMemory(tar))) places.set(name, start)
  await series.changeMetadata(({ cod }) => {
    for (const [key, { headers, size }] of Object.entries(cod.instances)) {
      headers.start_byte = places.get(`instances/${key}.dcm`)!
      headers.end_byte = headers.start_byte + size
    }
  })
  const report = await series.check()
  expect(report.findings.map(({ kind }) => kind)).toEqual(["gnu-headers", "index-stale"])
})

describe("an integrity check", () => {
  test("of a sound series gives its notes", async () => {
    const golden = goldenCase("multiframe-native")
    await using series = await changedSeries(golden)
    await using cod = await series.open()
    const told: number[][] = []
    const onProgress = (done: number, of: number) => told.push([done, of])
    expect((await cod.integrityCheck({ onProgress })).findings).toHaveLength(3)
    expect(told).toEqual([0, 1, 2, 3].map((done) => [done, 3]))
  })

  test.each([
    ["a missing tar", TarMissingInstanceError, (series: ChangedSeries) => series.remove(series.keys.tar)],
    ["wrong bytes", HashMismatchError, ERRORS[0]![2]],
    ["metadata without instances", TarValidationError, ERRORS[7]![2]],
  ] as const)("throws for %s, and does not wait for who has a lock", async (_, Failure, damage) => {
    await using series = await changedSeries(SEVERAL)
    await series.put(`${series.keys.folder}.cod.lock`, new Uint8Array(0))
    await damage(series)
    const clock = { now: () => new Date(0), delay: () => Promise.reject(new Error("it waited")) }
    await using cod = await series.open({ clock })
    expect(await failureOf(cod.integrityCheck())).toBeInstanceOf(Failure)
  })
})

test.each([
  ["at rest", "give-up", async () => {}],
  ["that is locked", "retry", (series) => series.put(`${series.keys.folder}.cod.lock`, new Uint8Array(0))],
] as const satisfies readonly (readonly [string, string, Damage])[])(
  "an error in a series %s is for %s",
  async (_, verdict, prepare) => {
    await using series = await changedSeries(SEVERAL)
    await prepare(series)
    await ERRORS[0]![2](series)
    await using cod = await series.open()
    const error = await failureOf(cod.integrityCheck())
    expect(error).toBeInstanceOf(HashMismatchError)
    expect((error as HashMismatchError).verdict).toBe(verdict)
  },
)

test("an error that who holds the lock finds is there to stay", async () => {
  await using series = await changedSeries(SEVERAL)
  await ERRORS[0]![2](series)
  using store = openFileStore(series.folder)
  await using cod = await series.open({ store, lock: true })
  const error = await failureOf(cod.integrityCheck())
  expect((error as HashMismatchError).verdict).toBe("give-up")
  await cod.release()
})

test("a change during an integrity check is worth another one", async () => {
  await using series = await changedSeries(SEVERAL)
  const store = watched(series.store, async ({ verb, range }) => {
    if (verb === "read" && range?.start === START) await series.changeTar(() => undefined)
  })
  await using cod = await series.open({ store })
  const error = await failureOf(cod.integrityCheck())
  expect(error).toBeInstanceOf(TarValidationError)
  expect((error as TarValidationError).verdict).toBe("retry")
})

test("what is not there at all cannot be checked", async () => {
  using dir = tempDir("check")
  using store = openFileStore(dir.path)
  const uri = `${store.uri}/studies/1.2.3/series/4.5.6`
  expect(await failureOf(check(uri, { store }))).toBeInstanceOf(CODObjectNotFoundError)
})

test("the headers of a tar are checked without its bytes", async () => {
  await using series = await changedSeries(SEVERAL)
  await ERRORS[0]![2](series)
  const report = await check(series.uri, { store: series.store, bytes: false })
  expect(report.isSound).toBe(true)
})
