import { expect, test } from "bun:test"
import { readdirSync, statSync, utimesSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { openFileStore } from "../../lib/storage/file.ts"
import { openCatalogue } from "../../lib/storage/file-catalogue.ts"
import { receiveUpload } from "../../lib/storage/file-uploads.ts"
import type { WriteOptions } from "../../lib/storage/store.ts"
import { bytesAt, failureOf, keysIn, noise } from "../contract/bodies.ts"
import { tempDir } from "../support/temp.ts"
import { type TinyDisk, tinyDisk } from "../support/tiny-disk.ts"

const TEXT = { contentType: "text/plain", ifGeneration: "absent" } satisfies WriteOptions

/** Starting processes takes its time on a busy machine. */
const PROCESSES_MS = 30_000

const startChild = (root: string, mode: string, name = "") =>
  Bun.spawn([process.execPath, join(import.meta.dir, "file-child.ts"), root, mode, name], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  })

/** What the store keeps at its root beside the catalogue: nothing, when no write is under way. */
const uploadsAt = (root: string) => readdirSync(root).filter((name) => name.startsWith(".objects.upload"))

function expectNothingUnderWay(root: string) {
  using catalogue = openCatalogue(root)
  expect(catalogue.announced()).toEqual([])
  expect(uploadsAt(root)).toEqual([])
}

test(
  "whatever moment a writer is killed at, each object is whole and has its own entry",
  async () => {
    using dir = tempDir()
    const root = dir.file("root")
    for (let kill = 1; kill <= 12; kill++) {
      const child = startChild(root, "replace")
      const answered = new Map<string, number>()
      let lines = 0
      for await (const line of linesOf(child.stdout)) {
        const [key = "", seed] = line.split(" ")
        answered.set(key, Number(seed))
        lines++
        // Killed while the next write is under way, a little later each time.
        if (lines === 5 + kill) setTimeout(() => child.kill("SIGKILL"), kill / 4)
      }
      await child.exited

      using store = openFileStore(root)
      for (const key of await keysIn(store)) {
        const head = (await store.head(key))!
        const seed = Number(head.metadata.seed)
        expect(seed).toBeGreaterThanOrEqual(answered.get(key) ?? 0)
        expect(await bytesAt(store, key, { ifGeneration: head.generation })).toEqual(noise(3000, seed))
      }
      await store.write(`after kill ${kill}`, noise(1), { ...TEXT, metadata: { seed: "0" } })
      expectNothingUnderWay(root)
      const { generation } = (await store.head(`after kill ${kill}`))!
      await store.delete(`after kill ${kill}`, { ifGeneration: generation })
    }
  },
  PROCESSES_MS,
)

test(
  "a writer that died before its object was in place left the old one as it was",
  async () => {
    using dir = tempDir()
    using store = openFileStore(dir.path)
    const old = await store.write("object", noise(100, 1), { ...TEXT, metadata: { seed: "1" } })
    await startChild(dir.path, "dieBeforeRename").exited
    expect(uploadsAt(dir.path)).toHaveLength(1)
    expect(await store.head("object")).toEqual(old)
    expect(await bytesAt(store, "object")).toEqual(noise(100, 1))

    using next = openFileStore(dir.path)
    await next.write("other", noise(1), TEXT)
    expect(uploadsAt(dir.path)).toEqual([])
    expect(await next.head("object")).toEqual(old)
  },
  PROCESSES_MS,
)

test(
  "a writer that died when its object was in place left the new one with all that was said of it",
  async () => {
    using dir = tempDir()
    using store = openFileStore(dir.path)
    const old = await store.write("object", noise(100, 1), { ...TEXT, metadata: { seed: "1" } })
    await startChild(dir.path, "dieAfterRename").exited
    const found = (await store.head("object"))!
    expect(found).toMatchObject({ size: 200, metadata: { seed: "2" }, contentType: "text/plain" })
    expect(found.generation).not.toBe(old.generation)

    using next = openFileStore(dir.path)
    await next.write("other", noise(1), TEXT)
    expect(await next.head("object")).toEqual(found)
    expectNothingUnderWay(dir.path)
  },
  PROCESSES_MS,
)

