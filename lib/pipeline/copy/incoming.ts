import { NotFound } from "../../storage/errors.ts"
import type { LocalBody, ObjectSource } from "../../storage/store.ts"
import { crc32cBase64 } from "../../support/checksums.ts"
import { type Checksums, checksumsOf } from "../../transfer/checksum.ts"
import { type ReceiveOptions, receive } from "../../transfer/receive.ts"

/** The bytes of one object on this box, with what proves them; disposing it gives their room back. */
export interface Incoming extends Disposable {
  readonly body: LocalBody
  readonly size: number
  readonly checksums: Checksums
  /** Where they are from, for the custom metadata. */
  readonly sourceUri: string
  /** Absent for what was made from the database. */
  readonly sourceEtag?: string | undefined
  readonly contentEncoding?: string | undefined
}

/** @throws NotFound, PreconditionFailed, ChecksumMismatch, Unavailable */
export async function fromOrigin(
  origin: ObjectSource,
  key: string,
  options: ReceiveOptions,
  signal?: AbortSignal,
): Promise<Incoming> {
  const received = await receive(origin, key, options, signal)
  try {
    return {
      body: received.body,
      size: received.info.size,
      checksums: await checksumsOf(origin, received, signal),
      sourceUri: `${origin.uri}/${key}`,
      sourceEtag: received.info.etag,
      contentEncoding: received.info.contentEncoding,
      [Symbol.dispose]: () => received[Symbol.dispose](),
    }
  } catch (error) {
    received[Symbol.dispose]()
    throw error
  }
}

/** The origin's object, or else what `make` gives; undefined when there is neither. */
export async function fromOriginOr(
  origin: ObjectSource,
  key: string,
  make: () => Promise<{ readonly text: string; readonly uri: string } | undefined>,
  options: ReceiveOptions,
  signal?: AbortSignal,
): Promise<Incoming | undefined> {
  try {
    return await fromOrigin(origin, key, options, signal)
  } catch (error) {
    if (!(error instanceof NotFound)) throw error
  }
  const made = await make()
  return made === undefined ? undefined : fromText(made.text, made.uri)
}

function fromText(text: string, uri: string): Incoming {
  const body = new TextEncoder().encode(text)
  return {
    body,
    size: body.length,
    checksums: { crc32c: crc32cBase64(body) },
    sourceUri: uri,
    [Symbol.dispose]() {},
  }
}
