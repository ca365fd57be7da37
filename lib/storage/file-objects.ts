import type { BigIntStats } from "node:fs"
import { NotFound, PreconditionFailed } from "./errors.ts"
import { type Asked, describe } from "./failures.ts"
import type { Catalogue, CatalogueEntry } from "./file-catalogue.ts"
import { fileIdOf, placeOf } from "./file-paths.ts"
import type { Generation, ObjectInfo } from "./store.ts"

export type AskedObject = Asked & { readonly key: string }

/** A file store's folder and its catalogue, which only together say what an object is. */
export interface Shelf {
  readonly root: string
  readonly catalogue: Catalogue
}

/** What is known of the object at a key without reading it; undefined when there is none. */
export function objectAt({ root, catalogue }: Shelf, asked: AskedObject): ObjectInfo | undefined {
  const { file } = placeOf(asked, root)
  return file === undefined ? undefined : infoOfFile(catalogue, asked.key, file)
}

/**
 * The catalogue's entry where it is about this state of the file. Else somebody else put the file there: its generation
 * follows from the file itself.
 */
export function infoOfFile(catalogue: Catalogue, key: string, file: BigIntStats): ObjectInfo {
  const fileId = fileIdOf(file)
  const entry = catalogue.find(key, fileId)
  return entry === undefined
    ? { key, size: Number(file.size), generation: fileId, metadata: {}, updated: file.mtime }
    : infoOfEntry(entry, file)
}

export function infoOfEntry(entry: CatalogueEntry, file: Pick<BigIntStats, "size" | "mtime">): ObjectInfo {
  const { fileId: _, ...known } = entry
  return { ...known, size: Number(file.size), updated: file.mtime }
}

/** @throws PreconditionFailed */
export function requireGeneration(
  asked: AskedObject,
  found: ObjectInfo | undefined,
  wanted: Generation | "absent",
): void {
  if (found?.generation === (wanted === "absent" ? undefined : wanted)) return
  const facts = { store: asked.store, key: asked.key, wanted, found: found?.generation ?? "absent" }
  throw new PreconditionFailed(`${describe(asked)}: the object is another generation`, facts)
}

export function notFound(asked: AskedObject): NotFound {
  const { store, key } = asked
  return new NotFound(`${describe(asked)}: no such object`, { store, key })
}
