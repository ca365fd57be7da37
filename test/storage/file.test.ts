import { afterEach, beforeEach, describe, expect, test } from "bun:test"
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs"
import { dirname } from "node:path"
import {
  BucketNotFound,
  ChecksumMismatch,
  NotFound,
  PreconditionFailed,
  RequestRefused,
  Unavailable,
} from "../../lib/storage/errors.ts"
import { openFileStore } from "../../lib/storage/file.ts"
import type { ObjectStore, Opened, UploadParts, WriteOptions } from "../../lib/storage/store.ts"
import { crc32cBase64 } from "../../lib/support/checksums.ts"
import { bytesAt, failureOf, keysIn, noise } from "../contract/bodies.ts"
import { type TempDir, tempDir } from "../support/temp.ts"

const DICOM = { contentType: "application/dicom", ifGeneration: "absent" } satisfies WriteOptions

let dir: TempDir
let root: string
let store: Opened<ObjectStore>
beforeEach(() => {
  dir = tempDir()
  root = dir.file("root")
  store = openFileStore(root)
})
afterEach(() => {
  store[Symbol.dispose]()
  dir[Symbol.dispose]()
})

/** Every file and folder below the root. */
const found = () =>
  existsSync(root) ? (readdirSync(root, { recursive: true }) as string[]).sort() : undefined

function place(key: string, content: string | Uint8Array = key) {
  mkdirSync(dirname(`${root}/${key}`), { recursive: true })
  writeFileSync(`${root}/${key}`, content)
}

describe("what is on the disk", () => {
  test("an object is a file at its key's path, beside one catalogue", async () => {
    await store.write("7/12/report é.txt", noise(10), DICOM)
    store[Symbol.dispose]()
    expect(found()).toEqual([".objects.sqlite", "7", "7/12", "7/12/report é.txt"])
    expect(await Bun.file(`${root}/7/12/report é.txt`).bytes()).toEqual(noise(10))
  })

  test("reading and listing leave nothing behind, not even the folder", async () => {
    await store.head("a")
    await failureOf(store.read("a"))
    await keysIn(store)
    await store.probe()
    expect(found()).toBeUndefined()
  })

  test("refused writes leave nothing behind", async () => {
    const wrong = { ...DICOM, crc32c: "AAAAAA==" }
    expect(await failureOf(store.write("a/b", noise(10), wrong))).toBeInstanceOf(ChecksumMismatch)
    expect(await failureOf(store.write("../a", noise(10), DICOM))).toBeInstanceOf(RequestRefused)
    const breaking: UploadParts = {
      size: 20 << 20,
      read: async (start, end) => (start === 0 ? noise(end) : Promise.reject(new Error("no more"))),
    }
    expect(await failureOf(store.write("a/b", breaking, DICOM))).toBeInstanceOf(RequestRefused)
    const replace = { ...DICOM, ifGeneration: "1" }
    expect(await failureOf(store.write("a/b", noise(10), replace))).toBeInstanceOf(PreconditionFailed)
    expect(await failureOf(store.delete("a/b", { ifGeneration: "1" }))).toBeInstanceOf(NotFound)
    expect(found()).toBeUndefined()

    place("a/b")
    expect(await failureOf(store.write("a/b", noise(10), DICOM))).toBeInstanceOf(PreconditionFailed)
    expect(await failureOf(store.delete("a/b", { ifGeneration: "1" }))).toBeInstanceOf(PreconditionFailed)
    expect(found()).toEqual(["a", "a/b"])
  })

  test("folders that a delete emptied are gone, so that their names can be keys", async () => {
    const kept = await store.write("a/x", noise(1), DICOM)
    const { generation } = await store.write("a/b/c/d", noise(1), DICOM)
    await store.delete("a/b/c/d", { ifGeneration: generation })
    await store.write("a/b", noise(1), DICOM)
    await store.delete("a/x", { ifGeneration: kept.generation })
    expect(await keysIn(store)).toEqual(["a/b"])
  })

  test("the catalogue and its companions are no objects", async () => {
    await store.write("a", noise(1), DICOM)
    expect(await keysIn(store)).toEqual(["a"])
    expect(await keysIn(store, ".objects")).toEqual([])
    for (const key of [".objects.sqlite", ".objects.sqlite-wal", ".objects.anything/else"]) {
      expect(await failureOf(store.head(key))).toBeInstanceOf(RequestRefused)
      expect(await failureOf(store.write(key, noise(1), DICOM))).toBeInstanceOf(RequestRefused)
    }
    await store.write("below/.objects.sqlite", noise(1), DICOM)
  })

  test("another that opens the folder knows all that was said of an object", async () => {
    const options = {
      ...DICOM,
      contentEncoding: "gzip",
      storageClass: "NEARLINE",
      metadata: { Study: "é 🫁" },
    }
    const written = await store.write("a/b", noise(10), options)
    using other = openFileStore(`${root}/../root/`)
    expect(await other.head("a/b")).toEqual(written)
    expect(written).toMatchObject({
      contentEncoding: "gzip",
      storageClass: "NEARLINE",
      metadata: { study: "é 🫁" },
    })
  })

  test("a root that is removed while it is in use is begun anew", async () => {
    await store.write("a", noise(1), DICOM)
    rmSync(root, { recursive: true })
    expect(await store.head("a")).toBeUndefined()
    expect(await keysIn(store)).toEqual([])
    const written = await store.write("a", noise(2), DICOM)
    using other = openFileStore(root)
    expect(await other.head("a")).toEqual(written)
  })
})