test("uploads that a machine left when it lost power are removed after a day, those of living writers never", async () => {
  using dir = tempDir()
  const name = (host: string) => `.objects.upload~${host}~boot~1~0~${crypto.randomUUID()}`
  const [fresh, stale] = [name("another"), name("another")]
  for (const upload of [fresh, stale]) writeFileSync(dir.file(upload), "bytes")
  const twoDaysAgo = Date.now() / 1000 - 2 * 24 * 60 * 60
  utimesSync(dir.file(stale), twoDaysAgo, twoDaysAgo)
  using store = openFileStore(dir.path)
  await store.write("object", noise(1), TEXT)
  expect(uploadsAt(dir.path)).toEqual([fresh])
})

test(
  "of many processes that create the same objects at once each object has one creator",
  async () => {
    using dir = tempDir()
    const root = dir.file("root")
    const names = ["one", "two", "three", "four"]
    const children = names.map((name) => startChild(root, "create", name))
    const said = children.map((child) => linesOf(child.stdout))
    for (const lines of said) expect((await lines.next()).value).toBe("ready")
    for (const child of children) {
      child.stdin.write("go")
      child.stdin.end()
    }
    const won = await Promise.all(said.map((lines) => Array.fromAsync(lines)))
    expect(won.flat().sort()).toEqual(Array.from({ length: 150 }, (_, i) => `keys/${i}`).sort())
    using store = openFileStore(root)
    for (const [i, name] of names.entries()) {
      for (const key of won[i]!) {
        expect((await store.head(key))?.metadata).toEqual({ by: name })
        expect(new TextDecoder().decode(await bytesAt(store, key))).toBe(name)
      }
    }
    expectNothingUnderWay(root)
  },
  PROCESSES_MS,
)

test("who writes first after a crash leaves the writes of others that are still under way alone", async () => {
  using dir = tempDir()
  using catalogue = openCatalogue(dir.path)
  const asked = { verb: "write", store: "test", key: "object" } as const
  using upload = await receiveUpload(asked, dir.path, noise(200), {})
  const { fileId, crc32c } = upload
  const announced = catalogue.announce({ key: "object", fileId, crc32c, ...TEXT, metadata: {} }, upload.name)
  using store = openFileStore(dir.path)
  await store.write("other", noise(1), TEXT)
  expect(catalogue.announced()).toMatchObject([{ key: "object", generation: announced.generation }])
  expect(uploadsAt(dir.path)).toEqual([upload.name])
})

test("who loses a race takes back what it announced", async () => {
  using dir = tempDir()
  using store = openFileStore(dir.path)
  await Promise.allSettled(Array.from({ length: 8 }, (_, i) => store.write("object", noise(9, i), TEXT)))
  expectNothingUnderWay(dir.path)
})

test.skipIf(!tinyDisk.isPossible)("a full disk refuses a write and keeps what it had", async () => {
  using disk: TinyDisk = tinyDisk.mount(512 << 10)
  using store = openFileStore(disk.path)
  const small = await store.write("small", noise(1000), TEXT)
  expect(await failureOf(store.write("large", noise(600 << 10), TEXT))).toMatchObject({ verdict: "retry" })
  expect(await keysIn(store)).toEqual(["small"])
  expect(await store.head("small")).toEqual(small)
  expect(uploadsAt(disk.path)).toEqual([])
  disk.grow(4 << 20)
  await store.write("large", noise(600 << 10), TEXT)
  expect(statSync(join(disk.path, "large")).size).toBe(600 << 10)
})

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = ""
  const decoder = new TextDecoder()
  for await (const bytes of stream) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n")
    rest = lines.pop()!
    yield* lines
  }
}
