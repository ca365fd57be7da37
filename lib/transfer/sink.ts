import { statSync } from "node:fs"
import { open } from "node:fs/promises"
import type { LocalBody } from "../storage/store.ts"

/** Where a body arrives; what has arrived stays when the stream breaks, so that another can go on behind it. */
export interface Sink {
  /** Bytes that have arrived, also while a stream is being taken. */
  readonly received: number
  /** The body, once all of it has arrived. */
  readonly body: LocalBody
  take(stream: ReadableStream<Uint8Array>): Promise<void>
}

/** @param size bytes of the whole body; a longer one is an error */
export function memorySink(size: number): Sink {
  let bytes: Uint8Array = new Uint8Array()
  let received = 0
  return {
    get received() {
      return received
    },
    get body() {
      return bytes
    },
    async take(stream) {
      for await (const chunk of stream) {
        if (received + chunk.length > size) throw new RangeError(`more than ${size} bytes came`)
        // Mostly a small body comes as one chunk, which then is the body.
        if (chunk.length === size) bytes = chunk
        else {
          if (received === 0) bytes = new Uint8Array(size)
          bytes.set(chunk, received)
        }
        received += chunk.length
      }
    },
  }
}

export function fileSink(path: string): Sink {
  return {
    get received() {
      return statSync(path, { throwIfNoEntry: false })?.size ?? 0
    },
    body: Bun.file(path),
    async take(stream) {
      // Handed over whole, the body goes to the file without passing through JavaScript; only what comes after a
      // break is appended by hand.
      if (this.received === 0) await Bun.write(path, new Response(stream))
      else await append(path, stream)
    },
  }
}

async function append(path: string, stream: ReadableStream<Uint8Array>) {
  await using file = await open(path, "a")
  for await (const chunk of stream) await file.appendFile(chunk)
}