describe("files that somebody else put there", () => {
  test("are objects with a checksum", async () => {
    place("a/b", "hello")
    const head = (await store.head("a/b"))!
    expect(head).toMatchObject({
      key: "a/b",
      size: 5,
      crc32c: crc32cBase64(Buffer.from("hello")),
      metadata: {},
    })
    expect(await keysIn(store)).toEqual(["a/b"])
    const options = { ifGeneration: head.generation }
    expect(new TextDecoder().decode(await bytesAt(store, "a/b", options))).toBe("hello")
    expect(found()).toEqual(["a", "a/b"])
  })

  test("can be replaced and deleted under their generation, and under no other", async () => {
    place("a", "one")
    const one = (await store.head("a"))!
    place("a", "two and more")
    expect(
      await failureOf(store.write("a", noise(1), { ...DICOM, ifGeneration: one.generation })),
    ).toBeInstanceOf(PreconditionFailed)
    const two = (await store.head("a"))!
    const replaced = await store.write("a", noise(1), { ...DICOM, ifGeneration: two.generation })
    expect((await store.head("a"))?.generation).toBe(replaced.generation)
    place("b", "three")
    const three = (await store.head("b"))!
    await store.delete("b", { ifGeneration: three.generation })
    expect(await keysIn(store)).toEqual(["a"])
  })

  test("hide what the catalogue knew of the file that they took the place of", async () => {
    const written = await store.write("a", noise(10), { ...DICOM, metadata: { attempt: "1" } })
    for (const change of [
      () => writeFileSync(`${root}/a`, noise(10, 2)),
      () => appendFileSync(`${root}/a`, "x"),
      () => utimesSync(`${root}/a`, 1, 1),
      () => {
        cpSync(`${root}/a`, `${root}/copy`)
        renameSync(`${root}/copy`, `${root}/a`)
      },
    ]) {
      change()
      const head = (await store.head("a"))!
      expect(head.generation).not.toBe(written.generation)
      expect(head.metadata).toEqual({})
      expect(head.crc32c).toBe(crc32cBase64(await bytesAt(store, "a")))
    }
  })

  test("are passed over where their names cannot be keys, and where they are no files", async () => {
    place("good")
    place("bad\nname")
    symlinkSync(`${root}/good`, `${root}/link`)
    mkdirSync(`${root}/empty folder`)
    expect(await keysIn(store)).toEqual(["good"])
  })
})

