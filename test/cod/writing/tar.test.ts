/** The tar is the one that Python's tarfile would have written, and what others wrote into it stays. */
import { describe, expect, test } from "bun:test"
import { inMemory } from "../../../lib/cod/format/bytes.ts"
import { memberName } from "../../../lib/cod/format/layout.ts"
import { scanTar } from "../../../lib/cod/format/tar/scan.ts"
import { type Clock, systemClock } from "../../../lib/support/clock.ts"
import { PYTHON_IS_MISSING } from "../format/tar/tarfile.ts"
import { dicom, noise, nth, uid } from "./files.ts"
import { folderSite, readBack, SITES, type Site } from "./sites.ts"

/** Appends files to a tar as the Python package does: an empty one first, then in mode "a". */
const PYTHON = `
import io, json, sys, tarfile
path, appends = sys.argv[1], json.load(sys.stdin)
tarfile.open(path, "w").close()
for mtime, files in appends:
    with tarfile.open(path, "a") as archive:
        for name, source in files:
            with open(source, "rb") as file:
                info = tarfile.TarInfo("instances/" + name + ".dcm")
                data = file.read()
                info.size, info.mtime, info.mode = len(data), float(mtime), 0o644
                info.uname = info.gname = "root"
                archive.addfile(info, io.BytesIO(data))
`

const at = (ms: number): Clock => ({ ...systemClock, now: () => new Date(ms) })

test.skipIf(PYTHON_IS_MISSING)("a tar is byte for byte the one that tarfile writes", async () => {
  await using site = await folderSite()
  const times = [1_700_000_000_123, 1_700_000_001_000, 1_700_000_002_500, 1_700_000_003_999]
  // A size that fills its blocks, one that does not, one across several records, none at all beside.
  const sizes = [[300, 310], [512 - 344 + 8], [30_000, 1], []]
  let n = 0
  const appends: [number, [string, string][]][] = []
  for (const [i, time] of times.entries()) {
    const instances = sizes[i]!.map((size) => ({ key: uid(n), instance: site.files.nth(n++, size) }))
    await site.change((cod) => cod.append(instances.map(({ instance }) => instance)), { clock: at(time) })
    appends.push([time / 1000, instances.map(({ key, instance }) => [key, instance.originalPath])])
  }
  const path = site.temp.file("python.tar")
  const { success, stderr } = Bun.spawnSync(["python3", "-c", PYTHON, path], {
    stdin: Buffer.from(JSON.stringify(appends)),
  })
  expect(stderr.toString()).toBe("")
  expect(success).toBeTrue()
  expect(Buffer.compare(await site.bytes(site.keys.tar), await Bun.file(path).bytes())).toBe(0)
})

/** A series of three, then its tar or something beside it as somebody else left it. */
async function left(site: Site, how: (site: Site, tar: Uint8Array) => unknown): Promise<void> {
  await site.change((cod) => cod.append([1, 2, 3].map((n) => site.files.nth(n))))
  await how(site, await site.bytes(site.keys.tar))
}

const END = 3 * (1536 + 1024)

/** An entry of a tar: an instance that no metadata knows. */
async function entry(n: number, format: "pax" | "gnu"): Promise<Uint8Array> {
  const tar = await entryWith(nth(n))
  // Without the pax header: what is left is a plain one.
  return format === "pax" ? tar : tar.subarray(1024)
}

/** An entry of a tar that holds this file. */
async function entryWith(file: Uint8Array): Promise<Uint8Array> {
  await using site = await folderSite()
  await site.change((cod) => cod.append([site.files.of(file)]))
  return (await site.bytes(site.keys.tar)).subarray(0, 1536 + Math.ceil(file.length / 512) * 512)
}

async function withoutRecord(site: Site): Promise<void> {
  const { tar_record, ...document } = await site.document()
  await site.put(site.keys.metadata, Bun.gzipSync(JSON.stringify(document)))
}

