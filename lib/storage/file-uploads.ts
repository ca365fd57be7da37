import { type BigIntStats, readdirSync, rmSync, statSync } from "node:fs"
import { type FileHandle, open } from "node:fs/promises"
import { join } from "node:path"
import { crc32c, crc32cToBase64, piecesOfFile } from "../support/checksums.ts"
import { isDead, type Owner, thisProcess } from "../support/owner.ts"
import { ChecksumMismatch, RequestRefused } from "./errors.ts"
import { type Asked, abortReason, describe } from "./failures.ts"
import type { Catalogue } from "./file-catalogue.ts"
import { fileIdOf, lookAt, OWN_FILES } from "./file-paths.ts"
import type { UploadBody, UploadParts, WriteOptions } from "./store.ts"
import { isParts, PART_BYTES, readAhead, sizeOfBody } from "./upload-parts.ts"

/** The bytes of a write that is under way, complete and on the disk, in a file of their own at the root. */
export interface Upload extends Disposable {
  /** At the store's root. */
  readonly name: string
  readonly path: string
  readonly stats: BigIntStats
  /** Of the file, which keeps it when it is renamed. */
  readonly fileId: string
  readonly crc32c: string
  readonly md5: string | undefined
}

/**
 * Brings a body into the store's file system and compares it with the checksums that were named. Disposing the upload
 * removes the file, unless it was renamed.
 * @throws ChecksumMismatch
 */
export async function receiveUpload(
  asked: Asked,
  root: string,
  body: UploadBody,
  named: Pick<WriteOptions, "crc32c" | "md5">,
  signal?: AbortSignal,
): Promise<Upload> {
  const name = nameOf(thisProcess())
  const path = join(root, name)
  const remove = () => rmSync(path, { force: true })
  try {
    await writeWhole(asked, path, body, signal)
    const hashes = await hashesOf(path, named.md5 !== undefined, signal)
    requireSame(asked, named, hashes)
    if (signal?.aborted) throw abortReason(signal)
    const stats = lookAt(path)!
    return { name, path, stats, fileId: fileIdOf(stats), ...hashes, [Symbol.dispose]: remove }
  } catch (error) {
    remove()
    throw error
  }
}

/** Removes what crashed writers left: their files, and the announcements of objects that never appeared. */
export function clearLeftovers(root: string, catalogue: Catalogue): void {
  for (const name of readdirSync(root).filter(isAbandoned(root))) rmSync(join(root, name), { force: true })
  if (catalogue.announced().length === 0) return
  catalogue.exclusively(() => {
    for (const entry of catalogue.announced()) {
      if (lookAt(join(root, entry.upload)) !== undefined) continue
      const file = lookAt(join(root, entry.key))
      if (file !== undefined && fileIdOf(file) === entry.fileId) catalogue.settle(entry)
      else catalogue.withdraw(entry)
    }
  })
}

async function writeWhole(asked: Asked, path: string, body: UploadBody, signal?: AbortSignal): Promise<void> {
  await using file = await open(path, "wx")
  if (isParts(body)) await writeParts(asked, file, body, signal)
  // File to file is copied by the kernel. Of a part of a file Bun copies the whole, which the size tells.
  else if (body instanceof Uint8Array) await file.writeFile(body)
  else await Bun.write(Bun.file(path), body)
  const size = sizeOfBody(body)
  const written = (await file.stat()).size
  if (written !== size) {
    const facts = { store: asked.store, key: asked.key, size, written }
    throw new RequestRefused(
      `${describe(asked)}: the body is part of a file, or changed while it was copied`,
      facts,
    )
  }
  await file.sync()
}

async function writeParts(asked: Asked, file: FileHandle, parts: UploadParts, signal?: AbortSignal) {
  await using ahead = readAhead(asked, parts, signal)
  for (let start = 0; start < parts.size; start += PART_BYTES) {
    await file.writeFile(await ahead.read(start, Math.min(start + PART_BYTES, parts.size)))
  }
}

/** Of the file, not of the body: these are the bytes that everybody will see. */
async function hashesOf(path: string, withMd5: boolean, signal?: AbortSignal) {
  const md5 = withMd5 ? new Bun.CryptoHasher("md5") : undefined
  let crc = 0
  for await (const piece of piecesOfFile(path, {}, signal)) {
    crc = crc32c(piece, crc)
    md5?.update(piece)
  }
  return { crc32c: crc32cToBase64(crc), md5: md5?.digest("base64") }
}

function requireSame(
  asked: Asked,
  named: Pick<WriteOptions, "crc32c" | "md5">,
  found: Pick<Upload, "crc32c" | "md5">,
): void {
  for (const hash of ["crc32c", "md5"] as const) {
    if (named[hash] === undefined || named[hash] === found[hash]) continue
    const facts = { store: asked.store, key: asked.key, named: named[hash], found: found[hash] }
    throw new ChecksumMismatch(`${describe(asked)}: the bytes are not those that the ${hash} names`, facts)
  }
}

/** Longer than any write takes: such a file was left by a machine that lost power, or by another one. */
const ABANDONED_MS = 24 * 60 * 60 * 1000

const PREFIX = `${OWN_FILES}upload~`

function nameOf({ host, bootId, pid, processStart }: Owner): string {
  const owner = [host.replace(/[^\w.-]/g, "_"), bootId, pid, processStart].join("~")
  return `${PREFIX}${owner}~${crypto.randomUUID()}`
}

function isAbandoned(root: string) {
  return (name: string): boolean => {
    if (!name.startsWith(PREFIX)) return false
    const [host = "", bootId = "", pid, processStart = ""] = name.slice(PREFIX.length).split("~")
    if (isDead({ host, bootId, pid: Number(pid), processStart })) return true
    const modified = statSync(join(root, name), { throwIfNoEntry: false })?.mtimeMs
    return modified !== undefined && Date.now() - modified > ABANDONED_MS
  }
}