describe("keys", () => {
  test.each([
    "..",
    "../outside",
    "a/../../outside",
    "a/./b",
    "/etc/passwd",
    "a//b",
    "a/",
    "",
    "a\u0000b",
    "a\nb",
    "a\u0085b",
    "\ud800",
    "long".repeat(300),
  ])("%j never reaches the file system", async (key) => {
    place("a/b")
    expect(await failureOf(store.head(key))).toBeInstanceOf(RequestRefused)
    expect(await failureOf(store.read(key))).toBeInstanceOf(RequestRefused)
    expect(await failureOf(store.write(key, noise(1), DICOM))).toBeInstanceOf(RequestRefused)
    expect(await failureOf(store.delete(key, { ifGeneration: "1" }))).toBeInstanceOf(RequestRefused)
    expect(found()).toEqual(["a", "a/b"])
  })

  test("that lead through symbolic links are refused, whatever lies behind", async () => {
    mkdirSync(dir.file("outside"))
    writeFileSync(dir.file("outside", "secret"), "secret")
    place("inside", "inside")
    symlinkSync(dir.file("outside"), `${root}/folder`)
    symlinkSync(dir.file("outside", "secret"), `${root}/file`)
    symlinkSync(dir.file("nowhere"), `${root}/dangling`)
    for (const key of ["folder/secret", "folder/new", "file", "dangling"]) {
      expect(await failureOf(store.head(key))).toBeInstanceOf(RequestRefused)
      expect(await failureOf(store.read(key))).toBeInstanceOf(RequestRefused)
      expect(await failureOf(store.write(key, noise(1), DICOM))).toBeInstanceOf(RequestRefused)
    }
    expect(readdirSync(dir.file("outside"))).toEqual(["secret"])
    expect(await keysIn(store)).toEqual(["inside"])
  })

  test("a root that is itself reached through a symbolic link is as good as any", async () => {
    mkdirSync(dir.file("real"))
    symlinkSync(dir.file("real"), root)
    await store.write("a/b", noise(1), DICOM)
    expect(await keysIn(store)).toEqual(["a/b"])
  })

  test("cannot be a file and a folder at once", async () => {
    await store.write("a", noise(1), DICOM)
    await store.write("b/c", noise(1), DICOM)
    expect(await store.head("a/b")).toBeUndefined()
    expect(await store.head("b")).toBeUndefined()
    expect(await failureOf(store.read("b"))).toBeInstanceOf(NotFound)
    expect(await failureOf(store.write("a/b", noise(1), DICOM))).toBeInstanceOf(RequestRefused)
    expect(await failureOf(store.write("b", noise(1), DICOM))).toBeInstanceOf(RequestRefused)
    expect(await failureOf(store.write("x".repeat(300), noise(1), DICOM))).toBeInstanceOf(RequestRefused)
    store[Symbol.dispose]()
    expect(found()).toEqual([".objects.sqlite", "a", "b", "b/c"])
  })
})

describe("reading", () => {
  test("goes on with the same bytes when the object is replaced meanwhile", async () => {
    const { generation } = await store.write("a", noise(1 << 20, 1), DICOM)
    const { stream } = await store.read("a")
    await store.write("a", noise(1 << 20, 2), { ...DICOM, ifGeneration: generation })
    expect(Buffer.compare(await new Response(stream).bytes(), noise(1 << 20, 1))).toBe(0)
  })

  test.each([400_000, 1 << 20, 2 << 20])(
    "fails when the file becomes one of %i bytes under it",
    async (size) => {
      place("a", noise(1 << 20))
      const { stream } = await store.read("a")
      const reader = stream.getReader()
      await reader.read()
      writeFileSync(`${root}/a`, noise(size, 2))
      const rest = async () => {
        while (!(await reader.read()).done);
      }
      expect(await failureOf(rest())).toBeInstanceOf(Unavailable)
    },
  )

  test("a body that is part of a file is refused instead of being written whole", async () => {
    writeFileSync(dir.file("body"), noise(1000))
    const part = Bun.file(dir.file("body")).slice(10, 20)
    expect(await failureOf(store.write("a", part, DICOM))).toBeInstanceOf(RequestRefused)
    expect(await store.head("a")).toBeUndefined()
  })
})

describe("before any work", () => {
  test("a folder that must be there and is not, is said", async () => {
    using source = openFileStore(root, { mustExist: true })
    const failure = await failureOf(source.probe())
    expect(failure).toBeInstanceOf(BucketNotFound)
    expect((failure as BucketNotFound).message).toStartWith("looking at file://")
    await store.probe()
  })

  test("a file in the place of the folder is said", async () => {
    writeFileSync(root, "not a folder")
    expect(await failureOf(store.probe())).toBeInstanceOf(BucketNotFound)
  })

  test("a catalogue of a newer release is refused", async () => {
    await store.write("a", noise(1), DICOM)
    const { Database } = await import("bun:sqlite")
    using db = new Database(`${root}/.objects.sqlite`)
    db.run("pragma user_version = 99")
    using other = openFileStore(root)
    const failure = await failureOf(other.head("a"))
    expect(failure).toMatchObject({ verdict: "stop", message: expect.stringContaining("newer release") })
  })

  test("a damaged catalogue is said, and its files come back when it is moved away", async () => {
    place("a", "hello")
    place(
      ".objects.sqlite",
      "this is no database, but it is long enough to be read as the header of one".repeat(20),
    )
    expect(await failureOf(store.head("a"))).toBeInstanceOf(RequestRefused)
    rmSync(`${root}/.objects.sqlite`)
    expect((await store.head("a"))?.size).toBe(5)
  })
})
