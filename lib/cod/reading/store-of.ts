import { fileURLToPath } from "node:url"
import { type OpenOptions, openSource } from "../../storage/open.ts"
import type { ObjectSource } from "../../storage/store.ts"
import { UsageError } from "../../support/errors.ts"

/** A store, and what the keys of a place within it begin with. */
export interface Located extends Disposable {
  readonly source: ObjectSource
  /** Empty, or folders with a slash at the end. */
  readonly prefix: string
}

/** How a store is come by. */
export interface StoreChoice {
  /**
   * A store that is open already; the URI asked for is its own or lies below it. Whoever handed it in disposes of it:
   * it is used, never closed.
   */
  readonly store?: ObjectSource | undefined
  /** Credentials and patience for a store that is opened here (by `openSource`), and closed here. */
  readonly access?: OpenOptions | undefined
}

/**
 * The store for a folder of objects: `gs://bucket/prefix`, `s3://bucket/prefix` or `file:///folder`.
 * @throws UsageError for any other URI, or for one outside of the store that was handed in
 */
export function locateFolder(uri: string, { store, access }: StoreChoice): Located {
  if (store === undefined) {
    const opened = openSource(uri, access)
    return { source: opened, prefix: "", [Symbol.dispose]: () => opened[Symbol.dispose]() }
  }
  return { source: store, prefix: folderWithin(store, uri), [Symbol.dispose]() {} }
}

/** The same for one object, of a bucket: `gs://bucket/key`, `s3://bucket/key`. @throws UsageError */
export function locateObject(uri: string, choice: StoreChoice): Located & { readonly key: string } {
  const slash = uri.lastIndexOf("/")
  const folder = uri.slice(0, slash)
  const name = uri.slice(slash + 1)
  if (!/^[a-z0-9]+:\/\/.+/i.test(folder) || name === "") {
    throw new UsageError(
      `${JSON.stringify(uri)} names no object`,
      "Expected gs://bucket/key or s3://bucket/key.",
    )
  }
  const located = locateFolder(folder, choice)
  return { ...located, key: located.prefix + name }
}

function folderWithin({ uri: root }: ObjectSource, uri: string): string {
  const path = comparable(uri)
  const base = comparable(root)
  if (path === base) return ""
  if (path.startsWith(`${base}/`)) return `${path.slice(base.length + 1)}/`
  throw new UsageError(`${uri} does not lie in ${root}`, "Hand in the store that holds it, or none.")
}

/** Without slashes at its end; a file's URI as its path, for there are many ways to write the same one. */
function comparable(uri: string): string {
  const trimmed = uri.replace(/\/+$/, "")
  if (!trimmed.startsWith("file:///")) return trimmed
  try {
    return fileURLToPath(trimmed)
  } catch (cause) {
    throw new UsageError(`${JSON.stringify(uri)} cannot be used: ${(cause as Error).message}`)
  }
}
