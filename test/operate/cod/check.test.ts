import { describe, expect, test } from "bun:test"
import { inMemory } from "../../../lib/cod/format/bytes.ts"
import { scanTar } from "../../../lib/cod/format/tar/scan.ts"
import type { FindingKind, Severity } from "../../../lib/cod/index.ts"
import { type ChangedSeries, changedSeries } from "../../cod/changed-series.ts"
import { GNU_TAR_IS_MISSING } from "../../cod/format/tar/tarfile.ts"
import { goldenCase, goldenCases } from "../../support/golden.ts"
import { tempDir } from "../../support/temp.ts"
import { type Said, verb } from "./started.ts"

interface CheckDocument {
  readonly uri: string
  readonly instances: number
  readonly bytes_read: boolean
  readonly sound: boolean
  readonly errors: number
  readonly notes: number
  readonly findings: readonly {
    readonly severity: Severity
    readonly kind: FindingKind
    readonly where: string
    readonly what: string
    readonly todo: string
  }[]
}

const SEVERAL = goldenCase("several-instances")
const BY_PLACE = Object.entries(SEVERAL.expected.instances).toSorted(
  ([, a], [, b]) => a.start_byte - b.start_byte,
)
const [[FIRST, { start_byte: START, size: SIZE }], [, { start_byte: START_2 }]] = BY_PLACE as [
  (typeof BY_PLACE)[0],
  (typeof BY_PLACE)[0],
]
/** Bytes of an entry's headers, as the Python package writes them. */
const HEADERS = 1536

const check = (uri: string, quick = false) => verb<CheckDocument>(["check", uri], { quick })

function kindsOf({ document }: Said<CheckDocument>, severity: Severity): FindingKind[] {
  return document.findings.filter((found) => found.severity === severity).map(({ kind }) => kind)
}

describe("a check of a golden series ends well:", () => {
  test.each(goldenCases().map((golden) => [golden.name, golden] as const))("%s", async (_, golden) => {
    const { study_uid, series_uid, instances } = golden.expected
    const said = await check(`${golden.datastore}/studies/${study_uid}/series/${series_uid}`)
    expect(said.exitCode).toBe(0)
    expect(said.document).toMatchObject({ sound: true, errors: 0, instances: Object.keys(instances).length })
    expect(said.document.notes).toBe(said.document.findings.length)
    expect(said.text).toContain(": sound")
  })
})

type Change = (series: ChangedSeries) => Promise<unknown>

const changeTar = (change: (tar: Buffer) => Uint8Array) => (series: ChangedSeries) =>
  series.changeTar((tar) => change(Buffer.from(tar)))

const changeByteAt = (at: number) =>
  changeTar((tar) => {
    tar[at]! ^= 1
    return tar
  })

const ERRORS: readonly (readonly [what: string, kinds: readonly FindingKind[], damage: Change])[] = [
  [
    "the tar is cut off within its last instance",
    ["tar-unreadable", "member-missing", "instance-corrupt"],
    changeTar((tar) => tar.subarray(0, BY_PLACE.at(-1)![1].start_byte + 100)),
  ],
  ["a byte of an instance differs", ["instance-corrupt"], changeByteAt(START + 700)],
  ["a byte of a tar header differs", ["tar-unreadable", "member-missing"], changeByteAt(START_2 - 512 + 10)],
  [
    "a member was dropped from the tar",
    ["member-missing", "instance-corrupt"],
    changeTar((tar) => Buffer.concat([tar.subarray(0, START - HEADERS), tar.subarray(START_2 - HEADERS)])),
  ],
  [
    "the metadata means another CRC32C",
    ["instance-corrupt"],
    (series) =>
      series.changeMetadata(({ cod }) => {
        cod.instances[FIRST]!.crc32c = "AAAAAA=="
      }),
  ],
  [
    "the metadata means another place",
    ["member-missing", "instance-corrupt"],
    (series) =>
      series.changeMetadata(({ cod }) => {
        cod.instances[FIRST]!.headers = { start_byte: START + 1, end_byte: START + 1 + SIZE }
      }),
  ],
  ["the tar is missing", ["tar-missing"], (series) => series.remove(series.keys.tar)],
  [
    "the tar is no tar",
    ["tar-unreadable", "member-missing", "instance-corrupt"],
    changeTar(() => Buffer.alloc(9000, 7)),
  ],
  ["the metadata is missing", ["metadata-missing"], (series) => series.remove(series.keys.metadata)],
  [
    "the metadata is no JSON",
    ["metadata-unreadable"],
    (series) => series.put(series.keys.metadata, Bun.gzipSync("{")),
  ],
  [
    "the metadata is half of its gzip",
    ["metadata-unreadable"],
    async (series) =>
      series.put(series.keys.metadata, (await series.bytes(series.keys.metadata)).subarray(0, 500)),
  ],
  [
    "the metadata has no instances beside a full tar",
    ["metadata-empty"],
    (series) =>
      series.changeMetadata(({ cod }) => {
        cod.instances = {}
      }),
  ],
  [
    "an entry of the metadata is of an unknown version",
    ["instance-unreadable"],
    (series) =>
      series.changeMetadata(({ cod }) => {
        cod.instances[FIRST]!.version = "7.0"
      }),
  ],
]

