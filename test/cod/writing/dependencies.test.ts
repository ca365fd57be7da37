import { describe, expect, test } from "bun:test"
import { existsSync, mkdirSync, writeFileSync } from "node:fs"
import { pathToFileURL } from "node:url"
import {
  CleanOpOnUnlockedCODObjectError,
  CODObject,
  type DependencyOptions,
  type DependencyReport,
  HashMismatchError,
} from "../../../lib/cod/index.ts"
import { openPlaces } from "../../../lib/cod/writing/dependency-place.ts"
import { startCloud } from "../../../lib/demo/cloud/server.ts"
import { PreconditionFailed } from "../../../lib/storage/errors.ts"
import { openFileStore } from "../../../lib/storage/file.ts"
import { openGcs } from "../../../lib/storage/gcs.ts"
import type { ObjectStore } from "../../../lib/storage/store.ts"
import { failureOf } from "../../contract/bodies.ts"
import { goldenCase } from "../../support/golden.ts"
import { tempDir } from "../../support/temp.ts"
import { folderWith, SITES, type Site } from "./site.ts"

const SEVERAL = goldenCase("several-instances")
const [KEY, OTHER] = Object.keys(SEVERAL.expected.instances) as [string, string]

/** The very bytes that are stored of an instance. */
function original(key = KEY): Uint8Array {
  const { start_byte: start, size } = SEVERAL.expected.instances[key]!
  const tar = SEVERAL.bytes(SEVERAL.keys.find((name) => name.endsWith(".tar"))!)
  return tar.subarray(start, start + size)
}

async function dependOn(site: Site, dependencies: Readonly<Record<string, string[]>>): Promise<void> {
  await site.changeMetadata(({ cod }) => {
    for (const [key, entry] of Object.entries(cod.instances)) entry.dependencies = dependencies[key] ?? []
  })
}

async function deleteIn(site: Site, options?: DependencyOptions): Promise<DependencyReport> {
  await using cod = await CODObject.open({ ...site.place, store: site.store, lock: true })
  try {
    return await cod.deleteDependencies(options)
  } finally {
    await cod.release()
  }
}

async function put(store: ObjectStore, key: string, bytes: Uint8Array): Promise<string> {
  await store.write(key, bytes, { ifGeneration: "absent", contentType: "application/dicom" })
  return `${store.uri}/${key}`
}

