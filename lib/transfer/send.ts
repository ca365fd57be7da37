import { ChecksumMismatch, NotFound } from "../storage/errors.ts"
import type { LocalBody, ObjectInfo, ObjectStore, WriteOptions } from "../storage/store.ts"
import type { Checksums } from "./checksum.ts"

/** Wrong bytes stand at the destination and could not be deleted. A person has to. */
export class WrongBytesRemain extends ChecksumMismatch {
  readonly generation: string

  constructor(store: ObjectStore, written: ObjectInfo, cause: unknown) {
    super(
      `wrong bytes stand at ${store.uri}/${written.key} under generation ${written.generation} and could not be deleted`,
      { store: store.uri, key: written.key, generation: written.generation },
      cause,
    )
    this.generation = written.generation
  }
}

/**
 * Writes a body and believes only the answer: its size and every checksum that both sides know must be those of the
 * body. What differs is deleted under its own generation, so that a wrong object does not stay.
 * @returns what stands at the destination now, with its CRC32C
 * @throws ChecksumMismatch deleted again; WrongBytesRemain not even that
 * @throws PreconditionFailed something else stands there; AccessDenied; Unavailable
 */
export async function send(
  target: ObjectStore,
  key: string,
  body: LocalBody,
  checksums: Checksums,
  options: Omit<WriteOptions, "md5" | "crc32c">,
  signal?: AbortSignal,
): Promise<ObjectInfo & { readonly crc32c: string }> {
  const written = await target.write(key, body, { ...options, ...checksums }, signal)
  const size = body instanceof Uint8Array ? body.length : body.size
  const difference = differenceOf(written, { size, ...checksums })
  if (difference === undefined && written.crc32c !== undefined) return { ...written, crc32c: written.crc32c }
  const mismatch = new ChecksumMismatch(
    `the destination does not hold what was sent: ${difference ?? "no CRC32C in its answer"}`,
    { store: target.uri, key },
  )
  try {
    // Not given up when the run is being stopped: the wrong bytes would stay.
    await target.delete(key, { ifGeneration: written.generation })
  } catch (cause) {
    if (cause instanceof NotFound) throw mismatch
    throw new WrongBytesRemain(target, written, cause)
  }
  throw mismatch
}

/** Sizes agree, and there is no checksum that both sides know: neither the same nor different. */
export const NOTHING_IN_COMMON = "no checksum that both sides know"

/** How an object differs from what is known of a body; undefined when size and a checksum prove them the same. */
export function differenceOf(
  found: { readonly size: number; readonly md5?: string; readonly crc32c?: string },
  wanted: { readonly size: number } & Checksums,
): string | undefined {
  if (found.size !== wanted.size) return `size ${found.size} instead of ${wanted.size}`
  const md5Known = wanted.md5 !== undefined && found.md5 !== undefined
  const crc32cKnown = wanted.crc32c !== undefined && found.crc32c !== undefined
  if (md5Known && found.md5 !== wanted.md5) return `MD5 ${found.md5} instead of ${wanted.md5}`
  if (crc32cKnown && found.crc32c !== wanted.crc32c)
    return `CRC32C ${found.crc32c} instead of ${wanted.crc32c}`
  return md5Known || crc32cKnown ? undefined : NOTHING_IN_COMMON
}