describe("a check ends with exit code 1 when", () => {
  test.each(ERRORS)("%s", async (_, kinds, damage) => {
    await using series = await changedSeries(SEVERAL)
    await damage(series)
    const said = await check(series.uri)
    expect(said.exitCode).toBe(1)
    expect(said.document.sound).toBe(false)
    expect(new Set(kindsOf(said, "error"))).toEqual(new Set(kinds))
    expect(said.document.errors).toBe(kindsOf(said, "error").length)
    for (const { kind, what, todo } of said.document.findings) {
      expect(said.text).toContain(what)
      expect(said.text).toContain(`${kind}: ${todo}`)
    }
  })

  test.skipIf(GNU_TAR_IS_MISSING)(
    "GNU tar wrote the tar anew, and the metadata still has the old places",
    async () => {
      await using series = await changedSeries(SEVERAL)
      await rewriteByGnuTar(series)
      expect((await check(series.uri)).exitCode).toBe(1)
    },
  )
})

const NOTES: readonly (readonly [what: string, kinds: readonly FindingKind[], change: Change])[] = [
  [
    "somebody has a lock",
    ["locked"],
    (series) => series.put(`${series.keys.folder}.gradient.lock`, new Uint8Array(1)),
  ],
  [
    "there is a lock by its other name",
    ["locked"],
    (series) => series.put(`${series.keys.folder}.cod.lock`, new Uint8Array(1)),
  ],
  [
    "there is an error log",
    ["error-log"],
    (series) => series.put(`${series.keys.folder}error.log`, Buffer.from("why")),
  ],
  [
    "there is a thumbnail that nothing names",
    ["thumbnail-left-over"],
    (series) => series.put(`${series.keys.folder}thumbnail.jpg`, Buffer.from("jpg")),
  ],
  ["the index is missing", ["index-missing"], (series) => series.remove(series.keys.index)],
  ["the index is no index", ["index-stale"], (series) => series.put(series.keys.index, Buffer.from("none"))],
  [
    "a member of the tar belongs to no instance",
    ["orphan"],
    (series) =>
      series.changeMetadata(({ cod }) => {
        delete cod.instances[FIRST]
      }),
  ],
  [
    "bytes stand behind the tar's end",
    ["trailing-bytes", "index-stale"],
    changeTar((tar) => Buffer.concat([tar, Buffer.from("x")])),
  ],
  [
    "the tar has no end blocks",
    ["no-end", "index-stale"],
    changeTar((tar) => tar.subarray(0, endOfMembers())),
  ],
  [
    "a member stands twice, and the metadata means one of them",
    ["doubled-member", "index-stale"],
    changeTar((tar) =>
      Buffer.concat([
        tar.subarray(0, endOfMembers()),
        tar.subarray(START - HEADERS, START_2 - HEADERS),
        Buffer.alloc(10240),
      ]),
    ),
  ],
  [
    "end_byte is the last byte of the instance",
    ["end-byte"],
    (series) =>
      series.changeMetadata(({ cod }) => {
        cod.instances[FIRST]!.headers.end_byte -= 1
      }),
  ],
  [
    "the metadata is plain JSON",
    ["metadata-plain"],
    async (series) =>
      series.put(series.keys.metadata, Bun.gunzipSync(await copyOf(series, series.keys.metadata))),
  ],
  [
    "the metadata has NaN and infinities",
    [],
    async (series) => {
      const text = Buffer.from(Bun.gunzipSync(await copyOf(series, series.keys.metadata))).toString()
      await series.put(
        series.keys.metadata,
        Bun.gzipSync(text.replace("{", '{"other": [NaN, Infinity, -Infinity], ')),
      )
    },
  ],
]

