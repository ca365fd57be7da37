import { type BigIntStats, statSync, unlinkSync } from "node:fs"
import { isAbsolute, resolve } from "node:path"
import { PreconditionFailed } from "../../storage/errors.ts"
import { type OpenOptions, openStore } from "../../storage/open.ts"
import type { Generation, ObjectStore } from "../../storage/store.ts"
import { crc32cOfFile } from "../../support/checksums.ts"
import { UsageError } from "../../support/errors.ts"
import { asFileError } from "../reading/file-bytes.ts"
import { measureRange } from "../reading/measure.ts"
import { localPath } from "../reading/open-uri.ts"
import { deleteObject } from "./store-delete.ts"

/** What stands at a URI now. */
export interface StandingFile {
  readonly size: number
  readonly generation: Generation
  /** Undefined where it has to be read for that. */
  readonly crc32c?: string | undefined
}

/** A file somewhere else, to be looked at and deleted. */
export interface DependencyPlace {
  look(signal?: AbortSignal): Promise<StandingFile | undefined>
  crc32c(found: StandingFile, signal?: AbortSignal): Promise<string>
  /** Sees to it that it is gone. @throws PreconditionFailed when it is another by now */
  delete(found: StandingFile, signal?: AbortSignal): Promise<void>
}

/** Finds the places that URIs name; stores that are opened for it go with it. */
export interface DependencyPlaces extends Disposable {
  /** @throws UsageError for what nobody can delete here */
  placeOf(uri: string): DependencyPlace
}

export interface PlacesOptions {
  /** The store of the series. */
  readonly own: ObjectStore | undefined
  /** A store for what lies elsewhere, its owner's; without one `gs://` buckets are opened. */
  readonly storeOf?: ((uri: string) => ObjectStore | undefined) | undefined
  readonly access?: OpenOptions | undefined
}

export function openPlaces({ own, storeOf, access }: PlacesOptions): DependencyPlaces {
  const opened = new DisposableStack()
  const buckets = new Map<string, ObjectStore>()

  const bucketOf = (uri: string): ObjectStore => {
    const [bucket] = /^gs:\/\/[^/]+/.exec(uri) ?? []
    if (bucket === undefined) throw new UsageError("nothing can be deleted there")
    const store = buckets.get(bucket) ?? opened.use(openStore(bucket, access))
    buckets.set(bucket, store)
    return store
  }

  return {
    placeOf(uri) {
      if (isLocal(uri)) return localPlace(localPath(uri))
      const store = own !== undefined && holds(own, uri) ? own : (storeOf?.(uri) ?? bucketOf(uri))
      if (!holds(store, uri)) throw new UsageError(`${uri} does not lie in ${store.uri}`)
      return storedPlace(store, uri.slice(store.uri.length + 1))
    },
    [Symbol.dispose]: () => opened.dispose(),
  }
}

/** A path, or its URI. */
export function isLocal(uri: string): boolean {
  return uri.startsWith("file:") || !/^[a-z][a-z0-9+.-]*:\/\//i.test(uri)
}

function holds({ uri: root }: ObjectStore, uri: string): boolean {
  return uri.startsWith(`${root}/`) && uri.length > root.length + 1
}

function storedPlace(store: ObjectStore, key: string): DependencyPlace {
  return {
    look: (signal) => store.head(key, signal),
    async crc32c({ size, generation }, signal) {
      return (await measureRange({ source: store, key }, { start: 0, end: size }, generation, signal)).crc32c
    },
    delete: ({ generation }, signal) => deleteObject(store, key, generation, signal),
  }
}

/** A file is another when it was exchanged, or written since. */
function localPlace(path: string): DependencyPlace {
  if (!isAbsolute(path)) throw new UsageError("a relative path names no file for good")
  const whole = resolve(path)
  return {
    look: async () => standing(whole),
    crc32c: async (_, signal) => await crc32cOfFile(whole, signal),
    async delete(found) {
      const now = standing(whole)
      if (now === undefined) return
      if (now.generation !== found.generation) throw new PreconditionFailed(`${path} was changed`, { path })
      orFileError(whole, () => unlinkSync(whole))
    },
  }
}

function standing(path: string): StandingFile | undefined {
  const stats = orFileError(path, () => statSync(path, { bigint: true, throwIfNoEntry: false }))
  if (stats === undefined) return undefined
  if (!stats.isFile()) throw new UsageError("it is not a file")
  return { size: Number(stats.size), generation: stateOf(stats) }
}

function stateOf({ dev, ino, size, mtimeNs }: BigIntStats): string {
  return `${dev}-${ino}-${size}-${mtimeNs}`
}

function orFileError<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (cause) {
    throw asFileError(path, cause)
  }
}
