import type { BunFile } from "bun"

/**
 * Identifies one version of an object, opaque to callers: GCS's generation, the file store's counter, S3's ETag
 * (good for "unchanged while I read", `If-Match`).
 */
export type Generation = string

/** What a store knows of an object without reading its bytes. */
export interface ObjectInfo {
  readonly key: string
  /** Bytes as stored, before any content decoding. */
  readonly size: number
  readonly generation: Generation
  /** CRC32C of the stored bytes, base64 of the big-endian 4 bytes, as GCS writes it. Absent where the store has none. */
  readonly crc32c?: string
  /** MD5 of the stored bytes, base64. Absent where unknown: composed, multi-part or KMS-encrypted objects. */
  readonly md5?: string
  /** The service's ETag without quotes, whatever it means there. */
  readonly etag?: string
  readonly contentType?: string
  readonly contentEncoding?: string
  readonly storageClass?: string
  /** Custom metadata; keys are lower case. */
  readonly metadata: Readonly<Record<string, string>>
  readonly updated?: Date
}

/** `end` is exclusive; without it, to the end of the object. */
export interface ByteRange {
  readonly start: number
  readonly end?: number
}

export interface ReadOptions {
  readonly range?: ByteRange
  /** Fail with `PreconditionFailed` unless the object still is this generation. */
  readonly ifGeneration?: Generation
}

/** An object's bytes with what the same answer told of it, so that a small copy costs one request on this side. */
export interface ObjectBody {
  /** Of the whole object, also when a range was read. GCS leaves the custom metadata out here: `head` has them. */
  readonly info: ObjectInfo
  /**
   * Never content-decoded. The reader drains or cancels it. It never ends short: a body that breaks throws whatever
   * the runtime throws, because wrapping it would drag every chunk through JavaScript; who consumes it treats that
   * as `Unavailable`.
   */
  readonly stream: ReadableStream<Uint8Array>
}

/** What can be uploaded without a chunk passing through JavaScript: bytes, or a whole file (no slice of one). */
export type LocalBody = Uint8Array | BunFile

/** A body whose bytes are made as they are asked for. However long it is, a few pieces of it are in memory at a time. */
export interface UploadParts {
  /** Bytes of the whole body. */
  readonly size: number
  /**
   * Exactly the `end - start` bytes from `start` up to `end`, exclusive. Asked for from the front to the back, one range
   * after the other, and again from where an upload broke off: the same bytes must come. How long it takes is its own
   * matter, the write waits. The bytes must not change before the second call after this one, so that two buffers are
   * enough for any body.
   *
   * The write fails with the error that it throws, after `Unavailable` as patiently as if the store itself had been so.
   */
  read(start: number, end: number, signal?: AbortSignal): Promise<Uint8Array>
}

export type UploadBody = LocalBody | UploadParts

export interface WriteOptions {
  /** Every write states what must be there now: nothing, or exactly this generation. */
  readonly ifGeneration: Generation | "absent"
  /** Named before the bytes become visible: the store refuses bytes that do not fit (`ChecksumMismatch`). */
  readonly crc32c?: string
  readonly md5?: string
  readonly contentType: string
  readonly contentEncoding?: string
  readonly metadata?: Readonly<Record<string, string>>
  readonly storageClass?: string
}

/** A place that objects can be read from. Absence is a value (`undefined`), any failure is thrown as `StorageError`. */
export interface ObjectSource {
  /** `s3://bucket`, `gs://bucket/prefix`, `file:///folder`: what keys are relative to, for people and for custom metadata. */
  readonly uri: string
  head(key: string, signal?: AbortSignal): Promise<ObjectInfo | undefined>
  /** @throws NotFound, PreconditionFailed, AccessDenied, Unavailable */
  read(key: string, options?: ReadOptions, signal?: AbortSignal): Promise<ObjectBody>
  /**
   * Every object whose key begins with `prefix`, in the order of the keys' UTF-8 bytes, page by page as it is consumed.
   * An iterator that threw `Unavailable` is not over: its `next` asks for the same page again. What a service does not
   * tell in its listings is absent (S3: checksums, types, custom metadata).
   */
  list(prefix: string, signal?: AbortSignal): AsyncIterable<ObjectInfo>
  /**
   * Finds out, before any work and at the price of one request, that nothing here will succeed, as far as the rights
   * let one look: lacking the right to look is no failure.
   * @returns whether it could look
   * @throws BucketNotFound, AccessDenied, Unavailable
   */
  probe?(signal?: AbortSignal): Promise<boolean>
  /**
   * Size in bytes of the first part of a multi-part upload, for recomputing its ETag; undefined when the object was
   * not uploaded in parts, or its ETag is not made of their MD5s. Only where ETags are made so (S3).
   */
  partSize?(key: string, generation: Generation, signal?: AbortSignal): Promise<number | undefined>
}

/** A place that objects can also be written to. A write is visible whole or not at all, and always conditional. */
export interface ObjectStore extends ObjectSource {
  /** @throws PreconditionFailed, ChecksumMismatch, AccessDenied, Unavailable */
  write(key: string, body: UploadBody, options: WriteOptions, signal?: AbortSignal): Promise<ObjectInfo>
  /** @throws NotFound, PreconditionFailed, AccessDenied, Unavailable */
  delete(key: string, options: { readonly ifGeneration: Generation }, signal?: AbortSignal): Promise<void>
}

/** A store as its opener gets it: it can be probed, and is closed by disposing it. */
export type Opened<S extends ObjectSource> = S & Required<Pick<S, "probe">> & Disposable
