/**
 * A process that appends to a series of a gigabyte, and then takes half of it out: prints what it took of memory and of the
 * disk. Its store makes the bytes of the old tar when they are read, and keeps none of the new one but their CRC32C.
 */
import { mkdirSync, readdirSync, readFileSync, statSync } from "node:fs"
import { seriesKeys } from "../../../lib/cod/format/layout.ts"
import { endOfTar, entryHeader } from "../../../lib/cod/format/tar/write.ts"
import { CODObject } from "../../../lib/cod/index.ts"
import { openFileStore } from "../../../lib/storage/file.ts"
import type { ByteRange, ObjectInfo, ObjectStore, UploadBody } from "../../../lib/storage/store.ts"
import { crc32c, crc32cBase64, crc32cCombine, crc32cToBase64 } from "../../../lib/support/checksums.ts"
import { tempDir } from "../../support/temp.ts"
import { SERIES, STUDY, sourceFiles, uid } from "./files.ts"
import { documentOf } from "./sites.ts"

const COUNT = 64
const SIZE = 16 << 20
const ENTRY = 1536 + SIZE
const PART = 1 << 20

using dir = tempDir("cod-large")
const files = openFileStore(dir.file("store"))
const sources = sourceFiles(dir.path)
const keys = seriesKeys(STUDY, SERIES)
const place = { datastore: files.uri, studyUid: STUDY, seriesUid: SERIES }

const headers = Array.from({ length: COUNT }, (_, n) =>
  entryHeader({ name: `instances/${uid(n)}.dcm`, size: SIZE, mtime: 1_700_000_000 }),
)
const end = endOfTar(COUNT * ENTRY)
const zeros = crc32cBase64(new Uint8Array(SIZE))

/** The old tar: its instances are all zeros. */
const tar: ObjectInfo = {
  key: keys.tar,
  size: COUNT * ENTRY + end.length,
  generation: "1",
  metadata: {},
  crc32c: crc32cCombine(
    headers.reduce(
      (sum, header) => crc32cCombine(crc32cCombine(sum, crc32cBase64(header), header.length), zeros, SIZE),
      crc32cBase64(new Uint8Array(0)),
    ),
    crc32cBase64(end),
    end.length,
  ),
}

const ZEROS = new Uint8Array(PART)

function oldBytes(from: number, to: number): Uint8Array {
  const isData = from % ENTRY >= 1536 && Math.floor(from / ENTRY) === Math.floor((to - 1) / ENTRY)
  if (isData) return ZEROS.subarray(0, to - from)
  const bytes = new Uint8Array(to - from)
  for (let n = Math.floor(from / ENTRY); n < COUNT && n * ENTRY < to; n++) {
    const start = n * ENTRY
    const header = headers[n]!.subarray(Math.max(0, from - start), Math.max(0, to - start))
    bytes.set(header, Math.max(0, start - from))
  }
  return bytes
}

function oldStream({ start, end = tar.size }: ByteRange): ReadableStream<Uint8Array> {
  const last = Math.min(end, tar.size)
  let at = start
  return new ReadableStream({
    pull(controller) {
      const to = Math.min(last, at + PART)
      if (to > at) controller.enqueue(oldBytes(at, to))
      at = to
      if (at >= last) controller.close()
    },
  })
}

let written = 0
let onDisk = 0

/** The folder's store, but for the tar. */
function storeOfLargeTar(): ObjectStore {
  let now = tar
  return {
    ...files,
    uri: files.uri,
    head: async (key, signal) => (key === keys.tar ? now : await files.head(key, signal)),
    async read(key, options = {}, signal) {
      if (key !== keys.tar) return await files.read(key, options, signal)
      return { info: now, stream: oldStream(options.range ?? { start: 0 }) }
    },
    async write(key, body, options, signal) {
      if (key !== keys.tar) return await files.write(key, body, options, signal)
      onDisk = Math.max(onDisk, sizeOfFolder(dir.file("temp")))
      const checksum = await checksumOf(body, signal)
      if (checksum !== options.crc32c) throw new Error(`wrote ${checksum} instead of ${options.crc32c}`)
      now = { ...tar, size: sizeOf(body), generation: "2", crc32c: checksum }
      return now
    },
  }
}

async function checksumOf(body: UploadBody, signal?: AbortSignal): Promise<string> {
  if (!("read" in body)) throw new Error("a tar that is held in memory")
  let checksum = 0
  for (let at = 0; at < body.size; at += 4 * PART) {
    checksum = crc32c(await body.read(at, Math.min(body.size, at + 4 * PART), signal), checksum)
  }
  written += body.size
  return crc32cToBase64(checksum)
}

const sizeOf = (body: UploadBody) => (body instanceof Uint8Array ? body.length : body.size)

function sizeOfFolder(path: string): number {
  const paths = readdirSync(path, { recursive: true, withFileTypes: true })
  return paths
    .filter((entry) => entry.isFile())
    .reduce((sum, { parentPath, name }) => sum + statSync(`${parentPath}/${name}`).size, 0)
}

/** Kilobytes that the kernel counts of this process. */
const memory = (name: "VmRSS" | "VmHWM") =>
  Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(readFileSync("/proc/self/status", "utf8"))![1])

async function change(store: ObjectStore, work: (cod: CODObject) => unknown): Promise<void> {
  await using cod = await CODObject.open({ ...place, store, lock: true, tempDir: dir.file("temp") })
  await work(cod)
  await cod.sync()
  await cod.release()
}

/** Metadata of so many instances, each of which is said to be large. */
async function writeMetadata(): Promise<void> {
  const document = documentOf(await new Response((await files.read(keys.metadata)).stream).bytes())
  for (const [n, entry] of Object.values(document.cod.instances).entries()) {
    const start = n * ENTRY + 1536
    Object.assign(entry, {
      size: SIZE,
      crc32c: zeros,
      headers: { start_byte: start, end_byte: start + SIZE },
    })
  }
  delete document.tar_record
  const { generation } = (await files.head(keys.metadata))!
  const bytes = Bun.gzipSync(JSON.stringify(document))
  await files.write(keys.metadata, bytes, { ifGeneration: generation, contentType: "application/json" })
}

mkdirSync(dir.file("temp"))
await change(files, (cod) => cod.append(Array.from({ length: COUNT }, (_, n) => sources.nth(n))))
await writeMetadata()
const metadata = await new Response((await files.read(keys.metadata)).stream).bytes()
process.stderr.write("began\n")
const before = memory("VmRSS")
await change(storeOfLargeTar(), (cod) => cod.append([sources.nth(100, 2 << 20)]))
const { generation } = (await files.head(keys.metadata))!
await files.write(keys.metadata, metadata, { ifGeneration: generation, contentType: "application/json" })
await change(storeOfLargeTar(), (cod) =>
  cod.truncate(Array.from({ length: COUNT / 2 }, (_, n) => uid(2 * n))),
)
console.log(JSON.stringify({ grownBy: (memory("VmHWM") - before) * 1024, onDisk, written }))
files[Symbol.dispose]()
