import { RequestRefused } from "./errors.ts"
import { type Asked, describe } from "./failures.ts"

/** The longest key that S3 and GCS take, in bytes of UTF-8. */
const MAX_KEY_BYTES = 1024

/** Between the keys that a store's users see and the names in the bucket, which begin with the store's prefix. */
export interface KeySpace {
  /** @throws RequestRefused for a key that no service can hold */
  nameOf(asked: Asked & { readonly key: string }): string
  keyOf(name: string): string
  /** The prefix of names below which the keys beginning with `keyPrefix` lie. */
  prefixOf(keyPrefix: string): string
}

/** @param prefix of every name: empty, or folders joined by slashes, as in `gs://bucket/prefix` */
export function keySpace(prefix = ""): KeySpace {
  const start = prefix === "" ? "" : `${prefix}/`
  return {
    nameOf(asked) {
      const name = start + asked.key
      const flaw = asked.key === "" ? "an empty key" : flawOf(name)
      if (flaw !== undefined) throw refusedKey(asked, flaw)
      return name
    },
    keyOf: (name) => name.slice(start.length),
    prefixOf: (keyPrefix) => start + keyPrefix,
  }
}

export function refusedKey(asked: Asked, flaw: string, cause?: unknown): RequestRefused {
  return new RequestRefused(`${describe(asked)}: ${flaw}`, { store: asked.store, key: asked.key }, cause)
}

/** True for keys with a part that URL parsers and file systems resolve instead of taking it as a name. */
export function hasDotSegment(key: string): boolean {
  return key.split("/").some((segment) => segment === "." || segment === "..")
}

/** Orders keys as S3 and GCS list them: by the bytes of their UTF-8 form, not by UTF-16 units as `<` does. */
export function compareKeys(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}

/**
 * What S3 and GCS both refuse, or could not give back.
 * https://cloud.google.com/storage/docs/objects#naming
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
 */
function flawOf(name: string): string | undefined {
  if (!name.isWellFormed()) return "a key with half a surrogate pair"
  if (Buffer.byteLength(name) > MAX_KEY_BYTES) return `a key of more than ${MAX_KEY_BYTES} bytes`
  if (/[\r\n]/.test(name)) return "a key with a line break"
  // In a URL such a name would mean the bucket, or what is above it.
  if (name === "." || name === "..") return "a key that is `.` or `..`"
  return undefined
}
