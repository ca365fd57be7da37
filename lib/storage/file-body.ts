import { type BigIntStats, closeSync, fstatSync, openSync, read } from "node:fs"
import { Unavailable } from "./errors.ts"
import { type Asked, describe } from "./failures.ts"
import { isAbsent } from "./file-failures.ts"
import { fileIdOf } from "./file-paths.ts"

/** Large enough that JavaScript hardly notices, small enough for many bodies at once. */
const CHUNK_BYTES = 256 << 10

/** A file open for reading: it stays this one, whatever is renamed to its path meanwhile. */
export interface OpenFile extends Disposable {
  readonly stats: BigIntStats
  /** The bytes from `start` up to `end`. From now on the stream closes the file: at its end, on failure, when cancelled. */
  stream(asked: Asked, start: number, end: number): ReadableStream<Uint8Array>
}

/** @returns undefined when nothing is there */
export function openToRead(path: string): OpenFile | undefined {
  // A plain descriptor: a `FileHandle` that somebody forgets to close ends the process in Bun.
  const fd = descriptor(path)
  if (fd === undefined) return undefined
  const stats = fstatSync(fd, { bigint: true })
  let isOpen = true
  const close = () => {
    if (isOpen) closeSync(fd)
    isOpen = false
  }
  let isStreamed = false
  return {
    stats,
    stream(asked, start, end) {
      isStreamed = true
      return streamOf({ asked, fd, stats, close }, start, end)
    },
    [Symbol.dispose]() {
      if (!isStreamed) close()
    },
  }
}

function descriptor(path: string): number | undefined {
  try {
    return openSync(path, "r")
  } catch (error) {
    if (isAbsent(error)) return undefined
    throw error
  }
}

interface Source {
  readonly asked: Asked
  readonly fd: number
  readonly stats: BigIntStats
  readonly close: () => void
}

function streamOf(source: Source, start: number, end: number): ReadableStream<Uint8Array> {
  let at = start
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          if (at < end) {
            const chunk = await readAt(source.fd, at, Math.min(CHUNK_BYTES, end - at))
            at += chunk.byteLength
            if (chunk.byteLength === 0 || (at === end && isChanged(source))) throw changed(source.asked)
            controller.enqueue(chunk)
          }
          if (at < end) return
          source.close()
          controller.close()
        } catch (error) {
          source.close()
          throw error
        }
      },
      cancel: source.close,
    },
    { highWaterMark: 0 },
  )
}

/** No writer of this store changes a file in place, but others may. */
function isChanged({ fd, stats }: Source): boolean {
  return fileIdOf(fstatSync(fd, { bigint: true })) !== fileIdOf(stats)
}

function changed(asked: Asked): Unavailable {
  const { store, key } = asked
  return new Unavailable(`${describe(asked)}: the file was changed while it was read`, { store, key })
}

function readAt(fd: number, position: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array<ArrayBuffer>>()
  const buffer = new Uint8Array(length)
  read(fd, buffer, 0, length, position, (error, bytesRead) => {
    if (error) reject(error)
    else resolve(bytesRead === length ? buffer : buffer.subarray(0, bytesRead))
  })
  return promise
}