/** How others leave a series that can be appended to. */
const STATES: Readonly<Record<string, (site: Site, tar: Uint8Array) => unknown>> = {
  "as it was": () => {},
  "written by somebody who keeps no record": withoutRecord,
  "without an index": async ({ store, keys }) => {
    const { generation } = (await store.head(keys.index))!
    await store.delete(keys.index, { ifGeneration: generation })
  },
  "with an index that is none": (site) => site.put(site.keys.index, Buffer.from("nothing of the kind")),
  "with an index of an earlier tar": async (site) => {
    const older = await site.bytes(site.keys.index)
    await site.change((cod) => cod.append([site.files.nth(9)]))
    await site.put(site.keys.index, older)
    await site.put(site.keys.metadata, await withoutInstance(site, uid(9)))
  },
  "with an index of an earlier tar of the same size": async (site, tar) => {
    const older = await site.bytes(site.keys.index)
    await site.change((cod) => cod.remove([uid(2)]))
    expect((await site.bytes(site.keys.tar)).length).toBe(tar.length)
    await site.put(site.keys.index, older)
  },
  "without end blocks": (site, tar) => site.put(site.keys.tar, tar.slice(0, END)),
  "with more zeros than anybody pads with": (site, tar) =>
    site.put(site.keys.tar, Buffer.concat([tar, Buffer.alloc(2 << 20)])),
  "with something behind its end": (site, tar) =>
    site.put(site.keys.tar, Buffer.concat([tar, Buffer.from("text")])),
  "with a member that no metadata knows": async (site, tar) =>
    await site.put(
      site.keys.tar,
      Buffer.concat([tar.slice(0, END), await entry(8, "pax"), Buffer.alloc(1024)]),
    ),
  "with plain headers": async (site, tar) =>
    await site.put(
      site.keys.tar,
      Buffer.concat([tar.slice(0, END), await entry(8, "gnu"), Buffer.alloc(1024)]),
    ),
  "with two members of one name, of which its metadata mean the first": async (site, tar) => {
    const second = await entryWith(dicom({ instance: uid(1), pixels: noise(2_000, 1) }))
    await site.put(site.keys.tar, Buffer.concat([tar.slice(0, END), second, Buffer.alloc(1024)]))
  },
  "with a member behind the end blocks": async (site, tar) =>
    await site.put(site.keys.tar, Buffer.concat([tar, await entry(8, "pax"), Buffer.alloc(1024)])),
  "with an instance of its metadata behind the end blocks": async (site, tar) => {
    const start = tar.length + 1536
    await site.put(site.keys.tar, Buffer.concat([tar, await entry(8, "pax"), Buffer.alloc(1024)]))
    const document = await site.document()
    const { entry: added } = await entryOf(8)
    added.headers = { start_byte: start, end_byte: start + added.size }
    document.cod.instances[uid(8)] = added
    await site.put(site.keys.metadata, Bun.gzipSync(JSON.stringify(document)))
  },
  "with metadata that is empty": async (site) => {
    const { tar_record, ...document } = await site.document()
    document.cod.instances = {}
    await site.put(site.keys.metadata, Bun.gzipSync(JSON.stringify(document)))
  },
  "with an entry that nobody understands": async (site) => {
    const document = await site.document()
    Object.assign(document.cod.instances[uid(2)]!, { version: "9.0" })
    await site.put(site.keys.metadata, Bun.gzipSync(JSON.stringify(document)))
  },
  "with metadata that is not compressed": async (site) =>
    await site.put(site.keys.metadata, Buffer.from(JSON.stringify(await site.document()))),
}

async function entryOf(n: number) {
  await using site = await folderSite()
  await site.change((cod) => cod.append([site.files.nth(n)]))
  return { entry: (await site.document()).cod.instances[uid(n)]! }
}

async function withoutInstance(site: Site, key: string): Promise<Uint8Array> {
  const { tar_record, ...document } = await site.document()
  delete document.cod.instances[key]
  return Bun.gzipSync(JSON.stringify(document))
}

const HARMLESS = ["orphan", "instance-unreadable", "doubled-member"]

for (const [where, openSite] of Object.entries(SITES)) {
  describe(`a series in ${where} that somebody left`, () => {
    for (const [state, make] of Object.entries(STATES)) {
      test(`${state} is appended to, and keeps all that it had`, async () => {
        await using site = await openSite()
        await left(site, make)
        const { cod: before } = await site.document()
        const lost = await lostIn(site)
        await site.change(async (cod) => {
          const result = await cod.append([site.files.nth(4)])
          expect(result).toMatchObject({ new: [expect.anything()], errors: [] })
        })
        const { cod: after } = await site.document()
        expect(Object.keys(after.instances)).toEqual([...Object.keys(before.instances), uid(4)])
        const { findings } = await site.check()
        expect(findings.filter(({ kind }) => !HARMLESS.includes(kind))).toEqual([])
        await using cod = await site.open({ lock: false })
        for (const n of [1, 2, 3, 4, 8]) {
          if (!(uid(n) in after.instances) || after.instances[uid(n)]!.version === "9.0") continue
          expect(await readBack(cod, uid(n))).toEqual(new Uint8Array(nth(n)))
        }
        // What no metadata knows is in the tar as before, where its readers find it.
        const tar = await site.bytes(site.keys.tar)
        const { members, endBlocks } = await scanTar(inMemory(tar))
        expect(endBlocks).toBe(2)
        expect(tar.length % 10_240).toBe(0)
        for (const { name, bytes } of lost) {
          const found = members.findLast((member) => member.name === name)!
          expect(Buffer.compare(tar.subarray(found.start, found.start + found.size), bytes)).toBe(0)
        }
      })
    }
  })
}

/** Files in the tar that the metadata does not know. */
async function lostIn(site: Site): Promise<{ name: string; bytes: Uint8Array }[]> {
  const tar = await site.bytes(site.keys.tar)
  const { members, behind } = await scanTar(inMemory(tar))
  const known = new Set(Object.keys((await site.document()).cod.instances).map(memberName))
  return [...members, ...behind]
    .filter(({ name }) => !known.has(name))
    .map(({ name, start, size }) => ({ name, bytes: tar.slice(start, start + size) }))
}