describe("the dependencies of a series in a bucket", () => {
  test("are deleted when they are what is stored, and what differs is kept and told", async () => {
    await using site = await SITES["a bucket"]!(SEVERAL)
    const { store } = site
    const good = await put(store, "in/good.dcm", original())
    const longer = await put(store, "in/longer.dcm", Buffer.concat([original(), Buffer.alloc(2)]))
    const flipped = await put(store, "in/flipped.dcm", flip(original()))
    const gone = `${store.uri}/in/gone.dcm`
    await dependOn(site, { [KEY]: [good, longer, gone, flipped] })
    const { deleted, missing, kept } = await deleteIn(site)
    expect({ deleted, missing }).toEqual({ deleted: [good], missing: [gone] })
    expect(kept.map(({ uri }) => uri)).toEqual([longer, flipped])
    expect(kept[0]!.why).toContain(`${original().length + 2} bytes`)
    expect(kept[1]!.why).toContain("CRC32C")
    expect(await store.head("in/good.dcm")).toBeUndefined()
    expect(await store.head("in/longer.dcm")).toBeDefined()
    expect(await store.head("in/flipped.dcm")).toBeDefined()
  })

  test("go whatever they are with validateHash: false", async () => {
    await using site = await SITES["a bucket"]!(SEVERAL)
    const flipped = await put(site.store, "in/flipped.dcm", flip(original()))
    await dependOn(site, { [KEY]: [flipped] })
    expect((await deleteIn(site, { validateHash: false })).deleted).toEqual([flipped])
    expect(await site.store.head("in/flipped.dcm")).toBeUndefined()
  })

  test("are what the caller names instead, where it names any: of each instance what is its own", async () => {
    await using site = await SITES["a bucket"]!(SEVERAL)
    const declared = await put(site.store, "in/declared.dcm", original())
    const named = await put(site.store, "in/named.dcm", original())
    const foreign = await put(site.store, "in/foreign.dcm", original())
    await dependOn(site, { [KEY]: [declared] })
    const dependencies = new Map([
      [KEY, [named]],
      [OTHER, [foreign]],
    ])
    const { deleted, kept } = await deleteIn(site, { dependencies })
    expect({ deleted, kept: kept.map(({ uri }) => uri) }).toEqual({ deleted: [named], kept: [foreign] })
    expect(await site.store.head("in/declared.dcm")).toBeDefined()
  })

  test("lie in another bucket as well, for which a store is asked", async () => {
    await using site = await SITES["a bucket"]!(SEVERAL)
    const cloud = await startCloud()
    cloud.createBucket("inbox")
    using inbox = openGcs({ bucket: "inbox", emulatorUrl: cloud.url })
    const uri = await put(inbox, "a.dcm", original())
    await dependOn(site, { [KEY]: [uri] })
    const asked: string[] = []
    const storeOf = (asking: string) => {
      asked.push(asking)
      return inbox
    }
    expect((await deleteIn(site, { storeOf })).deleted).toEqual([uri])
    expect(asked).toEqual([uri])
    expect(await inbox.head("a.dcm")).toBeUndefined()
    await cloud.stop()
  })

  test("that are exchanged after they were looked at stay", async () => {
    await using site = await SITES["a bucket"]!(SEVERAL)
    const uri = await put(site.store, "in/a.dcm", original())
    await dependOn(site, { [KEY]: [uri] })
    const store: ObjectStore = {
      ...site.store,
      async head(key, signal) {
        const seen = await site.store.head(key, signal)
        if (key !== "in/a.dcm" || seen?.size === 3) return seen
        await site.store.write(key, Buffer.from("new"), {
          ifGeneration: seen!.generation,
          contentType: "text/plain",
        })
        return seen
      },
    }
    const report = await deleteIn({ ...site, store })
    expect(report).toMatchObject({ deleted: [], missing: [], kept: [{ uri }] })
    expect((await site.store.head("in/a.dcm"))?.size).toBe(3)
  })

  test("without a checksum are read for it", async () => {
    await using site = await SITES["a bucket"]!(SEVERAL)
    const good = await put(site.store, "in/good.dcm", original())
    const bad = await put(site.store, "in/bad.dcm", flip(original()))
    await dependOn(site, { [KEY]: [good, bad] })
    const store: ObjectStore = {
      ...site.store,
      async head(key, signal) {
        const info = await site.store.head(key, signal)
        if (info === undefined || !key.startsWith("in/")) return info
        const { crc32c: _, ...others } = info
        return others
      },
    }
    const { deleted, kept } = await deleteIn({ ...site, store })
    expect(deleted).toEqual([good])
    expect(kept.map(({ uri }) => uri)).toEqual([bad])
  })
})

describe("local dependencies", () => {
  test("are deleted by path and by URI, each once, however many instances name them", async () => {
    await using site = await folderWith(SEVERAL)
    using dir = tempDir("dependencies")
    const [path, uri] = [dir.file("a.dcm"), pathToFileURL(dir.file("b c.dcm")).href]
    writeFileSync(path, original())
    writeFileSync(dir.file("b c.dcm"), original(OTHER))
    await dependOn(site, { [KEY]: [path, path], [OTHER]: [uri, path] })
    const { deleted, missing, kept } = await deleteIn(site)
    expect({ deleted: deleted.toSorted(), missing, kept }).toEqual({
      deleted: [path, uri].toSorted(),
      missing: [],
      kept: [],
    })
    expect([existsSync(path), existsSync(dir.file("b c.dcm"))]).toEqual([false, false])
    expect(existsSync(dir.file(".objects.sqlite"))).toBe(false)
    expect((await deleteIn(site)).missing.toSorted()).toEqual([path, uri].toSorted())
  })

  test("that differ, are folders, or are named by a relative path are kept", async () => {
    await using site = await folderWith(SEVERAL)
    using dir = tempDir("dependencies")
    writeFileSync(dir.file("a.dcm"), flip(original()))
    mkdirSync(dir.file("folder"))
    const uris = [dir.file("a.dcm"), dir.file("folder"), "a.dcm"]
    await dependOn(site, { [KEY]: uris })
    const { deleted, missing, kept } = await deleteIn(site)
    expect([...deleted, ...missing]).toEqual([])
    expect(kept.map(({ uri }) => uri)).toEqual(uris)
    expect(existsSync(dir.file("a.dcm"))).toBe(true)
  })
})

