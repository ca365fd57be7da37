import { UsageError } from "../support/errors.ts"
import type { RandomAccess } from "./format/bytes.ts"
import { TooLarge } from "./format/errors.ts"

/** Bytes that are handed out in one piece. */
const MAX_AT_ONCE = 2 ** 31

/** What a position is counted from. */
export type SeekFrom = "start" | "current" | "end"

/**
 * The bytes of one DICOM file, or of one of its frames, to be read from any place: `size`, `read`, `seek`, `tell` as
 * files have them; `bytes` and `range` do without a position. Close it (`await using`) when done: it may hold an open
 * file, or a temporary one that goes with it.
 */
export class ByteView implements AsyncDisposable {
  readonly #bytes: RandomAccess
  readonly #close: () => void | Promise<void>
  #position = 0
  #isOpen = true

  /** @param close what is to be done when the view is closed, once */
  constructor(bytes: RandomAccess, close: () => void | Promise<void> = () => {}) {
    this.#bytes = bytes
    this.#close = close
  }

  get size(): number {
    return this.#bytes.size
  }

  /** The position at which the next `read` begins. */
  tell(): number {
    return this.#position
  }

  /**
   * Moves to `offset` bytes from the start, the present position or the end, and says where that is. The position may be
   * behind the end (nothing is read there); going back further than the start ends at the start.
   * @throws UsageError for a negative offset from the start
   */
  seek(offset: number, from: SeekFrom = "start"): number {
    if (from === "start" && offset < 0) throw new UsageError(`no position ${offset} before the start`)
    const base = { start: 0, current: this.#position, end: this.size }[from]
    this.#position = Math.max(0, base + offset)
    return this.#position
  }

  /** The next `length` bytes, or what there is up to the end; all of it without `length`. */
  async read(length = Number.POSITIVE_INFINITY, signal?: AbortSignal): Promise<Uint8Array> {
    const start = Math.min(this.#position, this.size)
    const end = Math.min(this.size, start + Math.max(0, length))
    const bytes = await this.range(start, end, signal)
    this.#position += bytes.length
    return bytes
  }

  /** All bytes, wherever the position is. */
  bytes(signal?: AbortSignal): Promise<Uint8Array> {
    return this.range(0, this.size, signal)
  }

  /**
   * The bytes from `start` up to `end`, exclusive, wherever the position is.
   * @throws UsageError when they are not all there, or the view is closed; TooLarge for more than 2 GiB at once
   */
  async range(start: number, end: number, signal?: AbortSignal): Promise<Uint8Array> {
    if (!this.#isOpen) throw new UsageError("the view is closed")
    if (!(0 <= start && start <= end && end <= this.size)) {
      throw new UsageError(`no bytes ${start} .. ${end} in ${this.size}`)
    }
    if (end - start > MAX_AT_ONCE) throw new TooLarge("what is read at once", MAX_AT_ONCE)
    return await this.#bytes.read(start, end, signal)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isOpen) return
    this.#isOpen = false
    await this.#close()
  }
}
