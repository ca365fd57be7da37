import { closeSync, constants, fstatSync, openSync, read } from "node:fs"
import { NotFound, Unavailable } from "../../storage/errors.ts"
import { AppError } from "../../support/errors.ts"
import type { RandomAccess } from "../format/bytes.ts"
import { CODError } from "../format/errors.ts"

/** A local file, open for reading until it is disposed of. It stays this one, whatever is renamed to its path. */
export interface FileBytes extends RandomAccess, Disposable {
  /** Fills `target` with the bytes from `start` on. */
  fill(target: Uint8Array, start: number, signal?: AbortSignal): Promise<void>
}

/** @throws NotFound when nothing is there, CODError for what cannot be opened, or is no regular file */
export function openFileBytes(path: string): FileBytes {
  const { fd, size } = opened(path)
  let isOpen = true
  const fill: FileBytes["fill"] = async (target, start, signal) => {
    signal?.throwIfAborted()
    for (let at = 0; at < target.length; ) {
      const bytesRead = await readAt(fd, target.subarray(at), start + at).catch((cause) =>
        Promise.reject(asFileError(path, cause)),
      )
      if (bytesRead === 0) throw new Unavailable(`${path} became shorter while it was read`, { path })
      at += bytesRead
    }
  }
  return {
    size,
    fill,
    async read(start, end, signal) {
      const buffer = new Uint8Array(end - start)
      await fill(buffer, start, signal)
      return buffer
    },
    [Symbol.dispose]() {
      if (isOpen) closeSync(fd)
      isOpen = false
    },
  }
}

/**
 * A local file's bytes as they are there, of which only what is looked at takes memory. The file must not become shorter: to
 * read what is gone then ends the process.
 * @throws NotFound when nothing is there, CODError for what cannot be opened
 */
export function mapFile(path: string): Uint8Array {
  try {
    return Bun.mmap(path, { shared: false })
  } catch (cause) {
    throw asFileError(path, cause)
  }
}

function opened(path: string): { readonly fd: number; readonly size: number } {
  let fd: number | undefined
  try {
    // A plain descriptor: a `FileHandle` that somebody forgets to close ends the process in Bun. A pipe that nobody writes
    // to would be waited for by the whole process.
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const info = fstatSync(fd)
    if (info.isFile()) return { fd, size: info.size }
    throw new CODError(`${path} is no regular file`, { facts: { path } })
  } catch (cause) {
    if (fd !== undefined) closeSync(fd)
    throw asFileError(path, cause)
  }
}

/** What the file system says, as an error of ours. */
export function asFileError(path: string, cause: unknown): unknown {
  if (cause instanceof AppError || !(cause instanceof Error) || !("code" in cause)) return cause
  const code = String(cause.code)
  if (code === "ENOENT") return new NotFound(`${path}: no such file or directory`, { path }, cause)
  return new CODError(`${path}: ${code}`, { facts: { path, code }, cause })
}

function readAt(fd: number, buffer: Uint8Array, position: number): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  read(fd, buffer, 0, buffer.length, position, (error, bytesRead) => {
    if (error) reject(error)
    else resolve(bytesRead)
  })
  return promise
}