test("a local file that is written after it was looked at stays", async () => {
  using dir = tempDir("dependencies")
  const path = dir.file("a.dcm")
  writeFileSync(path, original())
  using places = openPlaces({ own: undefined })
  const place = places.placeOf(path)
  const found = (await place.look())!
  writeFileSync(path, "new")
  expect(await failureOf(place.delete(found))).toBeInstanceOf(PreconditionFailed)
  expect(existsSync(path)).toBe(true)
})

describe("never deleted are", () => {
  test("members of archives, what nobody can write, and the series of the datastore", async () => {
    await using site = await folderWith(SEVERAL)
    const uris = [
      "gs://inbox/a.tar://instances/1.dcm",
      "gs://inbox/a.zip://1.dcm",
      "s3://inbox/a.dcm",
      "https://example.org/a.dcm",
      `${site.uri}.tar`,
      `${site.uri}/metadata.json`,
    ]
    await dependOn(site, { [KEY]: uris })
    const report = await deleteIn(site, { validateHash: false })
    expect(report).toMatchObject({ deleted: [], missing: [], kept: uris.map((uri) => ({ uri })) })
    expect(await site.head("tar")).toBeDefined()
  })

  test("dependencies of a series that is not sound", async () => {
    await using site = await folderWith(SEVERAL)
    using dir = tempDir("dependencies")
    writeFileSync(dir.file("a.dcm"), original())
    await dependOn(site, { [KEY]: [dir.file("a.dcm")] })
    await site.changeTar((tar) => {
      tar[SEVERAL.expected.instances[OTHER]!.start_byte + 300]! ^= 1
      return tar
    })
    expect(await failureOf(deleteIn(site))).toBeInstanceOf(HashMismatchError)
    expect(existsSync(dir.file("a.dcm"))).toBe(true)
  })
})

test("a dry run needs no lock and deletes nothing; the deletion needs one", async () => {
  await using site = await folderWith(SEVERAL)
  using dir = tempDir("dependencies")
  const path = dir.file("a.dcm")
  writeFileSync(path, original())
  await dependOn(site, { [KEY]: [path] })
  await using cod = await CODObject.open({ ...site.place, store: site.store, lock: false })
  expect(await cod.deleteDependencies({ dryRun: true })).toEqual({ deleted: [path], missing: [], kept: [] })
  expect(existsSync(path)).toBe(true)
  expect(await failureOf(cod.deleteDependencies())).toBeInstanceOf(CleanOpOnUnlockedCODObjectError)
  expect(existsSync(path)).toBe(true)
})

test("a file in the store of the series is deleted from it", async () => {
  await using site = await folderWith(SEVERAL)
  const uri = await put(site.store, "in/a.dcm", original())
  await dependOn(site, { [KEY]: [uri] })
  expect((await deleteIn(site)).deleted).toEqual([uri])
  using again = openFileStore(new URL(site.store.uri).pathname)
  expect(await again.head("in/a.dcm")).toBeUndefined()
})

function flip(bytes: Uint8Array): Uint8Array {
  const changed = Uint8Array.from(bytes)
  changed[200]! ^= 1
  return changed
}