describe("a check ends with exit code 0 and a note when", () => {
  test.each(NOTES)("%s", async (_, kinds, change) => {
    await using series = await changedSeries(SEVERAL)
    await change(series)
    const said = await check(series.uri)
    expect(said.exitCode).toBe(0)
    expect(kindsOf(said, "error")).toEqual([])
    expect(new Set(kindsOf(said, "note"))).toEqual(new Set(kinds))
  })

  test("an instance stands behind the end blocks, and is sound", async () => {
    await using series = await changedSeries(SEVERAL)
    const [key, { start_byte, size }] = BY_PLACE.at(-1)!
    const entry = start_byte - HEADERS
    await changeTar((tar) =>
      Buffer.concat([tar.subarray(0, entry), Buffer.alloc(1024), tar.subarray(entry)]),
    )(series)
    await series.changeMetadata(({ cod }) => {
      cod.instances[key]!.headers = { start_byte: start_byte + 1024, end_byte: start_byte + 1024 + size }
    })
    const said = await check(series.uri)
    expect(said.exitCode).toBe(0)
    expect(kindsOf(said, "note")).toContain("behind-end")
  })

  test.skipIf(GNU_TAR_IS_MISSING)("GNU tar wrote the tar, and the metadata has its places", async () => {
    await using series = await changedSeries(SEVERAL)
    const places = await rewriteByGnuTar(series)
    await series.changeMetadata(({ cod }) => {
      for (const [key, entry] of Object.entries(cod.instances)) {
        const start = places.get(`instances/${key}.dcm`)!
        entry.headers = { start_byte: start, end_byte: start + entry.size }
      }
    })
    const said = await check(series.uri)
    expect(said.exitCode).toBe(0)
    expect(new Set(kindsOf(said, "note"))).toEqual(new Set(["gnu-headers", "index-stale"] as const))
  })
})

describe("a check", () => {
  test("of headers alone reads no instance, and does not see a byte that differs", async () => {
    await using series = await changedSeries(SEVERAL)
    await changeByteAt(START + 700)(series)
    const said = await check(series.uri, true)
    expect(said).toMatchObject({ exitCode: 0, document: { bytes_read: false }, progress: ["end"] })
    expect(said.text).toContain("only headers compared")
  })

  test("tells how far it is", async () => {
    const { study_uid, series_uid } = SEVERAL.expected
    const { progress } = await check(`${SEVERAL.datastore}/studies/${study_uid}/series/${series_uid}`)
    expect(progress).toEqual(["5 instances", "+1", "+1", "+1", "+1", "+1", "end"])
  })

  test("names no more than twenty findings to people, and all of them in its document", async () => {
    await using series = await changedSeries(SEVERAL)
    await series.changeMetadata(({ cod }) => {
      const entry = { ...cod.instances[FIRST]!, version: "7.0" }
      cod.instances = Object.fromEntries(Array.from({ length: 25 }, (_, n) => [`1.${n}`, entry]))
    })
    const { document, text } = await check(series.uri)
    expect(document.errors).toBe(25)
    expect(text.match(/^instance-unreadable /gm)).toHaveLength(20)
    expect(text).toContain("and 5 more; --json has them all")
    expect(text.match(/^instance-unreadable: /gm)).toHaveLength(1)
  })
})

/** Where the end blocks stand. */
function endOfMembers(): number {
  const { start_byte, size } = BY_PLACE.at(-1)![1]
  return start_byte + Math.ceil(size / 512) * 512
}

async function copyOf(series: ChangedSeries, key: string): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await series.bytes(key))
}

/** @returns where each member begins now */
async function rewriteByGnuTar(series: ChangedSeries): Promise<Map<string, number>> {
  using dir = tempDir("gnu")
  await Bun.write(dir.file("old.tar"), await copyOf(series, series.keys.tar))
  for (const args of [
    ["-xf", "old.tar"],
    ["--format=gnu", "-cf", "new.tar", "instances"],
  ]) {
    const { success, stderr } = Bun.spawnSync(["tar", "-C", dir.path, ...args], { cwd: dir.path })
    if (!success) throw new Error(stderr.toString())
  }
  const tar = await Bun.file(dir.file("new.tar")).bytes()
  await series.put(series.keys.tar, tar)
  const { members } = await scanTar(inMemory(tar))
  return new Map(members.map(({ name, start }) => [name, start]))
}
